import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { OperationsSession } from '../session/operations-session.js';
import { growthOf, sampleQueues } from './sample-queues.js';

describe('growthOf', () => {
  it('is messages in a second, and below 0 where a queue becomes shorter', () => {
    expect(growthOf(130, 100, 2)).to.equal(15);
    expect(growthOf(100, 103, 2)).to.equal(-1.5);
    expect(growthOf(100, 100, 2)).to.equal(0);
    expect(growthOf(101, 100, 3)).to.equal(0.3);
  });

  it('is not known of a queue that is new, or by a clock that was set back', () => {
    expect(growthOf(1, undefined, 2)).to.equal(undefined);
    expect(growthOf(undefined, 1, 2)).to.equal(undefined);
    expect(growthOf(1, 1, 0)).to.equal(undefined);
    expect(growthOf(1, 1, -5)).to.equal(undefined);
  });
});

describe('sampleQueues', () => {
  const activity = (name: string, ready: number | undefined, unacked: number | undefined) => ({
    ...{ name, type: 'classic', ready, unacked, consumers: 1 },
    ...{ publishRate: 1, deliverRate: 2, ackRate: 3 },
  });
  const view = (name: string) => ({ name, type: 'classic', arguments: {}, effective: {}, messages: 0, consumers: 0 });
  let at = 10_000;
  const withApi = (activities: object[], consumers: object[] = []) => {
    const reader = {
      queueActivities: async () => activities,
      queues: async () => activities.map((each) => view((each as { name: string }).name)),
      exchanges: async () => [],
      bindings: async () => [],
      consumers: async () => consumers,
    };
    return {
      clock: { now: () => at },
      management: async () => reader,
      needManagement: async () => reader,
    } as unknown as OperationsSession;
  };

  it('has those of the virtual host, the longest first, then by name, without leveret’s own', async () => {
    const activities = [
      activity('a', 1, 1),
      activity('b', 2, undefined),
      activity('a queue of which nothing is known', undefined, undefined),
      activity('long', 5, 5),
      activity('errors', 0, 0),
      activity('leveret.lock.look.q', 9, 9),
      activity('leveret.retrying.errors', 1, 0),
    ];
    const { queues, source, missing } = await sampleQueues(withApi(activities));
    expect(queues.map(({ name }) => name)).to.deep.equal([
      'long',
      'a',
      'b',
      'leveret.retrying.errors',
      'a queue of which nothing is known',
      'errors',
    ]);
    expect([source, missing]).to.deep.equal(['management', []]);
    expect(queues.filter(({ isErrorQueue }) => isErrorQueue).map(({ name }) => name)).to.deep.equal(['errors']);
    expect(queues[0]).to.include({ publishRate: 1, deliverRate: 2, ackRate: 3, growth: undefined });
  });

  it('has those that are named, leveret’s own as well, and says which are not there', async () => {
    const activities = [activity('a', 1, 0), activity('b', 1, 0), activity('leveret.tail.x', 1, 0)];
    const { queues, missing } = await sampleQueues(withApi(activities), ['leveret.tail.x', 'b', 'gone']);
    expect(queues.map(({ name }) => name)).to.deep.equal(['b', 'leveret.tail.x']);
    expect(missing).to.deep.equal(['gone']);
  });

  it('knows which listeners consume a queue, each once', async () => {
    const tag = (listener: string, n: number) => ({ queue: 'q', tag: `${listener}-0123456789ab-${n}` });
    const consumers = [tag('Z.on', 1), tag('A.on', 1), tag('A.on', 2), { queue: 'q', tag: 'amq.ctag-1' }];
    const { queues } = await sampleQueues(withApi([activity('q', 0, 0), activity('other', 0, 0)], consumers));
    expect(queues.map(({ listeners }) => listeners)).to.deep.equal([[], ['A.on', 'Z.on']]);
  });

  it('says by how many messages in a second a queue has grown since the sample before', async () => {
    const before = await sampleQueues(withApi([activity('q', 10, 5)]));
    at += 2_000;
    const { queues } = await sampleQueues(withApi([activity('q', 20, 10), activity('new', 1, 0)]), [], before);
    expect(queues.map(({ name, growth }) => [name, growth])).to.deep.equal([
      ['q', 7.5],
      ['new', undefined],
    ]);
  });

  it('knows without a management API what a passive declaration answers', async () => {
    const session = {
      clock: { now: () => 5 },
      management: async () => undefined,
      broker: { queue: async (name: string) => (name === 'gone' ? undefined : { messages: 4, consumers: 2 }) },
    } as unknown as OperationsSession;
    const { queues, source, at: sampledAt, missing } = await sampleQueues(session, ['q', 'gone']);
    expect([source, sampledAt, missing]).to.deep.equal(['amqp', 5, ['gone']]);
    expect(queues).to.deep.equal([
      {
        ...{ name: 'q', type: undefined, ready: 4, unacked: undefined, consumers: 2 },
        ...{ publishRate: undefined, deliverRate: undefined, ackRate: undefined, growth: undefined },
        ...{ isErrorQueue: false, listeners: [] },
      },
    ]);
  });
});
