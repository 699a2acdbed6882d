import { expect } from 'chai';
import { describe, it } from 'mocha';
import { bindingOf, exchangeOf, queueOf, topologyOf } from '../test-support/declarations.js';
import { topologyOfQueue } from './declare-topology.js';
import { mergeTopologies } from './topology-keeper.js';

describe('mergeTopologies', () => {
  it('adds what is new and lets the later declaration of a name win', () => {
    const first = topologyOf({
      exchanges: [exchangeOf('a'), exchangeOf('b')],
      queues: [queueOf('q')],
      bindings: [bindingOf('a', 'q', 'one')],
    });
    const second = topologyOf({
      exchanges: [exchangeOf('b', { type: 'topic' })],
      queues: [queueOf('r')],
      bindings: [bindingOf('a', 'q', 'one'), bindingOf('a', 'q', 'two')],
    });
    expect(mergeTopologies(first, second)).to.deep.equal(
      topologyOf({
        exchanges: [exchangeOf('a'), exchangeOf('b', { type: 'topic' })],
        queues: [queueOf('q'), queueOf('r')],
        bindings: [bindingOf('a', 'q', 'one'), bindingOf('a', 'q', 'two')],
      }),
    );
  });
});

describe('topologyOfQueue', () => {
  const topology = topologyOf({
    exchanges: [exchangeOf('a'), exchangeOf('b')],
    queues: [queueOf('q'), queueOf('r')],
    bindings: [
      bindingOf('a', 'q', 'key'),
      bindingOf('b', 'r', 'key'),
      { ...bindingOf('b', 'q', 'key'), destinationType: 'exchange' },
    ],
  });

  it('takes the queue, its bindings and the exchanges they come from', () => {
    expect(topologyOfQueue(topology, 'q')).to.deep.equal(
      topologyOf({ exchanges: [exchangeOf('a')], queues: [queueOf('q')], bindings: [bindingOf('a', 'q', 'key')] }),
    );
  });

  it('is nothing for a queue that is not declared', () => {
    expect(topologyOfQueue(topology, 'other')).to.equal(undefined);
  });
});
