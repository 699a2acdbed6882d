import {
  type ApplicationIdentity,
  ConfigurationError,
  type GuardedAttempt,
  type IdempotencyStore,
  type LogFields,
  MemoryIdempotencyStore,
  type StoreCheck,
  type StoreConcern,
  silentLogger,
} from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { Idempotent } from '../decorators/idempotent.js';
import { Listener } from '../decorators/listener.js';
import { Message } from '../decorators/message.js';
import { Scheduled } from '../decorators/scheduled.js';
import { FakeTransport, until } from '../test-support/fake-transport.js';
import { Leveret } from './leveret.js';
import type { LeveretOptions } from './leveret-options.js';

/** A store that instances and services share, and that knows nothing of services. */
function sharedStore(): IdempotencyStore {
  const memory = new MemoryIdempotencyStore();
  return {
    claim: (key, options) => memory.claim(key, options),
    complete: (claim, options) => memory.complete(claim, options),
    release: (claim) => memory.release(claim),
    renew: (claim, options) => memory.renew(claim, options),
  };
}

/** A store that keeps services apart, and answers what it is told. */
function checkedStore(service: string, answer: (application: ApplicationIdentity) => readonly StoreConcern[] | Error) {
  return {
    ...sharedStore(),
    service,
    check: async (application: ApplicationIdentity) => {
      const said = answer(application);
      if (said instanceof Error) throw said;
      return said;
    },
  } satisfies IdempotencyStore & StoreCheck;
}

/** What every service has a class for: the same name, a queue of its own. */
function listenerOf(queue: string) {
  const handled: (string | undefined)[] = [];
  class OrderListener {
    @Listener(queue)
    @Idempotent()
    onOrder(@Message() message: Message): void {
      handled.push(message.messageId);
    }
  }
  return { OrderListener, handled };
}

async function start(options: LeveretOptions) {
  const transport = new FakeTransport();
  const clock = new FakeClock();
  const app = await Leveret.start({ transport, clock, logger: silentLogger, ...options });
  return { app, transport, clock, [Symbol.asyncDispose]: () => app.close({ timeout: 0 }) };
}

async function faultsOf(options: LeveretOptions): Promise<readonly string[]> {
  const error: unknown = await start(options).catch((each: unknown) => each);
  expect(error).to.be.instanceOf(ConfigurationError);
  return (error as ConfigurationError).problems;
}

const FORGETS: StoreConcern = { kind: 'forgets-early', text: 'it drops keys' };

describe('the name of a service', () => {
  it('keeps two services apart that share a store and the name of a listener', async () => {
    const store = sharedStore();
    const [billing, shipping] = [listenerOf('billing.orders'), listenerOf('shipping.orders')];
    await using one = await start({ service: 'billing', listeners: [billing.OrderListener], idempotency: { store } });
    await using other = await start({
      service: 'shipping',
      listeners: [shipping.OrderListener],
      idempotency: { store },
    });
    const messages = Array.from({ length: 20 }, (_, n) => `m-${n}`);
    for (const messageId of [...messages, ...messages]) {
      one.transport.deliver('billing.orders', {}, { messageId });
      other.transport.deliver('shipping.orders', {}, { messageId });
    }
    await until('settled', () => one.transport.settled.length + other.transport.settled.length === 80);
    expect(billing.handled).to.deep.equal(messages);
    expect(shipping.handled).to.deep.equal(messages);
  });

  it('keeps their schedules apart', async () => {
    const store = sharedStore();
    const schedule = () => {
      const runs: number[] = [];
      class Cleanup {
        @Scheduled({ every: '20s' }, { runOnOneInstance: true })
        purge(): void {
          runs.push(1);
        }
      }
      return { Cleanup, runs };
    };
    const [billing, shipping] = [schedule(), schedule()];
    await using one = await start({ service: 'billing', schedules: [billing.Cleanup], idempotency: { store } });
    await using other = await start({ service: 'shipping', schedules: [shipping.Cleanup], idempotency: { store } });
    for (const { clock } of [one, other]) await clock.advance(25_000);
    expect([billing.runs.length, shipping.runs.length]).to.deep.equal([1, 1]);
  });

  it('goes in front of the listeners of a guard that has none', async () => {
    const asked: string[] = [];
    const guard = {
      run: async (scope: string, _key: string, attempt: GuardedAttempt) => {
        asked.push(scope);
        const value = await attempt(undefined, new AbortController().signal);
        return { kind: 'handled', value, remembered: true } as const;
      },
    };
    const { OrderListener } = listenerOf('q');
    await using running = await start({ service: 'billing', listeners: [OrderListener], idempotency: { guard } });
    running.transport.deliver('q', {}, { messageId: 'm' });
    await until('settled', () => running.transport.settled.length === 1);
    expect(asked).to.deep.equal(['billing::OrderListener.onOrder']);
  });

  describe('is asked for at start', () => {
    const { OrderListener } = listenerOf('q');
    const listeners = [OrderListener];
    const refused: readonly [string, LeveretOptions, RegExp][] = [
      [
        'for a store that has none',
        { listeners, idempotency: { store: sharedStore() } },
        /^a store without a service .* needs the name of the service/,
      ],
      [
        'for a guard that has none',
        { listeners, idempotency: { guard: { run: async () => ({ kind: 'duplicate' }) } } },
        /^a guard without a service/,
      ],
      ['where it is none', { service: 'a b' }, /^service needs the name of the service.*got "a b"/],
      [
        'where the store has another',
        { service: 'billing', listeners, idempotency: { store: checkedStore('shipping', () => []) } },
        /^the store belongs to the service "shipping", but the application is "billing"/,
      ],
      [
        'where the store says what is no name',
        { listeners, idempotency: { store: { ...sharedStore(), service: 'a:b' } } },
        /^the store needs the name of the service.*got "a:b"/,
      ],
    ];
    for (const [what, options, fault] of refused) {
      it(what, async () => {
        const faults = await faultsOf(options);
        expect(faults).to.have.length(1);
        expect(faults[0]).to.match(fault);
      });
    }

    it('not for a store in memory', async () => {
      await using running = await start({ listeners, idempotency: { store: new MemoryIdempotencyStore() } });
      expect(running.app.health().stores).to.equal(undefined);
    });
  });
});

