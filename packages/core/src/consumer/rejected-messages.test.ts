import { expect } from 'chai';
import { describe, it } from 'mocha';
import { aQueueDeclaration } from './listener-harness.support.test.js';
import { keepsRejected } from './rejected-messages.js';

describe('keepsRejected', () => {
  const asDeclared = { deadLetterPolicy: false, isAsDeclared: true };
  const elsewhere = { deadLetterPolicy: false, isAsDeclared: false };
  const withDeadLetters = (exchange: string) =>
    aQueueDeclaration({ arguments: { 'x-dead-letter-exchange': exchange } });

  it('says yes when the declaration has a dead letter exchange, the default one included [spring 19]', () => {
    const to = (exchange: string) => keepsRejected(withDeadLetters(exchange), asDeclared);
    expect([to('dlx'), to('')]).to.deep.equal(['yes', 'yes']);
  });

  it('says no when it has none, also of a queue that was declared because it was missing', () => {
    expect(keepsRejected(aQueueDeclaration(), asDeclared)).to.equal('no');
    expect(keepsRejected(aQueueDeclaration({ declare: 'if-missing' }), asDeclared)).to.equal('no');
  });

  it('says yes when a policy of the topology gives it one, whoever declared it', () => {
    const policy = { deadLetterPolicy: true, isAsDeclared: false };
    expect(keepsRejected(undefined, policy)).to.equal('yes');
    expect(keepsRejected(aQueueDeclaration(), { ...policy, isAsDeclared: true })).to.equal('yes');
  });

  it('does not know of a queue that others declare, that was there before, or that has other properties', () => {
    expect(keepsRejected(undefined, elsewhere)).to.equal('unknown');
    expect(keepsRejected(aQueueDeclaration({ declare: 'if-missing' }), elsewhere)).to.equal('unknown');
    expect(keepsRejected(withDeadLetters('dlx'), elsewhere)).to.equal('unknown');
  });
});
