import { expect } from 'chai';
import { describe, it } from 'mocha';
import { bodyOf, QueueBench, Receiver } from '../testing/queue-bench.support.test.js';
import type { BrokerVersion } from '../version/version-profile.js';
import type { ReturnKind } from './delivery-count.js';
import type { Queue } from './queue.js';

const QUORUM = { 'x-queue-type': 'quorum' };
const TO_DL = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dl' };

function reasonAt(bench: QueueBench, name: string): (string | undefined)[] {
  const messages = [...(bench.vhost.queue(name)?.readyMessages ?? [])];
  return messages.map(({ extra, bytes }) => extra?.deaths?.[0]?.reason ?? /maxlen|expired/.exec(bytes.toString())?.[0]);
}

describe('Queue: failures carried to the dead-letter queue', () => {
  /** Gives the message back as `kinds` say, then lets it die by basic.reject or basic.nack; what the next queue has counted. */
  function carried(version: BrokerVersion, type: 'quorum' | 'classic', ...kinds: readonly ReturnKind[]): unknown {
    const bench = new QueueBench(version);
    bench.queue('dl', QUORUM);
    const queue = bench.queue('q', { 'x-queue-type': type, ...TO_DL });
    bench.publish('q', 'm');
    for (const [i, kind] of kinds.entries()) {
      const message = queue.get(false);
      if (message === undefined) throw new Error('the message is gone');
      if (i < kinds.length - 1) queue.requeue([message], kind);
      else queue.discard([message], kind);
    }
    const [dead] = bench.vhost.queue('dl')?.readyMessages ?? [];
    return [dead?.extra?.deliveryCount ?? 0, dead?.redelivered];
  }

  it('counts none in 3.10', () => {
    expect(carried('3.10', 'quorum', 'gone', 'reject', 'reject')).to.deep.equal([0, false]);
  });

  it('counts lost channels and refusals of quorum queues in 4.0', () => {
    expect(carried('4.0', 'quorum', 'gone', 'reject', 'nack', 'nack')).to.deep.equal([2, true]);
    expect(carried('4.0', 'classic', 'gone', 'reject')).to.deep.equal([0, false]);
  });

  it('counts lost channels and basic.reject of all queues in 4.3', () => {
    for (const type of ['quorum', 'classic'] as const) {
      expect(carried('4.3', type, 'gone', 'reject', 'nack', 'reject')).to.deep.equal([3, true]);
      expect(carried('4.3', type, 'nack', 'nack')).to.deep.equal([0, false]);
    }
  });

  it('carries them also when the message expires', () => {
    const bench = new QueueBench('4.0');
    bench.queue('dl', QUORUM);
    const queue = bench.queue('q', { ...QUORUM, ...TO_DL });
    bench.publish('q', 'm', { expiration: '100' });
    const message = queue.get(false);
    if (message !== undefined) queue.requeue([message], 'gone');
    bench.clock.advance(100);
    expect(bench.ready('dl')).to.deep.equal(['mR']);
  });

  it('marks a dead letter in a classic queue of 4.3 only if it was stored there', () => {
    const redelivered = (waits: boolean): string[] => {
      const bench = new QueueBench('4.3');
      const dl = bench.queue('dl');
      const queue = bench.queue('q', TO_DL);
      const receiver = new Receiver();
      if (waits) bench.consume(dl, 'c', receiver);
      bench.publish('q', 'm');
      const message = queue.get(false);
      if (message !== undefined) queue.discard([message], 'reject');
      if (!waits) bench.consume(dl, 'c', receiver);
      return receiver.log;
    };
    expect(redelivered(true)).to.deep.equal(['c:m']);
    expect(redelivered(false)).to.deep.equal(['c:mR']);
  });

  it('holds what was carried against the delivery limit in 4.3, not in 4.0', () => {
    const deliveries = (version: BrokerVersion): number => {
      const bench = new QueueBench(version);
      const dl = bench.queue('dl', { ...QUORUM, 'x-delivery-limit': 2 });
      const queue = bench.queue('q', { ...QUORUM, ...TO_DL });
      bench.publish('q', 'm');
      const message = queue.get(false);
      if (message !== undefined) queue.discard([message], 'reject');
      let count = 0;
      for (let next = dl.get(false); next !== undefined; next = dl.get(false)) {
        count++;
        dl.requeue([next], 'reject');
      }
      return count;
    };
    expect([deliveries('4.0'), deliveries('4.3')]).to.deep.equal([3, 2]);
  });
});

