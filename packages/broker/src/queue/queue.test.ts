import { expect } from 'chai';
import { describe, it } from 'mocha';
import { AmqpError } from '../errors/amqp-error.js';
import { bodyOf, QueueBench, Receiver } from '../testing/queue-bench.support.test.js';

const TO_DL = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dl' };

describe('Queue: order of redelivery', () => {
  it('puts requeued messages back to their original places', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q');
    for (const body of ['m1', 'm2', 'm3', 'm4', 'm5', 'm6']) bench.publish('q', body);
    const got = [1, 2, 3, 4].map(() => queue.get(false));
    const [m1, m2, m3, m4] = got;
    if (!m1 || !m2 || !m3 || !m4) throw new Error('four messages expected');
    queue.requeue([m3], 'nack');
    queue.requeue([m1], 'nack');
    expect(bench.ready('q')).to.deep.equal(['m1R', 'm3R', 'm5', 'm6']);
    queue.requeue([m2, m4], 'nack');
    expect(bench.ready('q')).to.deep.equal(['m1R', 'm2R', 'm3R', 'm4R', 'm5', 'm6']);
    expect([queue.readyCount, queue.unackedCount]).to.deep.equal([6, 0]);
  });

  it('hands a requeued message to the consumer that held it', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q');
    const receiver = new Receiver();
    bench.consume(queue, 'a', receiver, { prefetch: 1 });
    bench.publish('q', 'm1');
    bench.publish('q', 'm2');
    receiver.requeue('m1');
    expect(receiver.log).to.deep.equal(['a:m1', 'a:m1R']);
  });
});

describe('Queue: consumers', () => {
  it('serves three consumers in turn, from the first', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q');
    const receiver = new Receiver();
    for (const tag of ['a', 'b', 'c']) bench.consume(queue, tag, receiver);
    for (let i = 1; i <= 7; i++) bench.publish('q', `${i}`);
    expect(receiver.log).to.deep.equal(['a:1', 'b:2', 'c:3', 'a:4', 'b:5', 'c:6', 'a:7']);
  });

  it('gives a backlog wholly to the first consumer', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q');
    for (let i = 1; i <= 3; i++) bench.publish('q', `${i}`);
    const receiver = new Receiver();
    bench.consume(queue, 'a', receiver);
    bench.consume(queue, 'b', receiver);
    expect(receiver.log).to.deep.equal(['a:1', 'a:2', 'a:3']);
  });

  it('serves higher priorities first while they have room', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q');
    const receiver = new Receiver();
    bench.consume(queue, 'lo', receiver, { priority: 1, prefetch: 2 });
    bench.consume(queue, 'hi', receiver, { priority: 10, prefetch: 2 });
    for (let i = 1; i <= 5; i++) bench.publish('q', `${i}`);
    expect(receiver.log).to.deep.equal(['hi:1', 'hi:2', 'lo:3', 'lo:4']);
    receiver.ack('1');
    expect(receiver.log.at(-1)).to.equal('hi:5');
  });

  it('stops at the prefetch limit, which no-ack consumers ignore', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q');
    const receiver = new Receiver();
    bench.consume(queue, 'a', receiver, { prefetch: 2 });
    for (let i = 1; i <= 4; i++) bench.publish('q', `${i}`);
    bench.consume(queue, 'n', receiver, { prefetch: 2, noAck: true });
    expect(receiver.log).to.deep.equal(['a:1', 'a:2', 'n:3', 'n:4']);
  });

  it('waits for a receiver that cannot be written to, and for no other', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q');
    const log: string[] = [];
    const slow = new Receiver(log);
    const quick = new Receiver(log);
    const consumer = bench.consume(queue, 'slow', slow);
    bench.consume(queue, 'quick', quick);
    slow.writable = false;
    for (let i = 1; i <= 3; i++) bench.publish('q', `${i}`);
    expect(log).to.deep.equal(['quick:1', 'quick:2', 'quick:3']);
    slow.writable = true;
    queue.wake(consumer);
    bench.publish('q', '4');
    bench.publish('q', '5');
    expect(log).to.include('slow:5');
  });

  it('refuses a second consumer beside an exclusive one', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q');
    bench.consume(queue, 'a', new Receiver(), { exclusive: true });
    expect(() => bench.consume(queue, 'b', new Receiver())).to.throw(
      AmqpError,
      "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use",
    );
  });

  it('serves one consumer at a time when only one may be active', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q', { 'x-single-active-consumer': true });
    const receiver = new Receiver();
    const a = bench.consume(queue, 'a', receiver);
    bench.consume(queue, 'b', receiver);
    bench.publish('q', '1');
    bench.publish('q', '2');
    queue.cancel(a);
    bench.publish('q', '3');
    expect(receiver.log).to.deep.equal(['a:1', 'a:2', 'b:3']);
  });

  it('lets a quorum consumer of higher priority take over once the active one is done (4.x)', () => {
    const bench = new QueueBench('4.0');
    const queue = bench.queue('q', { 'x-queue-type': 'quorum', 'x-single-active-consumer': true });
    const receiver = new Receiver();
    bench.consume(queue, 'lo', receiver);
    bench.publish('q', '1');
    bench.consume(queue, 'hi', receiver, { priority: 5 });
    bench.publish('q', '2');
    expect(receiver.log).to.deep.equal(['lo:1']);
    receiver.ack('1');
    expect(receiver.log).to.deep.equal(['lo:1', 'hi:2']);
  });

  it('goes with its last consumer when declared auto-delete', () => {
    const bench = new QueueBench();
    const wanted = { durable: false, exclusive: false, autoDelete: true, arguments: [] };
    const queue = bench.vhost.queues.declare('q', wanted, bench.owner);
    queue.get(false);
    expect(bench.vhost.queue('q')).to.equal(queue);
    queue.cancel(bench.consume(queue, 'a', new Receiver()));
    expect(bench.vhost.queue('q')).to.equal(undefined);
  });
});

