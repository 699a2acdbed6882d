import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { ListenerContainer } from './listener-container.js';
import {
  aDefinition,
  aQueueDeclaration,
  ListenerHarness,
  type ListenerParts,
} from './listener-harness.support.test.js';
import { ScriptedTransport } from './scripted-transport.support.test.js';

function setUp(parts: ListenerParts = {}) {
  const began: [number, unknown][] = [];
  const given: ListenerParts = {
    handle: ({ payload }) => void began.push([clock.monotonic() - start, payload]),
    ...parts,
    definition: {
      queueDeclaration: aQueueDeclaration(),
      maxRate: { messages: 2, perMs: 1000 },
      ...parts.definition,
    },
  };
  const { clock, logger, events, publisher, happened } = new ListenerHarness(given);
  const start = clock.monotonic();
  const transport = new ScriptedTransport();
  const container = new ListenerContainer(aDefinition(given), { transport, publisher, clock, logger, events });
  const types = (type: string) => happened.filter((event) => event.type === type);
  return { began, clock, transport, container, types, start };
}

describe('the rate of a listener', () => {
  it('lets as many begin as it may, in their order, and the process goes on', async () => {
    const { container, transport, clock, began, types } = setUp();
    await container.start();
    transport.last.deliver('a', 'b', 'c', 'd', 'e');
    await clock.advance(2000);
    expect(began).to.deep.equal([
      [0, 'a'],
      [0, 'b'],
      [1000, 'c'],
      [1000, 'd'],
      [2000, 'e'],
    ]);
    expect(types('throttled').map((event) => 'delayMs' in event && event.delayMs)).to.deep.equal([1000, 1000]);
    expect(container.inspect().counts).to.include({ throttled: 2, handled: 5 });
  });

  it('is one for all consumers of the listener', async () => {
    const { container, transport, clock, began } = setUp({ definition: { concurrency: 3 } });
    await container.start();
    for (const subscription of transport.subscriptions) subscription.deliver('x', 'y');
    await turn();
    expect(began).to.have.length(2);
    await clock.advance(1000);
    expect(began).to.have.length(4);
    await clock.advance(1000);
    expect(began).to.have.length(6);
  });

  it('leaves no timer behind when it stops or is paused while a message waits for its turn', async () => {
    for (const end of ['stop', 'pause'] as const) {
      const { container, transport, clock, began } = setUp();
      await container.start();
      transport.last.deliver('a', 'b', 'c');
      await turn();
      expect([began.length, clock.waits.includes(1000)]).to.deep.equal([2, true]);
      if (end === 'stop') await container.stop({ timeoutMs: 0 });
      else await container.pause();
      await turn();
      expect(
        clock.waits.filter((ms) => ms === 1000),
        end,
      ).to.deep.equal([]);
      expect(transport.frames.at(-1)).to.equal('basic.nack 3 requeue');
    }
  });

  it('counts further attempts, which wait for no token', async () => {
    const began: number[] = [];
    const { container, transport, clock, start } = setUp({
      retry: { maxAttempts: 3, backoff: { initialIntervalMs: 100, multiplier: 1, maxIntervalMs: 100, jitter: 0 } },
      recover: () => 'ack',
      handle: ({ payload }) => {
        began.push(clock.monotonic() - start);
        if (payload === 'bad') throw new Error('down');
      },
    });
    await container.start();
    transport.last.deliver('bad', 'good');
    await clock.advance(10_000);
    expect(began).to.deep.equal([0, 100, 200, 1100]);
  });

  it('gives back what would wait longer than the broker does, and takes one at a time', async () => {
    const { container, transport, clock, types } = setUp({
      definition: { maxRate: { messages: 1, perMs: 60_000 }, consumerTimeoutMs: 60_000 },
    });
    await container.start();
    transport.last.deliver('a', 'b', 'c');
    await clock.advance(45_000);
    expect(transport.frames).to.deep.equal(['basic.ack 1', 'basic.nack 2 requeue', 'basic.nack 3 requeue']);
    expect(types('intake-reduced')).to.have.length(1);
    expect(transport.last.calls).to.deep.equal(['pause', 'resume 1']);
  });

  it('does not hold up a stop, nor a pause', async () => {
    const { container, transport, began } = setUp({ definition: { maxRate: { messages: 1, perMs: 3_600_000 } } });
    await container.start();
    transport.last.deliver('a', 'b');
    await turn();
    expect(await container.pause()).to.deep.equal({ atWork: 0 });
    expect(transport.frames).to.deep.equal(['basic.ack 1', 'basic.nack 2 requeue']);
    container.resume();
    transport.last.deliver('c');
    await turn();
    await container.stop();
    expect(transport.frames.at(-1)).to.equal('basic.nack 3 requeue');
    expect(began).to.have.length(1);
  });

  it('holds at a stop, too, where what was fetched is handled', async () => {
    const { container, transport, clock, began } = setUp({
      definition: { queueDeclaration: aQueueDeclaration({ type: 'quorum' }) },
    });
    await container.start();
    transport.last.deliver('a', 'b', 'c', 'd', 'e');
    const stopped = container.stop({ timeoutMs: 3500 });
    await clock.advance(3500);
    await stopped;
    expect(began).to.deep.equal([
      [0, 'a'],
      [0, 'b'],
      [1000, 'c'],
      [1000, 'd'],
      [2000, 'e'],
    ]);
  });

  it('loses nothing in none mode for being slow at a stop', async () => {
    const { container, transport, began, types } = setUp({
      policy: { acknowledge: 'none' },
      definition: { maxRate: { messages: 1, perMs: 3_600_000 } },
    });
    await container.start();
    transport.last.deliver('a', 'b', 'c');
    await turn();
    await container.stop();
    expect(began).to.have.length(3);
    expect(types('dropped')).to.have.length(0);
  });
});