describe('Queue: limits and age of a quorum queue', () => {
  const VERSIONS = ['3.10', '4.0', '4.3'] as const;

  it('lets a message without any time fall to the limit first', () => {
    for (const version of VERSIONS) {
      const bench = new QueueBench(version);
      bench.queue('dl');
      bench.queue('q', { ...QUORUM, ...TO_DL, 'x-max-length': 0 });
      bench.publish('q', 'm', { expiration: '0' });
      expect(reasonAt(bench, 'dl'), version).to.deep.equal(['maxlen']);
    }
  });

  it('lets a returned message expire before it falls to the limit', () => {
    for (const version of VERSIONS) {
      const bench = new QueueBench(version);
      bench.queue('dl');
      const queue = bench.queue('q', { ...QUORUM, ...TO_DL, 'x-max-length': 0 });
      const receiver = new Receiver();
      bench.consume(queue, 'c', receiver, { prefetch: 1 });
      bench.publish('q', 'm', { expiration: '0' });
      receiver.requeue('m');
      expect(reasonAt(bench, 'dl'), version).to.deep.equal(['expired']);
    }
  });

  it('delivers a returned message again though it is over the limit', () => {
    for (const version of VERSIONS) {
      const bench = new QueueBench(version);
      const queue = bench.queue('q', { ...QUORUM, 'x-max-length': 0 });
      const receiver = new Receiver();
      bench.consume(queue, 'c', receiver, { prefetch: 1 });
      bench.publish('q', 'm');
      receiver.requeue('m');
      expect(receiver.log, version).to.deep.equal(['c:m', 'c:mR']);
    }
  });

  it('dead-letters what it drops before what expires, the last one first, up to 4.0', () => {
    const order = (version: BrokerVersion): string[] => {
      const bench = new QueueBench(version);
      bench.queue('dl');
      const queue = bench.queue('q', { ...QUORUM, ...TO_DL, 'x-max-length': 1 });
      const receiver = new Receiver();
      const consumer = bench.consume(queue, 'c', receiver);
      for (const body of ['e1', 'e2']) bench.publish('q', body, { expiration: '0' });
      for (const body of ['m1', 'm2', 'm3']) bench.publish('q', body);
      queue.abandon(
        [consumer],
        receiver.held.map(({ message }) => message),
      );
      return bench.ready('dl').map((text) => text.slice(0, 2));
    };
    for (const version of ['3.10', '4.0'] as const) {
      expect(order(version), version).to.deep.equal(['m2', 'm1', 'e1', 'e2']);
    }
    expect(order('4.3')).to.deep.equal(['e1', 'e2', 'm1', 'm2']);
  });

  it('counts properties as bytes in 4.3', () => {
    const kept = (version: BrokerVersion, limit: number): number => {
      const bench = new QueueBench(version);
      const queue = bench.queue('q', { ...QUORUM, 'x-max-length-bytes': limit });
      // Two bytes of flags, three of the message id, two of body.
      bench.publish('q', 'mm', { message_id: 'id' });
      return queue.readyCount;
    };
    expect([kept('4.0', 2), kept('4.3', 6), kept('4.3', 7)]).to.deep.equal([1, 0, 1]);
  });

  it('does not count the headers of deaths in 4.3', () => {
    const kept = (limit: number): number => {
      const bench = new QueueBench('4.3');
      const dl = bench.queue('dl', { ...QUORUM, 'x-max-length-bytes': limit });
      bench.queue('q', { ...TO_DL, 'x-max-length': 0 });
      bench.publish('q', 'mm', { message_id: 'id', expiration: '60000' });
      return dl.readyCount;
    };
    expect([kept(6), kept(7)]).to.deep.equal([0, 1]);
  });

  it('expires each priority by itself in 4.3, behind the head before', () => {
    const left = (version: BrokerVersion): string[] => {
      const bench = new QueueBench(version);
      bench.queue('q', QUORUM);
      bench.publish('q', 'high', { priority: 9 });
      bench.publish('q', 'low', { priority: 1, expiration: '100' });
      bench.clock.advance(100);
      return bench.ready('q');
    };
    expect(left('4.0')).to.deep.equal(['high', 'low']);
    expect(left('4.3')).to.deep.equal(['high']);
  });

  it('counts what has expired behind a message that basic.get takes and does not settle', () => {
    for (const [type, noAck, expected] of [
      ['quorum', false, 1],
      ['quorum', true, 0],
      ['classic', false, 0],
    ] as const) {
      const bench = new QueueBench('3.10');
      const queue = bench.queue('q', { 'x-queue-type': type });
      bench.publish('q', 'm1');
      bench.publish('q', 'm2', { expiration: '0' });
      let left = -1;
      queue.get(noAck, (count) => {
        left = count;
      });
      expect([left, queue.readyCount]).to.deep.equal([expected, 0]);
    }
  });
});

