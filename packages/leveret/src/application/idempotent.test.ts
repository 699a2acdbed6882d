import {
  ConfigurationError,
  type GuardedAttempt,
  type IdempotencyGuard,
  type IdempotencyStore,
  type LogFields,
  MemoryIdempotencyStore,
  silentLogger,
} from '@leveret/core';
import { expect } from 'chai';
import { Container, injectable } from 'inversify';
import { describe, it } from 'mocha';
import { Handler } from '../decorators/handler.js';
import { Idempotent, type IdempotentOptions } from '../decorators/idempotent.js';
import { Listener } from '../decorators/listener.js';
import type { ListenerOptions } from '../decorators/listener-options.js';
import { Payload } from '../decorators/payload.js';
import { Transaction } from '../decorators/transaction.js';
import { FakeTransport, until } from '../test-support/fake-transport.js';
import { Leveret } from './leveret.js';
import type { LeveretOptions } from './leveret-options.js';

class Paid {
  orderId!: number;
}

/** A listener on `q` that writes down the orders it handled. */
function listenerOf(
  idempotent: IdempotentOptions | IdempotentOptions['key'] | false,
  options: Partial<ListenerOptions> = {},
) {
  const handled: number[] = [];
  class Orders {
    @Listener({ queue: 'q', ...options })
    @Idempotent(idempotent)
    on(@Payload() paid: Paid): void {
      handled.push(paid.orderId);
    }
  }
  return { Orders, handled };
}

