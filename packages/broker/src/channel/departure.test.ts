import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Queue, QueueConsumer } from '../queue/queue.js';
import { aMessage, QueueBench, Receiver } from '../testing/queue-bench.support.test.js';
import { versionProfile } from '../version/version-profile.js';
import { planDeparture, returnOrder } from './departure.js';
import type { Delivery } from './unacked-deliveries.js';

const QUORUM = { 'x-queue-type': 'quorum' };

function delivery(tag: number, queue: Queue, consumer?: QueueConsumer): Delivery {
  return { tag, queue, consumer, message: aMessage(`m${tag}`), sentAt: 0, takenBack: false };
}

describe('planDeparture', () => {
  it('tells classic queues with consumers in turn, the latest first', () => {
    const bench = new QueueBench();
    const [first, quorum, got, last] = [
      bench.queue('first'),
      bench.queue('quorum', QUORUM),
      bench.queue('got'),
      bench.queue('last'),
    ];
    const consumers = [first, quorum, last].map((queue) => bench.consume(queue, queue.name, new Receiver()));
    const { inTurn, atOnce } = planDeparture(consumers, [delivery(1, got), delivery(2, first)]);
    expect(inTurn.map(({ name }) => name)).to.deep.equal(['last', 'first']);
    expect(atOnce.map(({ name }) => name)).to.deep.equal(['quorum', 'got']);
  });
});

describe('returnOrder', () => {
  const bench = new QueueBench();
  const queue = bench.queue('q', QUORUM);
  const z = bench.consume(queue, 'z', new Receiver());
  const a = bench.consume(queue, 'a', new Receiver());
  const deliveries = [delivery(1, queue), delivery(2, queue, a), delivery(3, queue, z), delivery(10, queue)];
  const tags = (ordered: readonly Delivery[]): number[] => ordered.map(({ tag }) => tag);

  it('goes by subscriptions, then by basic.get, from 4.0 on', () => {
    expect(tags(returnOrder(deliveries, queue, versionProfile('4.0')))).to.deep.equal([3, 2, 1, 10]);
    const gets = [delivery(2, queue), delivery(10, queue), delivery(1, queue)];
    expect(tags(returnOrder(gets, queue, versionProfile('4.3')))).to.deep.equal([1, 10, 2]);
  });

  it('goes by tags in 3.10, those of basic.get among them', () => {
    expect(tags(returnOrder(deliveries, queue, versionProfile('3.10')))).to.deep.equal([1, 10, 2, 3]);
  });

  it('leaves the order to a classic queue', () => {
    const classic = bench.queue('classic');
    const of = deliveries.map(({ tag }) => delivery(tag, classic));
    expect(tags(returnOrder(of, classic, versionProfile('3.10')))).to.deep.equal([1, 2, 3, 10]);
  });
});
