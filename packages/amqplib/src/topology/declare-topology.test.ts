import { systemClock } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import type { Link } from '../connection/link.js';
import { bindingOf, exchangeOf, queueOf, topologyOf } from '../test-support/declarations.js';
import { declareTopology, inPhases } from './declare-topology.js';

/** A connection whose channels answer one request after the other, and never for a queue that is named dead. */
class OneNodeDown {
  readonly declared: string[] = [];
  readonly answers: (() => void)[] = [];
  channels = 0;
  readonly facts = { product: 'RabbitMQ', version: '4.3.0', frameMax: 131_072 };
  readonly ended = false;

  async openChannel(): Promise<unknown> {
    this.channels++;
    let stuck: Promise<void> = Promise.resolve();
    const answer = (name: string) => {
      if (name.startsWith('dead')) stuck = stuck.then(() => new Promise((resolve) => this.answers.push(resolve)));
      return stuck.then(() => void this.declared.push(name));
    };
    return {
      once: () => {},
      close: () => stuck,
      assertExchange: answer,
      assertQueue: answer,
      bindQueue: (queue: string, _source: string, key: string) => answer(`${queue} ${key}`),
    };
  }
}

/** A connection that answers no declaration, and then ends. */
class EndsUnanswered {
  readonly facts = { product: 'RabbitMQ', version: '4.3.0', frameMax: 131_072 };
  readonly error = new Error('read ECONNRESET');
  ended = false;
  readonly #asked: ((error: Error) => void)[] = [];

  async openChannel(): Promise<unknown> {
    const unanswered = () => new Promise((_resolve, reject) => this.#asked.push(reject));
    const close = async () => undefined;
    return { once: () => {}, close, assertExchange: unanswered, assertQueue: unanswered, bindQueue: unanswered };
  }

  end(): void {
    this.ended = true;
    for (const reject of this.#asked.splice(0)) reject(this.error);
  }
}

describe('declareTopology', () => {
  let clock: sinon.SinonFakeTimers;
  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  });
  afterEach(() => clock.restore());

  const declare = (link: OneNodeDown | EndsUnanswered, topology: Parameters<typeof topologyOf>[0]) =>
    declareTopology(link as unknown as Link, topologyOf(topology), true, systemClock);

  it('declares one thing after the other on one channel while everything answers', async () => {
    const link = new OneNodeDown();
    const report = await declare(link, {
      exchanges: [exchangeOf('x')],
      queues: [queueOf('a'), queueOf('b')],
      bindings: [bindingOf('x', 'b', 'key'), bindingOf('x', 'elsewhere', 'key')],
    });
    expect(link.declared).to.deep.equal(['x', 'a', 'b', 'b key', 'elsewhere key']);
    expect(report).to.deep.equal({ failures: [], asDeclared: ['a', 'b'], notices: [], unavailable: [], late: [] });
  });

  it('goes on beside what is not answered, however many they are, within seconds', async () => {
    const link = new OneNodeDown();
    const dead = Array.from({ length: 60 }, (_, index) => queueOf(`dead ${index}`));
    const done = declare(link, {
      queues: [...dead, queueOf('alive')],
      bindings: [bindingOf('x', 'dead 0', 'key'), bindingOf('x', 'alive', 'key')],
    });
    await clock.tickAsync(4000);
    expect(link.declared).to.deep.equal(['alive', 'alive key']);
    expect((await done).late.map(({ part }) => part.queues[0]?.name)).to.have.members(dead.map(({ name }) => name));
  });

  it('takes a late answer for what it is, with the bindings that waited for it', async () => {
    const link = new OneNodeDown();
    const done = declare(link, { queues: [queueOf('dead')], bindings: [bindingOf('x', 'dead', 'key')] });
    await clock.tickAsync(1000);
    const { late } = await done;
    await clock.tickAsync(3_600_000);
    expect(link.declared).to.deep.equal([]);
    // The node is back: what waits on the channel is answered in turn.
    const answered = late[0]?.answered;
    while (link.declared.length < 2) {
      for (const answer of link.answers.splice(0)) answer();
      await clock.tickAsync(1);
    }
    expect(await answered).to.deep.equal({ failures: [], asDeclared: ['dead'], notices: [], unavailable: [] });
    expect(link.declared).to.deep.equal(['dead', 'dead key']);
  });

  it('leaves no rejection unhandled when the connection ends while one part is late and another is asked for', async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    try {
      const link = new EndsUnanswered();
      const done = declare(link, { queues: [queueOf('late'), queueOf('asked')] }).catch((error: unknown) => error);
      await clock.tickAsync(1500);
      link.end();
      expect(await done).to.equal(link.error);
      // Node tells of them behind the microtasks of the turn.
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).to.deep.equal([]);
    } finally {
      process.off('unhandledRejection', onUnhandled);
    }
  });
});

describe('inPhases', () => {
  it('declares exchanges, then queues with their bindings, then what is bound elsewhere', () => {
    const [exchange, toQueue, toElsewhere] = [exchangeOf('x'), bindingOf('x', 'q', 'key'), bindingOf('x', 'r', 'key')];
    const toExchange = { ...bindingOf('x', 'q', 'key'), destinationType: 'exchange' as const };
    const topology = topologyOf({
      exchanges: [exchange],
      queues: [queueOf('q')],
      bindings: [toElsewhere, toExchange, toQueue],
    });
    expect(inPhases(topology, true)).to.deep.equal([
      [topologyOf({ exchanges: [exchange] })],
      [topologyOf({ queues: [queueOf('q')], bindings: [toQueue] })],
      [topologyOf({ bindings: [toElsewhere] }), topologyOf({ bindings: [toExchange] })],
    ]);
  });

  it('leaves exclusive queues and their bindings to the connection that consumes them', () => {
    const topology = topologyOf({
      queues: [queueOf('q', { exclusive: true })],
      bindings: [bindingOf('x', 'q', 'key')],
    });
    expect(inPhases(topology, false)).to.deep.equal([[], [], []]);
  });
});
