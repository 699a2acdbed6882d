import { expect } from 'chai';
import { describe, it } from 'mocha';
import { aQueueDeclaration } from './listener-harness.support.test.js';
import { keepsRejected } from './rejected-messages.js';

describe('keepsRejected', () => {
  it('says yes when the declaration has a dead letter exchange, the default one included [spring 19]', () => {
    const to = (exchange: string) =>
      keepsRejected(aQueueDeclaration({ arguments: { 'x-dead-letter-exchange': exchange } }));
    expect([to('dlx'), to('')]).to.deep.equal(['yes', 'yes']);
  });

  it('says no when it has none', () => {
    expect(keepsRejected(aQueueDeclaration())).to.equal('no');
  });

  it('does not know of a queue that others declare', () => {
    expect(keepsRejected(undefined)).to.equal('unknown');
    expect(keepsRejected(aQueueDeclaration({ declare: 'if-missing' }))).to.equal('unknown');
  });
});