describe('Queue: time to live', () => {
  it('expires messages at the head only', () => {
    const bench = new QueueBench();
    bench.queue('dl');
    bench.queue('q', TO_DL);
    bench.publish('q', 'long', { expiration: '600' });
    bench.publish('q', 'short', { expiration: '100' });
    bench.clock.advance(300);
    expect([bench.ready('q'), bench.ready('dl')]).to.deep.equal([['long', 'short'], []]);
    bench.clock.advance(300);
    expect([bench.ready('q'), bench.ready('dl')]).to.deep.equal([[], ['long', 'short']]);
  });

  it('takes the smaller of the two times', () => {
    const bench = new QueueBench();
    bench.queue('q', { 'x-message-ttl': 300 });
    bench.publish('q', 'm', { expiration: '100' });
    bench.clock.advance(99);
    expect(bench.ready('q')).to.deep.equal(['m']);
    bench.clock.advance(1);
    expect(bench.ready('q')).to.deep.equal([]);
  });

  it('delivers a message with no time at all if a consumer is ready, else dead-letters it', () => {
    const bench = new QueueBench();
    bench.queue('dl');
    const queue = bench.queue('q', TO_DL);
    bench.publish('q', 'lost', { expiration: '0' });
    expect(bench.ready('dl')).to.deep.equal(['lost']);
    const receiver = new Receiver();
    bench.consume(queue, 'a', receiver);
    bench.publish('q', 'zero', { expiration: '0' });
    expect(receiver.log).to.deep.equal(['a:zero']);
  });

  it('lets messages with a consumer live, and expires them when they come back', () => {
    const bench = new QueueBench();
    bench.queue('dl');
    const queue = bench.queue('q', TO_DL);
    bench.publish('q', 'm', { expiration: '100' });
    const message = queue.get(false);
    bench.clock.advance('1h');
    expect(bench.ready('dl')).to.deep.equal([]);
    if (message !== undefined) queue.requeue([message], 'nack');
    expect(bench.ready('dl')).to.have.length(1);
  });

  it('does not hand out an expired message', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q', { 'x-max-priority': 5 });
    bench.publish('q', 'dead', { expiration: '10', priority: 1 });
    bench.publish('q', 'alive', { priority: 5 });
    bench.clock.advance(20);
    expect(bodyOf(queue.get(true))).to.equal('alive');
    expect(queue.get(true)).to.equal(undefined);
  });

  it('expires itself when unused, held by a consumer or a use', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q', { 'x-expires': 1000 });
    bench.clock.advance(900);
    queue.touch();
    bench.clock.advance(900);
    bench.publish('q', 'publishing is no use');
    const consumer = bench.consume(queue, 'a', new Receiver());
    bench.clock.advance('1h');
    queue.cancel(consumer);
    bench.clock.advance(999);
    expect(bench.vhost.queue('q')).to.equal(queue);
    bench.clock.advance(1);
    expect(bench.vhost.queue('q')).to.equal(undefined);
  });
});

