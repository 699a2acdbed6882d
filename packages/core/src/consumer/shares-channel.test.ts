import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import type { ListenerDefinition } from './listener-definition.js';
import { aDefinition, aQueueDeclaration } from './listener-harness.support.test.js';
import { checkSharedChannel, sharesChannel } from './shares-channel.js';

const SINGLE = aQueueDeclaration({ arguments: { 'x-single-active-consumer': true } });
const KNOWS = { isAsDeclared: () => true };

describe('sharesChannel', () => {
  const shares = (parts: Partial<ListenerDefinition>, transport: Parameters<typeof sharesChannel>[1] = KNOWS) =>
    sharesChannel(
      aDefinition({ definition: { queueDeclaration: aQueueDeclaration(), concurrency: 3, ...parts } }),
      transport,
    );

  it('is so for a queue that is declared here and has no single active consumer', () => {
    expect(shares({})).to.equal(true);
    expect(shares({ queueDeclaration: SINGLE })).to.equal(false);
  });

  it('is not so for a queue that may have one', () => {
    expect(shares({ queueDeclaration: undefined })).to.equal(false);
    expect(shares({ queueDeclaration: aQueueDeclaration({ declare: 'if-missing' }) })).to.equal(false);
    expect(shares({}, { isAsDeclared: () => false })).to.equal(false);
    expect(shares({}, {})).to.equal(false);
  });

  it('is as the listener says', () => {
    expect(shares({ queueDeclaration: undefined, sharedChannel: true })).to.equal(true);
    expect(shares({ sharedChannel: false })).to.equal(false);
  });

  it('is never so where the order is kept, or for one handler', () => {
    expect(shares({ ordered: true, sharedChannel: true })).to.equal(false);
    expect(shares({ concurrency: 1, sharedChannel: true })).to.equal(false);
  });
});

describe('checkSharedChannel', () => {
  const faults = (definition: Partial<ListenerDefinition>) => {
    const problems = new Problems();
    checkSharedChannel(aDefinition({ definition: { sharedChannel: true, concurrency: 3, ...definition } }), problems);
    return problems.list;
  };

  it('refuses what would break the order of the queue', () => {
    expect(faults({ ordered: true }).join()).to.match(/^sharedChannel does not go with ordered/);
    expect(faults({ queueDeclaration: SINGLE }).join()).to.contain('singleActiveConsumer');
    expect(faults({})).to.deep.equal([]);
    expect(faults({ ordered: true, concurrency: 1 })).to.deep.equal([]);
  });
});
