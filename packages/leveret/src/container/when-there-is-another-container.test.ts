import { type DeliveryContext, type LogFields, type Next, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { Container } from 'inversify';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { Leveret } from '../application/leveret.js';
import type { LeveretOptions } from '../application/leveret-options.js';
import { Idempotent } from '../decorators/idempotent.js';
import { Listener } from '../decorators/listener.js';
import { Payload } from '../decorators/payload.js';
import { Scheduled } from '../decorators/scheduled.js';
import { UseInterceptors } from '../decorators/use-interceptors.js';
import { FakeTransport, until } from '../test-support/fake-transport.js';
import { faultsOf } from '../test-support/faults-of.js';
import type { AttemptScope, ContainerPort, ServiceToken } from './container-port.js';

class OrderService {
  readonly paid: unknown[] = [];
}

class Timing {
  static calls = 0;
  intercept(_context: DeliveryContext, next: Next): Promise<unknown> {
    Timing.calls++;
    return next();
  }
}

/** Without inversify's decorators: nobody but its maker knows what to give it. */
class PayListener {
  constructor(readonly orders: OrderService) {}

  @Listener({ queue: 'pay', retry: { maxAttempts: 2, initialInterval: 0 } })
  @UseInterceptors(Timing)
  onPaid(@Payload(Object) event: object): void {
    this.orders.paid.push(event);
  }
}

async function start(options: LeveretOptions) {
  const transport = new FakeTransport();
  const app = await Leveret.start({ transport, logger: silentLogger, ...options });
  return {
    app,
    transport,
    async deliver(queue: string, payload: unknown) {
      const tag = transport.deliver(queue, payload);
      await until('settled', () => transport.settled.some((each) => each.endsWith(` ${tag}`)));
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
}

/** A container that writes down what it is asked for. */
class Recording implements ContainerPort {
  readonly asked: string[] = [];
  readonly orders = new OrderService();

  resolve(token: ServiceToken): unknown {
    this.asked.push(nameOf(token));
    return token === PayListener ? new PayListener(this.orders) : new Timing();
  }
}

function nameOf(token: ServiceToken): string {
  return typeof token === 'function' ? token.name : String(token);
}

/** A container whose scopes have names, and say when they are disposed. */
class Scoped implements ContainerPort {
  readonly steps: string[] = [];
  readonly contexts: DeliveryContext[] = [];
  #count = 0;
  make: (token: ServiceToken, context: DeliveryContext | undefined) => unknown = () => ({});
  disposing: () => unknown = () => undefined;

  resolve(token: ServiceToken): unknown {
    this.steps.push(`root resolves ${nameOf(token)}`);
    return this.make(token, undefined);
  }

  createScope(context: DeliveryContext): AttemptScope {
    const scope = this.#count++;
    this.contexts.push(context);
    this.steps.push(`${scope} opened`);
    return {
      resolve: (token, given) => {
        this.steps.push(`${scope} resolves ${nameOf(token)}`);
        return this.make(token, given);
      },
      dispose: () => {
        this.steps.push(`${scope} disposed`);
        return this.disposing();
      },
    };
  }
}

describe('when there is another container', () => {
  it('asks whatever has resolve(token), once for each class', async () => {
    const container = new Recording();
    await using running = await start({ listeners: [PayListener], container });
    await running.deliver('pay', { id: 1 });
    await running.deliver('pay', { id: 2 });
    expect(container.orders.paid).to.deep.equal([{ id: 1 }, { id: 2 }]);
    expect(container.asked).to.have.members(['PayListener', 'Timing']);
    expect(running.app.container).to.equal(container);
  });

  it('waits for instances that take time', async () => {
    const orders = new OrderService();
    const container = {
      resolve: async (token: unknown) => (token === Timing ? new Timing() : new PayListener(orders)),
    };
    await using running = await start({ listeners: [PayListener], container });
    await running.deliver('pay', { id: 1 });
    expect(orders.paid).to.deep.equal([{ id: 1 }]);
  });

  it('takes a Map, and makes what it does not hold and needs nothing', async () => {
    const orders = new OrderService();
    const container = new Map([[PayListener, new PayListener(orders)]]);
    Timing.calls = 0;
    await using running = await start({ listeners: [PayListener], container });
    await running.deliver('pay', { id: 1 });
    expect(orders.paid).to.deep.equal([{ id: 1 }]);
    expect(Timing.calls).to.equal(1);
  });

  it('takes a container of inversify as ever', async () => {
    const container = new Container({ defaultScope: 'Singleton' });
    const orders = new OrderService();
    container.bind(PayListener).toConstantValue(new PayListener(orders));
    await using running = await start({ listeners: [PayListener], container });
    await running.deliver('pay', { id: 1 });
    expect(orders.paid).to.have.length(1);
  });

  it('takes instances as they are, of several classes, beside a container or without one', async () => {
    const orders = new OrderService();
    const polled: unknown[] = [];
    class Polling {
      #beats = polled;
      @Scheduled({ every: '20s' })
      poll(): void {
        this.#beats.push('beat');
      }
    }
    const clock = new FakeClock();
    await using running = await start({ listeners: [new PayListener(orders)], schedules: [new Polling()], clock });
    await running.deliver('pay', { id: 1 });
    await clock.advance(20_000);
    expect(orders.paid).to.have.length(1);
    expect(polled).to.deep.equal(['beat']);
  });

  it('gives stores by their token', async () => {
    const claimed: string[] = [];
    const store = {
      async claim(key: string) {
        claimed.push(key);
        return { kind: 'claimed', claim: { key, token: 'a' } } as const;
      },
      complete: async () => true,
      release: async () => undefined,
      renew: async () => true,
    };
    class Once {
      @Listener('once')
      @Idempotent({ store: 'store', key: () => 'k' })
      on(@Payload(Object) _event: object): void {}
    }
    const container = new Map<unknown, unknown>([['store', store]]);
    await using running = await start({ listeners: [Once], container, service: 'billing' });
    await running.deliver('once', {});
    expect(claimed).to.have.length(1);
    const faults = await faultsOf({ listeners: [Once], container: new Map(), service: 'billing' });
    expect(faults).to.deep.equal(['listener Once.on: the container has nothing bound to "store"']);
  });

  describe('a wrong use', () => {
    it('says what to do about a class that nobody can make', async () => {
      const [fault] = await faultsOf({ listeners: [PayListener] });
      expect(fault).to.equal(
        'listener PayListener.onPaid: PayListener cannot be made: its constructor takes a parameter, and there is no container that knows what to give it. Make it yourself: listeners: [new PayListener(...)]; or give a container (of inversify, an object with resolve(token), or a Map), as in container: new Map([[PayListener, new PayListener(...)]]); or decorate it for inversify, with @injectable() and @inject(...)',
      );
    });

    it('says so of a Map that does not hold it, and of a container that answers nothing', async () => {
      const [ofMap] = await faultsOf({ listeners: [PayListener], container: new Map() });
      expect(ofMap).to.match(
        /the container cannot make PayListener: the Map has no instance of it.*\[PayListener, new/,
      );
      const [ofPort] = await faultsOf({ listeners: [PayListener], container: { resolve: () => undefined } });
      expect(ofPort).to.match(/resolve\(PayListener\) of the container answered undefined, which is no instance/);
    });

    it('passes on what the container says', async () => {
      const container = {
        resolve() {
          throw new Error('no registration');
        },
      };
      const [fault] = await faultsOf({ listeners: [PayListener], container });
      expect(fault).to.equal('listener PayListener.onPaid: the container cannot make PayListener: no registration');
    });

    it('refuses what is no container', async () => {
      const faults = await faultsOf({ listeners: [], container: { get: () => 1 } as never });
      expect(faults[0]).to.match(
        /^container must be a Container of inversify, an object with resolve\(token\), or a Map/,
      );
    });

    it('refuses two instances of a class, and values that are no listeners', async () => {
      const orders = new OrderService();
      const twice = [new PayListener(orders), new PayListener(orders)];
      const [fault] = await faultsOf({ listeners: twice, container: new Map([[Timing, new Timing()]]) });
      expect(fault).to.match(/^listener PayListener\.onPaid: its class is there twice/);
      const [nothing] = await faultsOf({ listeners: [{} as object] });
      expect(nothing).to.match(/listeners holds .*; expected a class, an instance of one, or/);
    });
  });

  describe('with scopes', () => {
    it('makes listener and interceptors in one scope for each attempt, and disposes it at its end', async () => {
      const container = new Scoped();
      const orders = new OrderService();
      const contexts: unknown[] = [];
      let failures = 1;
      container.make = (token, context) => {
        contexts.push(context);
        if (token === Timing) return new Timing();
        return {
          onPaid(event: object) {
            if (failures-- > 0) throw new Error('once');
            orders.paid.push(event);
          },
        };
      };
      await using running = await start({ listeners: [PayListener], container });
      expect(container.steps).to.have.members([
        ...['0 opened', '0 resolves PayListener', '0 disposed'],
        ...['1 opened', '1 resolves Timing', '1 disposed'],
      ]);
      container.steps.length = 0;
      await running.deliver('pay', { id: 1 });
      await until('disposed', () => container.steps.includes('3 disposed'));
      expect(container.steps).to.deep.equal([
        ...['2 opened', '2 resolves Timing', '2 resolves PayListener', '2 disposed'],
        ...['3 opened', '3 resolves Timing', '3 resolves PayListener', '3 disposed'],
      ]);
      expect(container.contexts.slice(2).map(({ attempt }) => attempt)).to.deep.equal([1, 2]);
      expect(contexts.slice(-1)[0]).to.equal(container.contexts[3]);
      expect(orders.paid).to.deep.equal([{ id: 1 }]);
    });

    it('keeps the scope of a handler that runs on behind its time-out until it has ended', async () => {
      const container = new Scoped();
      let end: () => void = () => {};
      class Slow {
        @Listener({ queue: 'slow', timeout: 100, retry: { maxAttempts: 1 } })
        on(): Promise<void> {
          return new Promise((resolve) => {
            end = resolve;
          });
        }
      }
      container.make = () => new Slow();
      const clock = new FakeClock();
      await using running = await start({ listeners: [Slow], container, clock });
      const tag = running.transport.deliver('slow', {});
      await until('called', () => container.steps.includes('1 resolves Slow'));
      await clock.advance(100);
      await until('settled', () => running.transport.settled.includes(`reject ${tag}`));
      expect(container.steps).to.not.include('1 disposed');
      end();
      await until('disposed', () => container.steps.includes('1 disposed'));
    });

    it('keeps it for what an interceptor left running', async () => {
      const container = new Scoped();
      let end: () => void = () => {};
      class Slow {
        @Listener({ queue: 'slow', retry: { maxAttempts: 1 } })
        on(): Promise<void> {
          return new Promise((resolve) => {
            end = resolve;
          });
        }
      }
      container.make = () => new Slow();
      const givingUp = async (_context: DeliveryContext, next: Next) => {
        void next().catch(() => {});
        throw new Error('given up');
      };
      await using running = await start({ listeners: [Slow], container, interceptors: [givingUp] });
      const tag = running.transport.deliver('slow', {});
      await until('settled', () => running.transport.settled.includes(`reject ${tag}`));
      expect(container.steps).to.not.include('1 disposed');
      end();
      await until('disposed', () => container.steps.includes('1 disposed'));
    });

    it('does not begin with a handler whose scope came when the attempt was over', async () => {
      const calls: unknown[] = [];
      class Late {
        @Listener({ queue: 'late', timeout: 100, retry: { maxAttempts: 1 } })
        on(@Payload(Object) event: object): void {
          calls.push(event);
        }
      }
      let open: () => void = () => {};
      const steps: string[] = [];
      let scopes = 0;
      const container: ContainerPort = {
        resolve: () => new Late(),
        async createScope() {
          const scope = scopes++;
          if (scope > 0) {
            await new Promise<void>((resolve) => {
              open = resolve;
            });
          }
          return { resolve: () => new Late(), dispose: () => steps.push(`${scope} disposed`) };
        },
      };
      const clock = new FakeClock();
      await using running = await start({ listeners: [Late], container, clock });
      const tag = running.transport.deliver('late', {});
      await until('opening', () => scopes === 2);
      await clock.advance(100);
      await until('settled', () => running.transport.settled.includes(`reject ${tag}`));
      open();
      await until('disposed', () => steps.includes('1 disposed'));
      expect(calls).to.deep.equal([]);
    });

    it('logs a scope that would not be disposed; the delivery is settled all the same', async () => {
      const container = new Scoped();
      container.make = (token) => (token === Timing ? new Timing() : new PayListener(new OrderService()));
      const lines: [LogFields, string][] = [];
      const logger = { ...silentLogger, warn: (fields: LogFields, text: string) => void lines.push([fields, text]) };
      await using running = await start({ listeners: [PayListener], container, logger });
      container.disposing = () => Promise.reject(new Error('the pool is gone'));
      await running.deliver('pay', { id: 1 });
      await until('logged', () => lines.length > 1);
      expect(lines.map(([, text]) => text).slice(1)).to.deep.equal(['the scope of an attempt would not be disposed']);
      expect(running.transport.settled).to.deep.equal(['ack 1']);
    });

    it('waits for scopes that are being disposed when it closes, and leaves the container itself alone', async () => {
      const container = new Scoped();
      container.make = (token) => (token === Timing ? new Timing() : new PayListener(new OrderService()));
      let rootDisposed = false;
      Object.assign(container, { dispose: () => (rootDisposed = true) });
      const running = await start({ listeners: [PayListener], container });
      let disposed: () => void = () => {};
      container.disposing = () =>
        new Promise<void>((resolve) => {
          disposed = resolve;
        });
      await running.deliver('pay', { id: 1 });
      let closed = false;
      const closing = running.app.close().then(() => {
        closed = true;
      });
      await new Promise((resolve) => setImmediate(resolve));
      expect(closed).to.equal(false);
      disposed();
      await closing;
      expect(rootDisposed).to.equal(false);
    });

    it('makes a schedule in a scope for each run', async () => {
      const container = new Scoped();
      const beats: unknown[] = [];
      class Polling {
        @Scheduled({ every: '20s' })
        poll(): void {
          beats.push('beat');
        }
      }
      container.make = () => new Polling();
      const clock = new FakeClock();
      await using running = await start({ schedules: [Polling], container, clock });
      expect(running.app.schedules.ids).to.deep.equal(['Polling.poll']);
      await clock.advance(20_000);
      await until('disposed', () => container.steps.includes('1 disposed'));
      expect(beats).to.deep.equal(['beat']);
      expect(container.steps.slice(-3)).to.deep.equal(['1 opened', '1 resolves Polling', '1 disposed']);
    });

    it('stops the start when something cannot be made in a scope', async () => {
      const container = new Scoped();
      container.make = () => {
        throw new Error('no tenant');
      };
      const [fault] = await faultsOf({ listeners: [PayListener], container });
      expect(fault).to.equal('listener PayListener.onPaid: the container cannot make PayListener: no tenant');
      expect(container.steps).to.include('0 disposed');
    });
  });
});