async function start(options: LeveretOptions) {
  const transport = new FakeTransport();
  const app = await Leveret.start({ transport, logger: silentLogger, ...options });
  return {
    app,
    transport,
    /** Delivers, and waits until that much is settled. */
    async deliver(queue: string, payload: object, rest: object = {}) {
      const tag = transport.deliver(queue, payload, rest);
      await until('settled', () => transport.settled.some((each) => each.endsWith(` ${tag}`)));
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
}

async function faultsOf(options: LeveretOptions): Promise<readonly string[]> {
  try {
    await Leveret.start({ transport: new FakeTransport(), logger: silentLogger, ...options });
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigurationError);
    return (error as ConfigurationError).problems;
  }
  throw new Error('expected the start to fail');
}

/** A guard that knows nothing, and hands out a transaction. */
class Inbox implements IdempotencyGuard {
  readonly service = 'test';
  readonly asked: string[] = [];
  async run(scope: string, key: string, attempt: GuardedAttempt) {
    this.asked.push(`${scope} ${key}`);
    const value = await attempt(`transaction of ${key}`, new AbortController().signal);
    return { kind: 'handled', value, remembered: true } as const;
  }
}

describe('@Idempotent', () => {
  const inMemory = { store: new MemoryIdempotencyStore() };

  it('handles a message once by its id, and acknowledges the duplicate', async () => {
    const { Orders, handled } = listenerOf({});
    await using running = await start({ listeners: [Orders], idempotency: { store: new MemoryIdempotencyStore() } });
    await running.deliver('q', { orderId: 1 }, { messageId: 'm-1' });
    await running.deliver('q', { orderId: 1 }, { messageId: 'm-1' });
    await running.deliver('q', { orderId: 1 }, { messageId: 'm-2' });
    expect(handled).to.deep.equal([1, 1]);
    expect(running.transport.settled).to.deep.equal(['ack 1', 'ack 2', 'ack 3']);
    expect(running.app.listeners.get('Orders.on').inspect().counts).to.include({ handled: 2, duplicates: 1 });
  });

  it('takes a key from the payload as the handler gets it', async () => {
    const { Orders, handled } = listenerOf((_message, paid: Paid) => (paid instanceof Paid ? paid.orderId : undefined));
    await using running = await start({ listeners: [Orders], idempotency: inMemory });
    await running.deliver('q', { orderId: 7 }, { messageId: 'm-1' });
    await running.deliver('q', { orderId: 7 }, { messageId: 'm-2' });
    expect(handled).to.deep.equal([7]);
  });

  it('rejects a message without a key, or does what onMissingKey says', async () => {
    const strict = listenerOf({});
    const lenient = listenerOf({ onMissingKey: 'process' }, { queue: 'lenient', id: 'lenient' });
    const derived = listenerOf(
      { onMissingKey: (_message, paid: Paid) => paid.orderId },
      { queue: 'derived', id: 'derived' },
    );
    await using running = await start({
      listeners: [strict.Orders, lenient.Orders, derived.Orders],
      idempotency: { store: new MemoryIdempotencyStore() },
    });
    for (const queue of ['q', 'lenient', 'derived', 'lenient', 'derived']) await running.deliver(queue, { orderId: 1 });
    expect(running.transport.settled[0]).to.equal('reject 1');
    expect([strict.handled, lenient.handled, derived.handled]).to.deep.equal([[], [1, 1], [1]]);
  });

  it('keeps the keys of listeners and of the handlers of one listener apart', async () => {
    const inbox = new Inbox();
    class Refunded {}
    @Listener({ queue: 'all', id: 'all' })
    @Idempotent({ guard: inbox, key: () => 7 })
    class Both {
      @Handler(Paid)
      paid(): void {}
      @Handler(Refunded)
      refunded(): void {}
      @Handler({ type: 'Seen' })
      @Idempotent(false)
      seen(): void {}
      @Listener('alone')
      alone(): void {}
    }
    await using running = await start({ listeners: [Both] });
    for (const type of ['Paid', 'Refunded', 'Seen']) await running.deliver('all', {}, { type });
    await running.deliver('alone', {});
    expect(inbox.asked).to.deep.equal(['all/paid 7', 'all/refunded 7', 'Both.alone 7']);
  });

  it('hands the transaction of an inbox to the handler', async () => {
    const seen: unknown[] = [];
    const inbox = new Inbox();
    class Orders {
      @Listener('q')
      @Idempotent({ guard: inbox })
      on(@Payload() paid: Paid, @Transaction() transaction: unknown): void {
        seen.push(paid.orderId, transaction);
      }
    }
    await using running = await start({ listeners: [Orders] });
    await running.deliver('q', { orderId: 1 }, { messageId: 'm-1' });
    expect(seen).to.deep.equal([1, 'transaction of m-1']);
  });

  it('takes stores and guards by class and by token from the container', async () => {
    @injectable()
    class Store extends MemoryIdempotencyStore {
      constructor() {
        super({ maxKeys: 5 });
      }
    }
    const INBOX = Symbol('inbox');
    const container = new Container();
    const inbox = new Inbox();
    container.bind(INBOX).toConstantValue(inbox);
    const byClass = listenerOf({ store: Store }, { queue: 'a', id: 'a' });
    const again = listenerOf({ store: Store }, { queue: 'b', id: 'b' });
    const byToken = listenerOf({ guard: INBOX }, { queue: 'c', id: 'c' });
    await using running = await start({ container, listeners: [byClass.Orders, again.Orders, byToken.Orders] });
    for (const queue of ['a', 'a', 'b', 'c']) await running.deliver(queue, { orderId: 1 }, { messageId: 'm-1' });
    expect([byClass.handled, again.handled]).to.deep.equal([[1], [1]]);
    expect(container.get(Store).size).to.equal(2);
    expect(inbox.asked).to.deep.equal(['c m-1']);
  });

  it('acknowledges what is handled and not remembered, and remembers it at the latest when it closes', async () => {
    const { Orders, handled } = listenerOf({});
    const inner = new MemoryIdempotencyStore();
    let down = true;
    const store: IdempotencyStore = {
      claim: (key, options) => inner.claim(key, options),
      complete: async (claim, options) => {
        if (down) throw new Error('connection refused');
        return inner.complete(claim, options);
      },
      release: (claim) => inner.release(claim),
      renew: (claim, options) => inner.renew(claim, options),
    };
    const { app, deliver, transport } = await start({ listeners: [Orders], service: 'test', idempotency: { store } });
    const events: string[] = [];
    app.on(({ type }) => events.push(type));
    await deliver('q', { orderId: 1 }, { messageId: 'm-1' });
    await deliver('q', { orderId: 1 }, { messageId: 'm-1' });
    expect([handled, transport.settled]).to.deep.equal([[1], ['ack 1', 'ack 2']]);
    expect(events).to.include.members(['not-remembered', 'handled', 'duplicate']);
    down = false;
    await app.close();
    await using again = await start({ listeners: [Orders], service: 'test', idempotency: { store } });
    await again.deliver('q', { orderId: 1 }, { messageId: 'm-1' });
    expect(handled).to.deep.equal([1]);
  });

  it('warns once when nobody named a store, and shares one in memory', async () => {
    const lines: (readonly [LogFields, string])[] = [];
    const logger = { ...silentLogger, warn: (fields: LogFields, text: string) => void lines.push([fields, text]) };
    const a = listenerOf({}, { queue: 'a', id: 'a', deadLetter: { exchange: 'x' } });
    const b = listenerOf({}, { queue: 'b', id: 'b', deadLetter: { exchange: 'x' } });
    await using running = await start({ listeners: [a.Orders, b.Orders], logger });
    const about = lines.filter(([{ kind }]) => kind === 'memory-idempotency-store');
    expect(about).to.have.length(1);
    expect(about[0]?.[1]).to.match(/a restart forgets them, and other instances do not know them/);
    for (const queue of ['a', 'a', 'b']) await running.deliver(queue, { orderId: 1 }, { messageId: 'm-1' });
    expect([a.handled, b.handled]).to.deep.equal([[1], [1]]);
  });

  it('says nothing of the store in memory where one was named', async () => {
    const lines: LogFields[] = [];
    const logger = { ...silentLogger, warn: (fields: LogFields) => void lines.push(fields) };
    await using _running = await start({ listeners: [listenerOf({}).Orders], idempotency: inMemory, logger });
    expect(lines.filter(({ kind }) => kind === 'memory-idempotency-store')).to.deep.equal([]);
  });

  describe('refusing at start', () => {
    const refused: readonly [string, LeveretOptions, RegExp][] = [
      [
        'acknowledge: none',
        { listeners: [listenerOf({}, { acknowledge: 'none' }).Orders] },
        /^listener Orders\.on: @Idempotent does not go with acknowledge: 'none'/,
      ],
      [
        'a store without methods',
        { listeners: [listenerOf({ store: {} as never }).Orders] },
        /^listener Orders\.on: store must be an object with claim, complete, release, renew/,
      ],
      [
        'a guard without run',
        { listeners: [listenerOf({ guard: {} as never }).Orders] },
        /^listener Orders\.on: guard must be an object with run/,
      ],
      [
        'a token that nothing is bound to',
        { listeners: [listenerOf({ store: 'redis' }).Orders] },
        /^listener Orders\.on: the container has nothing bound to "redis"/,
      ],
      [
        'a lease of nothing',
        { listeners: [listenerOf({ lease: 0 }).Orders] },
        /^listener Orders\.on: idempotency: lease must be more than 0 ms; got 0/,
      ],
      [
        'faults of the application, told once',
        { listeners: [listenerOf({}).Orders], idempotency: { store: {} as never } },
        /^store must be an object with claim/,
      ],
      [
        'times of the application, told once',
        { listeners: [listenerOf({}).Orders], idempotency: { ttl: 'soon' as never } },
        /ttl must be milliseconds.*got "soon"/,
      ],
      ['faults that nobody uses', { idempotency: { guard: 'inbox' } }, /^the container has nothing bound to "inbox"/],
    ];
    for (const [what, options, want] of refused) {
      it(what, async () => {
        const faults = await faultsOf(options);
        expect(faults, faults.join('\n')).to.have.length(1);
        expect(faults[0]).to.match(want);
      });
    }

    it('a store of the application that takes its time to fail, be it used or not', async () => {
      const container = {
        resolve: async () => {
          for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
          throw new Error('no address');
        },
      };
      const faults = await faultsOf({ container, idempotency: { store: 'redis' } });
      expect(faults.map((text) => text.replace(/^.*: /, ''))).to.deep.equal(['no address']);
    });

    it('a store that the container cannot make', async () => {
      @injectable()
      class Broken extends MemoryIdempotencyStore {
        constructor() {
          super();
          throw new Error('no address');
        }
      }
      const { Orders } = listenerOf({ store: Broken });
      expect(await faultsOf({ listeners: [Orders] })).to.deep.equal([
        'listener Orders.on: the container cannot make Broken: no address',
      ]);
    });

    it('a transaction where there is none', async () => {
      class Orders {
        @Listener('a')
        unguarded(@Transaction() _transaction: unknown): void {}
        @Listener('b')
        @Idempotent()
        claimed(@Transaction() _transaction: unknown): void {}
      }
      const [unguarded, claimed, ...more] = await faultsOf({ listeners: [Orders] });
      expect(unguarded).to.match(/^listener Orders\.unguarded: @Transaction takes the transaction of an inbox/);
      expect(claimed).to.match(/^listener Orders\.claimed: .* but a store has none/);
      expect(more).to.deep.equal([]);
    });

    it('@Idempotent on a method that nothing calls', async () => {
      class Orders {
        @Listener('a')
        on(_paid: Paid): void {}
        @Idempotent()
        helper(): void {}
      }
      const [fault] = await faultsOf({ listeners: [Orders] });
      expect(fault).to.match(/^class Orders: helper has decorators of leveret but no @Listener/);
    });
  });
});
