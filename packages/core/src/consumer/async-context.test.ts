import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { EventHub } from '../events/event-hub.js';
import { silentLogger } from '../events/logger.js';
import { Consumer } from './consumer.js';
import { ListenerHarness, type ListenerParts } from './listener-harness.support.test.js';
import { ScriptedTransport } from './scripted-transport.support.test.js';

const tenant = new AsyncLocalStorage<string>();

/** A consumer that was started as `starter`, and whose deliveries arrive as whoever opened the socket. */
async function consumerOf(parts: ListenerParts) {
  const harness = new ListenerHarness(parts);
  const transport = new ScriptedTransport();
  const consumer = new Consumer(harness.env, transport, {
    consuming() {},
    interrupted() {},
    failed() {},
    overdue() {},
  });
  const started = tenant.run('starter', () => consumer.start());
  await started;
  return { harness, deliver: (...texts: string[]) => tenant.run('socket', () => transport.last.deliver(...texts)) };
}

describe('the async context', () => {
  for (const [how, enter] of [
    ['before it waits', (name: string) => tenant.enterWith(name)],
    [
      'after it has waited',
      async (name: string) => {
        await turn();
        tenant.enterWith(name);
      },
    ],
    [
      'and then throws',
      (name: string) => {
        tenant.enterWith(name);
        throw new Error('broken');
      },
    ],
  ] as const) {
    it(`of each delivery is that in which the listener was started, whatever a handler enters ${how}`, async () => {
      const seen: unknown[] = [];
      const { deliver } = await consumerOf({
        policy: { defaultRequeueRejected: false },
        handle: ({ payload }) => {
          seen.push(tenant.getStore());
          return enter(String(payload));
        },
      });
      deliver('a', 'b', 'c');
      for (let i = 0; i < 10; i++) await turn();
      deliver('d');
      await turn();
      expect(seen).to.deep.equal(['starter', 'starter', 'starter', 'starter']);
    });
  }

  it('of each attempt is the same', async () => {
    const seen: unknown[] = [];
    const { deliver, harness } = await consumerOf({
      retry: {},
      handle: ({ attempt }) => {
        seen.push(tenant.getStore());
        tenant.enterWith(`attempt ${attempt}`);
        throw new Error('broken');
      },
    });
    deliver('a');
    await harness.clock.advance(10_000);
    expect(seen).to.deep.equal(['starter', 'starter', 'starter']);
  });

  it('of what reads a message, and of a recoverer, does not leak into the next delivery', async () => {
    const seen: unknown[] = [];
    const { deliver } = await consumerOf({
      retry: { maxAttempts: 1 },
      route: {
        convert: (message) => {
          seen.push(tenant.getStore());
          tenant.enterWith('converter');
          return message.body.toString();
        },
      },
      handle: () => {
        throw new Error('broken');
      },
      recover: () => tenant.enterWith('recoverer'),
    });
    deliver('a', 'b');
    for (let i = 0; i < 5; i++) await turn();
    expect(seen).to.deep.equal(['starter', 'starter']);
  });

  it('of a subscriber to events is its own, and it leaves nothing behind', () => {
    const hub = new EventHub<{ readonly type: 'it' }>(silentLogger);
    const seen: unknown[] = [];
    const leave = tenant.run('subscriber', () =>
      hub.on(() => {
        seen.push(tenant.getStore());
        tenant.enterWith('left behind');
      }),
    );
    tenant.run('handler', () => {
      hub.emit({ type: 'it' });
      hub.emit({ type: 'it' });
      seen.push(tenant.getStore());
    });
    leave();
    hub.emit({ type: 'it' });
    expect([seen, hub.idle]).to.deep.equal([['subscriber', 'subscriber', 'handler'], true]);
  });
});
