import { expect } from 'chai';
import { Container, inject, injectable } from 'inversify';
import {
  type DeliveryContext,
  type Interceptor,
  type InterceptorFunction,
  Listener,
  type Next,
  Payload,
  UseInterceptors,
} from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { Order } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

onEachBroker('when interceptors wrap a handler', (broker) => {
  it('runs them around each attempt: global, class, method, the first listed outermost', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('around'));
    const log: string[] = [];
    const noting =
      (name: string): InterceptorFunction =>
      async (context, next) => {
        log.push(`${name} before ${context.attempt}`);
        try {
          return await next();
        } finally {
          log.push(`${name} after`);
        }
      };
    class Noting implements Interceptor {
      intercept(context: DeliveryContext, next: Next): unknown {
        return noting('class')(context, next);
      }
    }
    @UseInterceptors(Noting)
    class Orders {
      @Listener({ queue, retry: { maxAttempts: 2, initialInterval: 1 } })
      @UseInterceptors(noting('method 1'), noting('method 2'))
      on(@Payload() order: Order): void {
        log.push(`handler ${order.id}`);
        if (log.filter((line) => line.startsWith('handler')).length === 1) throw new Error('once');
      }
    }
    await using running = await startApp(broker.url, { listeners: [Orders], interceptors: [noting('global')] });
    await raw.send(queue, { id: 1 });
    await eventually('handled', () => running.count('handled') === 1);
    const attempt = (n: number) => [
      `global before ${n}`,
      `class before ${n}`,
      `method 1 before ${n}`,
      `method 2 before ${n}`,
      'handler 1',
      'method 2 after',
      'method 1 after',
      'class after',
      'global after',
    ];
    expect(log).to.deep.equal([...attempt(1), ...attempt(2)]);
  });

  it('lets an interceptor answer in the handler’s place, and counts what it throws as a failure', async () => {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('around'));
    const queue = await raw.declare(unique('around'), dead.arguments);
    const handled: number[] = [];
    const guard: InterceptorFunction = (context, next) => {
      const { id } = context.payload as Order;
      if (id === 1) return undefined;
      if (id === 2) throw new Error('not allowed');
      return next();
    };
    class Orders {
      @Listener({ queue, defaultRequeueRejected: false })
      @UseInterceptors(guard)
      on(@Payload() order: Order): void {
        handled.push(order.id);
      }
    }
    await using proxy = await TcpProxy.start(broker.port);
    await using _running = await startApp(proxy.url, { listeners: [Orders] });
    for (const id of [1, 2, 3]) await raw.send(queue, { id });
    await eventually('three settlements', () => proxy.settlements().length === 3);
    expect(proxy.settlements()).to.deep.equal(['ack', 'reject', 'ack']);
    expect(handled).to.deep.equal([3]);
  });

  it('refuses a second next() as a fault', async () => {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('around'));
    const queue = await raw.declare(unique('around'), dead.arguments);
    let calls = 0;
    const twice: InterceptorFunction = async (_context, next) => {
      await next();
      return next();
    };
    class Orders {
      @Listener({ queue, defaultRequeueRejected: false })
      @UseInterceptors(twice)
      on(@Payload() _order: Order): void {
        calls++;
      }
    }
    await using running = await startApp(broker.url, { listeners: [Orders] });
    await raw.send(queue, { id: 1 });
    await raw.arrived(dead.queue);
    expect(calls).to.equal(1);
    expect(running.of('failed').map(({ error }) => (error as { readonly code?: string }).code)).to.deep.equal([
      'LEV_NEXT_CALLED_TWICE',
    ]);
  });

  it('makes an instance per delivery for a class in request scope, shared with what is injected into it', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('request'));
    let units = 0;
    const seen: unknown[] = [];
    @injectable('Request')
    class UnitOfWork {
      readonly number = ++units;
    }
    @injectable('Request')
    class Audit {
      constructor(@inject(UnitOfWork) readonly unit: UnitOfWork) {}
    }
    @injectable('Request')
    class Orders {
      readonly #unit: UnitOfWork;
      readonly #audit: Audit;
      #calls = 0;

      constructor(@inject(UnitOfWork) unit: UnitOfWork, @inject(Audit) audit: Audit) {
        this.#unit = unit;
        this.#audit = audit;
      }

      @Listener({ queue })
      on(@Payload() order: Order): void {
        seen.push([order.id, ++this.#calls, this.#unit === this.#audit.unit, this.#unit]);
      }
    }
    const container = new Container();
    container.bind(UnitOfWork).toSelf().inRequestScope();
    container.bind(Audit).toSelf().inRequestScope();
    container.bind(Orders).toSelf().inRequestScope();
    await using _running = await startApp(broker.url, { listeners: [Orders], container });
    for (const id of [1, 2]) await raw.send(queue, { id });
    await eventually('both', () => seen.length === 2);
    const [first, second] = seen as [unknown[], unknown[]];
    expect(first.slice(0, 3)).to.deep.equal([1, 1, true]);
    expect(second.slice(0, 3)).to.deep.equal([2, 1, true]);
    expect(first[3]).to.not.equal(second[3]);
  });
});
