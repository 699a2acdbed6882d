import { ConfigurationError, type LeveretError, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { Context } from '../decorators/context.js';
import { Listener } from '../decorators/listener.js';
import { Payload } from '../decorators/payload.js';
import type { AnyClass } from '../reading/class-kind.js';
import { ModuleBuilder } from '../test-support/build-module.js';
import { FakeTransport, until } from '../test-support/fake-transport.js';
import { faultsOf } from '../test-support/faults-of.js';
import { runProgram } from '../test-support/run-program.js';
import { Leveret } from './leveret.js';
import type { LeveretOptions } from './leveret-options.js';

/** What every module begins with. */
const HEAD = `
  import { Handler, Idempotent, Listener, PublishTo, Scheduled, SendTo, UseInterceptors } from 'leveret';
  export class Paid { orderId; }
  export const calls = [];
`;

interface Built {
  readonly calls: unknown[];
  readonly Orders: AnyClass;
  readonly [name: string]: unknown;
}

async function start(options: LeveretOptions) {
  const transport = new FakeTransport();
  const app = await Leveret.start({ transport, logger: silentLogger, ...options });
  return {
    app,
    transport,
    async deliver(queue: string, payload: unknown, rest: object = {}) {
      const tag = transport.deliver(queue, payload, rest);
      await until('settled', () => transport.settled.some((each) => each.endsWith(` ${tag}`)));
      return transport.settled.find((each) => each.endsWith(` ${tag}`));
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
}

describe('when decorators are standard', () => {
  let modules: ModuleBuilder;
  before(async () => {
    modules = await ModuleBuilder.create();
  });
  after(() => modules.remove());

  const build = (name: string, source: string) => modules.build<Built>(name, 'standard', HEAD + source);

  it('calls a method with the payload and the context, which has the declared headers', async () => {
    const { Orders, Paid, calls } = await build(
      'method',
      `export class Orders {
        @Listener({
          queue: 'pay',
          payload: Paid,
          headers: {
            tenant: 'x-tenant',
            version: { name: 'x-version', type: Number, default: 1 },
            trace: { name: 'x-trace', required: false },
            raw: { name: 'x-raw', type: Object, required: false },
          },
        })
        onPaid(event, context) {
          calls.push([event, context.headers, context.attempt, context.queue, context.message.routingKey, context.signal.aborted]);
        }
      }`,
    );
    await using running = await start({ listeners: [Orders] });
    const headers = { 'x-tenant': 'north', 'x-version': '7', 'x-raw': { deep: 1 } };
    expect(await running.deliver('pay', { orderId: 1 }, { headers })).to.equal('ack 1');
    expect(calls).to.deep.equal([
      [
        Object.assign(new (Paid as AnyClass)(), { orderId: 1 }),
        { tenant: 'north', version: 7, trace: undefined, raw: { deep: 1 } },
        1,
        'pay',
        'paid',
        false,
      ],
    ]);
    expect(await running.deliver('pay', { orderId: 1 }, { headers: {} })).to.equal('reject 2');
    const wrong = { 'x-tenant': 'north', 'x-version': 'seven' };
    expect(await running.deliver('pay', { orderId: 1 }, { headers: wrong })).to.equal('reject 3');
    expect(calls).to.have.length(1);
  });

  it('knows every decorator', async () => {
    const { Orders, calls } = await build(
      'all',
      `const around = (name) => (context, next) => { calls.push(name); return next(); };
      @UseInterceptors(around('class'))
      @SendTo('class-replies')
      export class Orders {
        @Listener({ queue: 'one', payload: Object, id: 'one' })
        @Listener({ queue: 'two', payload: Object, id: 'two' })
        @UseInterceptors(around('method'))
        @Idempotent((message, payload) => payload.key)
        @SendTo('exchange/method')
        async on(event) { calls.push(event.key); return { key: event.key }; }

        @Scheduled({ every: '20s' })
        reconcile(signal) { calls.push(signal instanceof AbortSignal); }
      }`,
    );
    const clock = new FakeClock();
    await using running = await start({ listeners: [Orders], clock });
    expect(running.app.listeners.ids).to.deep.equal(['one', 'two']);
    await running.deliver('one', { key: 'a' });
    await running.deliver('one', { key: 'a' });
    await running.deliver('two', { key: 'b' });
    expect(calls).to.deep.equal(['class', 'method', 'a', 'class', 'method', 'b']);
    expect(running.transport.published.map(({ exchange, routingKey }) => [exchange, routingKey])).to.deep.equal([
      ['exchange', 'method'],
      ['exchange', 'method'],
    ]);
    await clock.advance(20_000);
    expect(calls.at(-1)).to.equal(true);
  });

  it('chooses among the handlers of a class, and publishes by its class', async () => {
    const { Orders, calls, PayRefunded } = await build(
      'types',
      `@PublishTo('pay', 'refunded', { type: 'pay.refunded' })
      export class PayRefunded {}
      @Listener('mixed')
      export class Orders {
        @Handler(Paid, { headers: { tenant: 'x-tenant' } }) onPaid(event, { headers }) { calls.push(['paid', event.orderId, headers.tenant]); }
        @Handler(PayRefunded) onRefunded(event, context) { calls.push(['refunded', event instanceof PayRefunded, context.attempt]); }
        @Handler({ isDefault: true }) other() { calls.push(['other']); }
      }`,
    );
    await using running = await start({ listeners: [Orders] });
    await running.deliver('mixed', { orderId: 4 }, { type: 'Paid', headers: { 'x-tenant': 'north' } });
    await running.deliver('mixed', {}, { type: 'pay.refunded' });
    await running.deliver('mixed', {}, { type: 'unknown' });
    expect(calls).to.deep.equal([['paid', 4, 'north'], ['refunded', true, 1], ['other']]);
    await running.app.publisher.publish(new (PayRefunded as AnyClass)());
    expect(running.transport.published.map(({ exchange, properties }) => [exchange, properties.type])).to.deep.equal([
      ['pay', 'pay.refunded'],
    ]);
  });

  it('inherits as legacy decorators do, also from them', async () => {
    const { Orders, Sub, calls } = await build(
      'inherit',
      `export class Base {
        @Listener({ queue: 'base', payload: Object }) on(event) { calls.push(['base', event]); }
        @Listener({ queue: 'kept', payload: Object }) kept(event) { calls.push(['kept', event]); }
      }
      export class Orders extends Base {
        on(event) { calls.push(['overridden', event]); }
      }
      export class Sub extends Base {
        @Listener({ queue: 'sub', payload: Object }) on(event) { calls.push(['sub', event]); }
      }`,
    );
    await using running = await start({ listeners: [Orders] });
    await running.deliver('base', 1);
    await running.deliver('kept', 2);
    expect(calls).to.deep.equal([
      ['overridden', 1],
      ['kept', 2],
    ]);
    await using other = await start({ listeners: [Sub as AnyClass] });
    expect(other.app.listeners.inspect().map(({ queue }) => queue)).to.deep.equal(['sub', 'kept']);
  });

  it('lives beside legacy decorators in one process, and in one line of classes', async () => {
    const heard: unknown[] = [];
    class Legacy {
      @Listener('legacy')
      on(@Payload(Object) event: object, @Context() context: { attempt: number }): void {
        heard.push(['legacy', event, context.attempt]);
      }
    }
    const { extending, calls } = await build(
      'beside',
      `export function extending(base) {
        class Orders extends base {
          @Listener({ queue: 'standard', payload: Object }) also(event) { calls.push(event); }
        }
        return Orders;
      }`,
    );
    const Orders = (extending as (base: AnyClass) => AnyClass)(Legacy);
    await using running = await start({ listeners: [Orders, Legacy] });
    expect(running.app.listeners.ids).to.have.members(['Orders.on', 'Orders.also', 'Legacy.on']);
    await running.deliver('standard', { n: 1 });
    await running.deliver('legacy', { n: 2 });
    expect(calls).to.deep.equal([{ n: 1 }]);
    expect(heard).to.deep.equal([['legacy', { n: 2 }, 1]]);
  });

  it('calls what other decorators make of the method, and a class that they replace', async () => {
    const { Orders, calls } = await build(
      'wrapped',
      `const loud = (method) => function (...given) { calls.push('loud'); return method.apply(this, given); };
      const replaced = (base) => class extends base { constructor() { super(); this.name = 'replaced'; } };
      @replaced
      export class Orders {
        name = 'plain';
        @loud @Listener({ queue: 'q', payload: Object, id: 'id' }) on(event) { calls.push(this.name); }
      }`,
    );
    await using running = await start({ listeners: [Orders] });
    await running.deliver('q', {});
    expect(calls).to.deep.equal(['loud', 'replaced']);
  });

  it('reads no body for a method that takes nothing', async () => {
    const { Orders, calls } = await build(
      'nothing',
      `export class Orders { @Listener('q') on() { calls.push(arguments.length); } }`,
    );
    await using running = await start({ listeners: [Orders] });
    expect(await running.deliver('q', undefined, { body: Buffer.from('{not json') })).to.equal('ack 1');
    expect(calls).to.deep.equal([2]);
  });

  describe('a wrong use', () => {
    it('is told where nothing can be called: static and private methods, fields, accessors, getters', async () => {
      const { Orders } = await build(
        'misplaced',
        `export class Orders {
          @Listener('q') static fixed() {}
          @Listener('q') #hidden() {}
          @Listener('q') field = 1;
          @Listener('q') accessor auto = 1;
          @Scheduled({ every: '1s' }) get value() { return 1; }
          @UseInterceptors() set value(value) {}
          @Listener({ queue: 'q', payload: Object }) on(event) {}
        }`,
      );
      expect(await faultsOf({ listeners: [Orders] })).to.have.members([
        'class Orders: @Listener is on the static method fixed. Listeners are methods of instances: remove static.',
        "class Orders: @Listener is on the private method #hidden, which nobody outside the class can call. Take the # away; TypeScript's own private is no hindrance.",
        'class Orders: @Listener is on field, which is no method. Make it a method: field(...) { ... }',
        'class Orders: @Listener is on auto, which is no method. Make it a method: auto(...) { ... }',
        'class Orders: @Scheduled is on value, which is no method. Make it a method: value(...) { ... }',
        'class Orders: @UseInterceptors is on value, which is no method. Make it a method: value(...) { ... }',
      ]);
    });

    it('is told where the payload has no type, there are more than two parameters, or headers are none', async () => {
      const { Orders } = await build(
        'untold',
        `export class Orders {
          @Listener('q') bare(event) {}
          @Listener({ queue: 'q', payload: Object }) three(event, context, more) {}
          @Listener({ queue: 'q', payload: Object, headers: { a: '', b: 1, c: { name: 'c', type: Date }, d: { name: 'd', requird: true } } }) headers(event) {}
          @Listener({ queue: 'q', payload: Object, headers: 'x-tenant' }) text(event) {}
        }`,
      );
      const faults = await faultsOf({ listeners: [Orders] });
      expect(faults[0]).to.match(
        /^listener Orders\.bare: the payload has no type: nothing of it is left at run time\. Give it, as in \{ queue, payload: PaySucceeded \}/,
      );
      expect(faults[1]).to.match(/^listener Orders\.three: takes 3 parameters, but is called with two/);
      expect(faults.slice(2)).to.deep.equal([
        'listener Orders.headers: headers.a must be the name of a header; got ""',
        "listener Orders.headers: headers.b must be the name of a header, or options such as { name: 'x-version', type: Number, default: 1 }; got 1",
        'listener Orders.headers: type of headers.c must be String, Number, Boolean, or Object for the header as it came; got function Date',
        'listener Orders.headers: unknown option "requird" of headers.d. Did you mean "required"? Known are: required, default',
        `listener Orders.text: headers must be an object such as { tenant: 'x-tenant' }; got "x-tenant"`,
      ]);
    });

    it('says which setting parameter decorators need', () => {
      const standard = { kind: 'method', name: 'on', metadata: {} };
      for (const decorator of [Payload(Object), Context()]) {
        const call = () => (decorator as (...given: unknown[]) => void)(() => {}, standard);
        expect(call).to.throw(
          ConfigurationError,
          /standard decorators know no parameters\. Set "experimentalDecorators": true in tsconfig\.json.*or leave it out/,
        );
      }
    });

    it('says which compiler gives no metadata', () => {
      const call = () => Listener('q')(() => {}, { kind: 'method', name: 'on' } as never);
      expect(call).to.throw(ConfigurationError, /without metadata of its class .*TypeScript 5\.2 or later/);
      try {
        call();
      } catch (error) {
        expect((error as LeveretError).code).to.equal('LEV_CONFIGURATION');
      }
    });
  });

  describe('reflect-metadata', function () {
    this.timeout(60_000);
    const standard = `
      import { Leveret, Listener } from 'leveret';
      import { FakeTransport, until } from './dist/test-support/fake-transport.js';
      class Orders { on(event) { console.log(event.n); } }
      const metadata = {};
      Listener({ queue: 'q', payload: Object })(Orders.prototype.on, { kind: 'method', name: 'on', static: false, private: false, metadata });
      Orders[Symbol.metadata] = metadata;
      const transport = new FakeTransport();
      const app = await Leveret.start({ transport, logger: 'silent', listeners: [Orders] });
      transport.deliver('q', { n: 7 });
      await until('settled', () => transport.settled.length > 0);
      await app.close();
      console.log(typeof Object.getOwnPropertyDescriptor(Reflect, 'getMetadata').value);`;

    it('is neither needed nor loaded', async () => {
      const told = { watched: ['reflect-metadata'], without: ['inversify', 'reflect-metadata'] };
      expect(await runProgram(standard, told)).to.equal('7\nundefined\n');
    });

    /** Whether it is loaded, however that came about. */
    const isLoaded = `
      import { createRequire } from 'node:module';
      const { cache } = createRequire(import.meta.url);
      const isLoaded = () => Object.keys(cache).some((path) => path.includes('/node_modules/reflect-metadata/'));`;

    it('is there as soon as what compilers emit for legacy decorators looks for it', async () => {
      const output = await runProgram(`${isLoaded}
        import 'leveret';
        console.log(isLoaded());
        console.log(typeof Reflect.metadata, isLoaded());
        console.log(typeof Reflect.decorate, typeof Reflect.getMetadata, typeof Reflect.hasOwnMetadata);`);
      expect(output).to.equal('false\nfunction true\nfunction function function\n');
    });

    it('is loaded for legacy decorators of a compiler that emits no types only when somebody asks for types', async () => {
      const output = await runProgram(`${isLoaded}
        import { Leveret, Listener, Payload } from 'leveret';
        import { FakeTransport } from './dist/test-support/fake-transport.js';
        class Orders { on() {} }
        Payload(Object)(Orders.prototype, 'on', 0);
        Listener('q')(Orders.prototype, 'on', Object.getOwnPropertyDescriptor(Orders.prototype, 'on'));
        const app = await Leveret.start({ transport: new FakeTransport(), logger: 'silent', listeners: [Orders] });
        await app.close();
        console.log(isLoaded());
        const { Type, plainToInstance } = await import('class-transformer');
        class Paid {}
        Type(() => Date)(Paid.prototype, 'at');
        console.log(plainToInstance(Paid, { at: 0 }).at instanceof Date, isLoaded());`);
      expect(output).to.equal('false\ntrue true\n');
    });

    it('shares what is known with another copy of it that is loaded meanwhile', async () => {
      const output = await runProgram(`${isLoaded}
        import 'leveret';
        await import('reflect-metadata/lite');
        class Paid { on() {} }
        Reflect.defineMetadata('design:type', Date, Paid.prototype, 'on');
        console.log(isLoaded(), Reflect.getMetadata('design:type', Paid.prototype, 'on') === Date, typeof Reflect.decorate);`);
      expect(output).to.equal('true true function\n');
    });

    it('lets another of its kind take its place', async () => {
      const output = await runProgram(`${isLoaded}
        import 'leveret';
        for (const name of ['decorate', 'metadata', 'getMetadata']) Reflect[name] = () => name;
        console.log(Reflect.decorate(), Reflect.metadata(), Reflect.getMetadata(), isLoaded());`);
      expect(output).to.equal('decorate metadata getMetadata false\n');
    });
  });
});