describe('Queue: consumers of a quorum queue', () => {
  function cancelled(): { bench: QueueBench; queue: Queue; receiver: Receiver } {
    const bench = new QueueBench('4.3');
    const queue = bench.queue('q', QUORUM);
    for (const body of ['1', '2', '3']) bench.publish('q', body);
    const receiver = new Receiver();
    queue.cancel(bench.consume(queue, 't', receiver, { prefetch: 1 }));
    return { bench, queue, receiver };
  }

  it('counts a cancelled one as long as it holds messages, once with its successor', () => {
    const { bench, queue, receiver } = cancelled();
    expect(queue.reportedConsumers).to.equal(1);
    bench.consume(queue, 't', receiver, { prefetch: 1 });
    expect(queue.reportedConsumers).to.equal(1);
    bench.consume(queue, 'other', new Receiver());
    expect(queue.reportedConsumers).to.equal(2);
  });

  it('holds what a cancelled one still has against the prefetch of its successor', () => {
    const { bench, queue, receiver } = cancelled();
    bench.consume(queue, 't', receiver, { prefetch: 1 });
    expect(receiver.log).to.deep.equal(['t:1']);
    const [held] = receiver.held;
    held?.consumer.settled();
    if (held !== undefined) queue.ack(held.message);
    if (held !== undefined) queue.wake(held.consumer);
    expect(receiver.log).to.deep.equal(['t:1', 't:2']);
  });

  it('are served before the dead letter of what they refused comes back', () => {
    for (const type of ['classic', 'quorum']) {
      const bench = new QueueBench('4.3');
      const queue = bench.queue('q', {
        'x-queue-type': type,
        'x-dead-letter-exchange': '',
        ...(type === 'classic' ? { 'x-max-priority': 5 } : {}),
      });
      bench.publish('q', 'low');
      bench.publish('q', 'high', { priority: 5 });
      const receiver = new Receiver();
      const consumer = bench.consume(queue, 'c', receiver, { prefetch: 1 });
      const [held] = receiver.held;
      if (held === undefined) throw new Error('nothing was delivered');
      consumer.settled();
      queue.discard([held.message], 'reject', () => queue.wake(consumer));
      expect(receiver.log, type).to.deep.equal(['c:high', 'c:low']);
    }
  });

  it('are sent to one after the other in each round, by tag in 3.10, else as they came', () => {
    const log = (version: BrokerVersion): string[] => {
      const bench = new QueueBench(version);
      const queue = bench.queue('q', QUORUM);
      const receiver = new Receiver();
      const all = ['z', 'a', 'm'].map((tag) => bench.consume(queue, tag, receiver, { prefetch: 1 }));
      for (const body of ['1', '2', '3', '4', '5', '6']) bench.publish('q', body);
      receiver.log.length = 0;
      for (const consumer of all.reverse()) {
        consumer.settled();
        const held = receiver.held.find((each) => each.consumer === consumer);
        if (held !== undefined) queue.ack(held.message);
        queue.rejoin(consumer);
      }
      queue.startDelivering();
      return receiver.log;
    };
    expect(log('3.10')).to.deep.equal(['a:5', 'm:4', 'z:6']);
    expect(log('4.3')).to.deep.equal(['z:6', 'a:5', 'm:4']);
  });

  it('takes back what a lost receiver held before anyone else is served', () => {
    for (const type of ['classic', 'quorum']) {
      const bench = new QueueBench('4.3');
      const queue = bench.queue('q', { 'x-queue-type': type, 'x-single-active-consumer': true });
      const [lost, other] = [new Receiver(), new Receiver()];
      const consumer = bench.consume(queue, 'a', lost, { prefetch: 1 });
      bench.consume(queue, 'b', other, { prefetch: 1 });
      for (const body of ['1', '2']) bench.publish('q', body);
      queue.abandon(
        [consumer],
        lost.held.map(({ message }) => message),
      );
      expect(other.log, type).to.deep.equal(['b:1R']);
      expect(bodyOf(queue.get(true))).to.equal('2');
    }
  });
});
