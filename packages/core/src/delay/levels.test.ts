import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import {
  delayedRoute,
  delaySeconds,
  dueQueue,
  dueTopology,
  levelQueues,
  levelsTopology,
  MAX_DELAY_MS,
  topLevel,
} from './levels.js';
import { waitingRoom } from './waiting-room.js';

const room = waitingRoom(undefined, undefined);
describe('the queues in which messages wait', () => {
  it('have names by which they are found again', () => {
    const names = (upTo: number) => levelsTopology(room, upTo).queues.map(({ name }) => name);
    for (const upTo of [0, 5]) expect([...levelQueues(room, upTo)].sort()).to.deep.equal([...names(upTo)].sort());
    for (const to of ['', 'orders']) {
      expect(dueTopology(room, to).queues.map(({ name }) => name)).to.deep.equal([dueQueue(room, to)]);
    }
    expect(dueQueue(room, '')).to.not.contain('due.');
    expect(dueQueue(room, 'orders')).to.contain('due.orders');
  });

  it('stay, whoever consumes from them or not, and are for everybody', () => {
    const parts = [levelsTopology(room, topLevel(60_000)), dueTopology(room, 'to')];
    const exchanges = parts.flatMap((part) => part.exchanges);
    expect(exchanges.length).to.be.greaterThan(0);
    for (const exchange of exchanges) {
      expect(exchange).to.include({ declare: 'always', durable: true, autoDelete: false, internal: false });
    }
    const queues = parts.flatMap((part) => part.queues);
    expect(queues.length).to.be.greaterThan(0);
    for (const queue of queues) {
      expect(queue).to.include({ declare: 'always', durable: true, exclusive: false, autoDelete: false, lazy: false });
    }
  });
});

const anyDelay = fc.integer({ min: 1, max: MAX_DELAY_MS });

/** Follows the bindings as a broker does, and answers how long the message was under way and through how many queues. */
function travel(
  delayMs: number,
  to: string,
): { readonly waitedMs: number; readonly hops: number; readonly to: string } {
  const topology = levelsTopology(room, topLevel(delayMs));
  const due = dueTopology(room, to);
  const queues = new Map([...topology.queues, ...due.queues].map((queue) => [queue.name, queue.arguments]));
  const bindings = [...topology.bindings, ...due.bindings];
  const route = delayedRoute(room, delayMs, to);
  let exchange = route.exchange;
  for (let waitedMs = 0, hops = 0; ; ) {
    if (exchange === to) return { waitedMs, hops, to };
    const fits = bindings.filter(({ source, arguments: args }) => {
      const entries = Object.entries(args).filter(([name]) => name !== 'x-match');
      return source === exchange && entries.every(([name, value]) => route.headers[name] === value);
    });
    expect(fits).to.have.length(1);
    const { destination, destinationType } = fits[0] as (typeof fits)[0];
    if (destinationType === 'exchange') {
      exchange = destination;
      continue;
    }
    const args = queues.get(destination) ?? {};
    const ttl = args['x-message-ttl'] as number;
    waitedMs += ttl;
    if (ttl > 0) hops++;
    exchange = args['x-dead-letter-exchange'] as string;
  }
}

describe('delaySeconds', () => {
  it('rounds up to seconds, and is exact up to 68 minutes', () => {
    expect([1, 999, 1000, 1001, 90_000, 4_095_000].map(delaySeconds)).to.deep.equal([1, 1, 1, 2, 90, 4095]);
    expect([4_096, 4_097, 8_191, 8_193, 16_385].map((seconds) => delaySeconds(seconds * 1000))).to.deep.equal([
      ...[4_096, 4_098, 8_192, 8_196, 16_392],
    ]);
  });

  it('is never early, and never more than 0.05 % longer', () => {
    fc.assert(
      fc.property(anyDelay, (delayMs) => {
        const seconds = delaySeconds(delayMs);
        const wanted = Math.max(1, Math.ceil(delayMs / 1000));
        return seconds >= wanted && seconds <= wanted * 1.0005;
      }),
    );
  });
});

describe('the way of a delayed message', () => {
  it('leads to its exchange after exactly the seconds, in twelve hops at most', () => {
    fc.assert(
      fc.property(anyDelay, (delayMs) => {
        const { waitedMs, hops, to } = travel(delayMs, 'pay.direct');
        return waitedMs === delaySeconds(delayMs) * 1000 && hops <= 12 && to === 'pay.direct';
      }),
    );
  });

  it('reaches eight years', () => {
    expect(travel(8 * 365 * 86_400_000, 'x').hops).to.be.at.most(12);
    expect(travel(MAX_DELAY_MS, 'x').waitedMs).to.equal(MAX_DELAY_MS);
    expect([topLevel(MAX_DELAY_MS), topLevel(MAX_DELAY_MS + 1)]).to.deep.equal([27, 28]);
  });
});

describe('what delayed messages wait in', () => {
  const queues = [...levelsTopology(room, 27).queues, ...dueTopology(room, 'x').queues];

  it('never expires, and hands on at least once', () => {
    for (const { name, arguments: args } of queues) {
      expect(args, name).not.to.have.property('x-expires');
      expect(args, name).to.include({
        'x-queue-type': 'quorum',
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
      });
    }
  });

  it('is a durable classic queue of another name where the broker has no quorum queues that can', () => {
    const old = waitingRoom('billing', { product: 'RabbitMQ', version: '3.9.1', frameMax: 131_072 });
    const [first] = levelsTopology(old, 0).queues;
    expect(first).to.deep.include({ name: 'leveret.billing.delay.00.classic', type: 'classic', durable: true });
    expect(first?.arguments).not.to.have.property('x-dead-letter-strategy');
  });

  it('has a name that a broker takes, however long the exchange is called', () => {
    const [queue] = dueTopology(room, 'x'.repeat(255)).queues;
    expect(Buffer.byteLength(queue?.name ?? '')).to.be.at.most(255);
  });
});