describe('Queue: limits', () => {
  it('drops the oldest ready messages', () => {
    const bench = new QueueBench();
    bench.queue('dl');
    bench.queue('q', { ...TO_DL, 'x-max-length': 2 });
    for (let i = 1; i <= 4; i++) bench.publish('q', `m${i}`);
    expect([bench.ready('q'), bench.ready('dl')]).to.deep.equal([
      ['m3', 'm4'],
      ['m1', 'm2'],
    ]);
  });

  it('does not count unacknowledged messages, and drops them first when they return', () => {
    const bench = new QueueBench('3.10');
    bench.queue('dl');
    const queue = bench.queue('q', { ...TO_DL, 'x-max-length': 2 });
    bench.publish('q', 'u1');
    bench.publish('q', 'u2');
    const held = [queue.get(false), queue.get(false)].filter((message) => message !== undefined);
    for (const body of ['n1', 'n2', 'n3']) bench.publish('q', body);
    expect(bench.ready('q')).to.deep.equal(['n2', 'n3']);
    queue.requeue(held, 'nack');
    expect([bench.ready('dl'), bench.ready('q')]).to.deep.equal([
      ['n1', 'u1', 'u2'],
      ['n2', 'n3'],
    ]);
  });

  it('counts bytes of bodies; one that is too large empties the queue, itself included', () => {
    const bench = new QueueBench();
    bench.queue('dl');
    bench.queue('q', { ...TO_DL, 'x-max-length-bytes': 10 });
    for (const body of ['aaaa', 'bbbb', 'cccc', 'dddddddddddd']) bench.publish('q', body);
    expect([bench.ready('q'), bench.ready('dl')]).to.deep.equal([[], ['aaaa', 'bbbb', 'cccc', 'dddddddddddd']]);
  });

  it('refuses publishes instead when told to, and dead-letters them only when told to', () => {
    for (const [overflow, dead] of [
      ['reject-publish', []],
      ['reject-publish-dlx', ['m2']],
    ] as const) {
      const bench = new QueueBench();
      bench.queue('dl');
      bench.queue('q', { ...TO_DL, 'x-max-length': 1, 'x-overflow': overflow });
      expect([bench.publish('q', 'm1'), bench.publish('q', 'm2')]).to.deep.equal([true, false]);
      expect([bench.ready('q'), bench.ready('dl')]).to.deep.equal([['m1'], dead]);
    }
  });

  it('lets a quorum queue grow one above its limit before it refuses', () => {
    const bench = new QueueBench();
    bench.queue('q', { 'x-queue-type': 'quorum', 'x-max-length': 2, 'x-overflow': 'reject-publish' });
    const accepted = [1, 2, 3, 4, 5].map((i) => bench.publish('q', `${i}`));
    expect(accepted).to.deep.equal([true, true, true, false, false]);
  });

  it('holds nothing with a limit of 0, but delivers to a consumer that is ready', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q', { 'x-max-length': 0 });
    bench.publish('q', 'lost');
    const receiver = new Receiver();
    bench.consume(queue, 'a', receiver);
    bench.publish('q', 'm');
    expect(receiver.log).to.deep.equal(['a:m']);
  });

  it('drops the highest priority first', () => {
    const bench = new QueueBench();
    bench.queue('q', { 'x-max-length': 2, 'x-max-priority': 5 });
    for (const priority of [5, 1, 3, 0]) bench.publish('q', `p${priority}`, { priority });
    expect(bench.ready('q')).to.deep.equal(['p1', 'p0']);
  });
});