describe('the stores of an application', () => {
  const { OrderListener } = listenerOf('billing.orders');
  class Cleanup {
    @Scheduled({ every: '20s' }, { runOnOneInstance: true })
    purge(): void {}
  }

  it('are told who uses them, and what for', async () => {
    let told: ApplicationIdentity | undefined;
    const store = checkedStore('billing', (application) => {
      told = application;
      return [];
    });
    await using running = await start({ listeners: [OrderListener], schedules: [Cleanup], idempotency: { store } });
    expect(told?.service).to.equal('billing');
    expect([...(told?.uses ?? [])]).to.deep.equal([
      ['OrderListener.onOrder', 'billing.orders'],
      ['schedule Cleanup.purge', 'every 20000 ms'],
    ]);
    expect(running.app.health().stores).to.deep.equal({ service: 'billing', concerns: [] });
  });

  it('are asked again: what is amiss is logged once, and shown as long as it is', async () => {
    let said: readonly StoreConcern[] | Error = [FORGETS];
    const lines: (readonly [LogFields, string])[] = [];
    const logger = { ...silentLogger, warn: (fields: LogFields, text: string) => void lines.push([fields, text]) };
    const store = checkedStore('billing', () => said);
    await using running = await start({ listeners: [OrderListener], idempotency: { store }, logger });
    const about = () => lines.filter(([{ service }]) => service === 'billing').map(([{ kind }]) => kind);
    const health = () => running.app.health();
    expect([health().status, health().stores?.concerns, about()]).to.deep.equal([
      'degraded',
      [FORGETS],
      ['forgets-early'],
    ]);
    await running.clock.advance(150_000);
    expect(about()).to.deep.equal(['forgets-early']);
    said = new Error('connection refused');
    await running.clock.advance(75_000);
    expect(health().stores?.concerns.map(({ kind }) => kind)).to.deep.equal(['unreachable']);
    expect(about()).to.deep.equal(['forgets-early', 'unreachable']);
    said = [];
    await running.clock.advance(75_000);
    expect([health().status, health().stores?.concerns]).to.deep.equal(['up', []]);
  });

  it('are asked no more behind the close', async () => {
    let asked = 0;
    const store = checkedStore('billing', () => {
      asked++;
      return [];
    });
    const { app, clock } = await start({ listeners: [OrderListener], idempotency: { store } });
    await app.close({ timeout: 0 });
    await clock.advance(300_000);
    expect(asked).to.equal(1);
  });

  it('do not keep a start from beginning when they are away, and refuse it when they cannot work', async () => {
    const away = checkedStore('billing', () => new Error('connection refused'));
    await using running = await start({ listeners: [OrderListener], idempotency: { store: away } });
    expect(running.app.health().status).to.equal('degraded');
    const wrong = checkedStore('billing', () => new ConfigurationError(['ids collide in latin1']));
    expect(await faultsOf({ listeners: [OrderListener], idempotency: { store: wrong } })).to.deep.equal([
      'ids collide in latin1',
    ]);
  });
});