describe('Queue: priorities', () => {
  function drained(version: '3.10' | '4.0' | '4.3', queueArguments: Record<string, unknown>): string[] {
    const bench = new QueueBench(version);
    const queue = bench.queue('q', queueArguments);
    for (const priority of [1, 9, undefined, 5]) {
      bench.publish('q', `p${priority ?? '-'}`, priority === undefined ? {} : { priority });
    }
    return [1, 2, 3, 4].map(() => bodyOf(queue.get(true)));
  }

  it('orders a classic queue by level, stable within one', () => {
    expect(drained('4.3', { 'x-max-priority': 5 })).to.deep.equal(['p9', 'p5', 'p1', 'p-']);
  });

  it('does nothing on a quorum queue of 3.10', () => {
    expect(drained('3.10', { 'x-queue-type': 'quorum' })).to.deep.equal(['p1', 'p9', 'p-', 'p5']);
  });

  it('is strict on a quorum queue of 4.3, where none means 4', () => {
    expect(drained('4.3', { 'x-queue-type': 'quorum' })).to.deep.equal(['p9', 'p5', 'p-', 'p1']);
  });

  it('gives way to low ones after two messages on a quorum queue of 4.0', () => {
    const bench = new QueueBench('4.0');
    const queue = bench.queue('q', { 'x-queue-type': 'quorum' });
    for (const [body, priority] of [
      ['lo1', 0],
      ['hi1', 9],
      ['hi2', 9],
      ['hi3', 9],
      ['lo2', 1],
    ] as const) {
      bench.publish('q', body, { priority });
    }
    const order = [1, 2, 3, 4, 5].map(() => bodyOf(queue.get(true)));
    expect(order).to.deep.equal(['hi1', 'hi2', 'lo1', 'hi3', 'lo2']);
  });
});

describe('Queue: quorum dialect', () => {
  const QUORUM = { 'x-queue-type': 'quorum' };

  function attempts(version: '3.10' | '4.0' | '4.3', kind: 'reject' | 'nack' | 'gone', limit?: number): number {
    const bench = new QueueBench(version);
    const queue = bench.queue('q', limit === undefined ? QUORUM : { ...QUORUM, 'x-delivery-limit': limit });
    bench.publish('q', 'm');
    for (let count = 0; count < 40; count++) {
      const message = queue.get(false);
      if (message === undefined) return count;
      queue.requeue([message], kind);
    }
    return Number.POSITIVE_INFINITY;
  }

  it('delivers limit + 1 times', () => {
    for (const version of ['3.10', '4.0', '4.3'] as const) {
      expect(attempts(version, 'reject', 2)).to.equal(3);
      expect(attempts(version, 'gone', 2)).to.equal(3);
    }
  });

  it('counts nacks up to 4.0, but not in 4.3', () => {
    expect([attempts('3.10', 'nack', 2), attempts('4.0', 'nack', 2)]).to.deep.equal([3, 3]);
    expect(attempts('4.3', 'nack', 2)).to.equal(Number.POSITIVE_INFINITY);
  });

  it('has a limit of 20 from 4.0 on, unless told -1', () => {
    expect(attempts('3.10', 'reject')).to.equal(Number.POSITIVE_INFINITY);
    expect([attempts('4.0', 'reject'), attempts('4.3', 'reject')]).to.deep.equal([21, 21]);
    expect(attempts('4.3', 'reject', -1)).to.equal(Number.POSITIVE_INFINITY);
  });

  it('puts a message back at the end when 3.10 has no limit, else at the front', () => {
    for (const [limit, order] of [
      [{}, ['m2', 'm3', 'm1']],
      [{ 'x-delivery-limit': 5 }, ['m1', 'm2', 'm3']],
    ] as const) {
      const bench = new QueueBench('3.10');
      const queue = bench.queue('q', { ...QUORUM, ...limit });
      for (const body of ['m1', 'm2', 'm3']) bench.publish('q', body);
      const message = queue.get(false);
      if (message !== undefined) queue.requeue([message], 'nack');
      expect([1, 2, 3].map(() => bodyOf(queue.get(true)))).to.deep.equal(order);
    }
  });

  it('holds failed messages back for a linear delay (4.3)', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q', {
      ...QUORUM,
      'x-delayed-retry-type': 'failed',
      'x-delayed-retry-min': 500,
      'x-delayed-retry-max': 900,
    });
    bench.publish('q', 'm');
    const delays: number[] = [];
    for (let i = 0; i < 3; i++) {
      const message = queue.get(false);
      if (message === undefined) throw new Error('the message is gone');
      queue.requeue([message], 'reject');
      const from = bench.clock.now();
      while (queue.readyCount === 0) bench.clock.advance(100);
      delays.push(bench.clock.now() - from);
    }
    expect(delays).to.deep.equal([500, 900, 900]);
    const again = queue.get(false);
    if (again !== undefined) queue.requeue([again], 'nack');
    expect(queue.readyCount).to.equal(1);
  });
});

describe('Queue: duplicates on order', () => {
  it('hands everything out twice', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q');
    const receiver = new Receiver();
    bench.consume(queue, 'a', receiver);
    bench.vhost.queues.deliverTwice(true);
    bench.publish('q', 'm');
    expect(receiver.log).to.deep.equal(['a:m', 'a:mR']);
  });
});
