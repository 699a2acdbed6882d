import { type DeliveryContext, type Next, QueueBuilder, RejectMessage, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { IsInt } from 'class-validator';
import { describe, it } from 'mocha';
import { z } from 'zod';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { Leveret } from '../application/leveret.js';
import type { LeveretOptions } from '../application/leveret-options.js';
import type { ListenerContext } from '../decorators/header-declarations.js';
import { Listener } from '../decorators/listener.js';
import { PublishTo } from '../decorators/publish-to.js';
import { FakeTransport, until } from '../test-support/fake-transport.js';
import { faultsOf } from '../test-support/faults-of.js';
import { handler } from './handler.js';
import { listener } from './listener.js';
import { schedule } from './schedule.js';

class Paid {
  @IsInt() orderId!: number;
}

@PublishTo('pay', 'refunded', { type: 'pay.refunded' })
class Refunded {}

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

describe('listener', () => {
  it('calls a function with the payload, the context and the declared headers, all of them typed', async () => {
    const calls: unknown[] = [];
    const onPaid = listener(
      {
        queue: 'pay',
        payload: Paid,
        headers: {
          tenant: 'x-tenant',
          version: { name: 'x-version', type: Number, default: 1 },
          trace: { name: 'x-trace', required: false },
        },
      },
      async (event, context) => {
        const orderId: number = event.orderId;
        const headers: { tenant: string; version: number; trace: string | undefined } = context.headers;
        const payload: Paid = context.payload;
        // @ts-expect-error: no such header is declared
        void context.headers.other;
        // @ts-expect-error: it is a number
        const text: string = event.orderId;
        calls.push([
          event instanceof Paid,
          orderId,
          headers,
          payload === event,
          context.listenerId,
          context.attempt,
          text,
        ]);
      },
    );
    await using running = await start({ listeners: [onPaid] });
    expect(await running.deliver('pay', { orderId: 1 }, { headers: { 'x-tenant': 'n' } })).to.equal('ack 1');
    expect(await running.deliver('pay', { orderId: 'x' }, { headers: { 'x-tenant': 'n' } })).to.equal('reject 2');
    expect(await running.deliver('pay', { orderId: 1 })).to.equal('reject 3');
    const headers = { tenant: 'n', version: 1, trace: undefined };
    expect(calls).to.deep.equal([[true, 1, headers, true, 'pay', 1, 1]]);
  });

  it('types the payload by what declares it', async () => {
    const seen: unknown[] = [];
    const Order = z.object({ id: z.coerce.number() });
    const listeners = [
      listener({ queue: 'schema', payload: Order }, (order: { id: number }) => void seen.push(order)),
      listener({ queue: 'each', payload: [Paid] }, (paid: Paid[]) => void seen.push(paid.length)),
      listener({ queue: 'text', payload: String }, (text: string) => void seen.push(text)),
      listener({ queue: 'bytes', payload: Buffer }, (bytes: Buffer) => void seen.push(bytes.length)),
      listener({ queue: 'any', payload: Object }, (any: { free: boolean }) => void seen.push(any.free)),
      listener({ queue: 'none' }, () => void seen.push('nothing')),
      listener(
        { queue: 'context', payload: Object },
        (_: unknown, context: DeliveryContext) => void seen.push(context.queue),
      ),
      listener(
        { queue: 'named', payload: Paid, headers: { a: 'a' } },
        (_: Paid, { headers }: ListenerContext<{ a: string }>) => void seen.push(headers.a),
      ),
      // @ts-expect-error: the payload is a Paid
      listener({ queue: 'wrong', payload: Paid, autoStart: false }, (text: string) => void seen.push(text)),
      // @ts-expect-error: nothing says what the payload is
      listener({ queue: 'untold', payload: Object, autoStart: false, queu: 'x' }, () => {}),
    ];
    const faults = await faultsOf({ listeners });
    expect(faults).to.have.length(1);
    expect(faults[0]).to.match(
      /^listener untold: unknown option "queu" of listener\(\.\.\.\)\. Did you mean "queue"\?/,
    );
    await using running = await start({ listeners: listeners.slice(0, -1) });
    await running.deliver('schema', { id: '7' });
    await running.deliver('each', [{ orderId: 1 }]);
    await running.deliver('text', 'hello');
    await running.deliver('bytes', undefined, { body: Buffer.from('abc'), contentType: 'application/octet-stream' });
    await running.deliver('any', { free: true });
    await running.deliver('none', undefined, { body: Buffer.from('{broken') });
    await running.deliver('context', {});
    await running.deliver('named', { orderId: 1 }, { headers: { a: 'b' } });
    expect(seen).to.deep.equal([{ id: 7 }, 1, 'hello', 3, true, 'nothing', 'context', 'b']);
  });

  it('has all that decorators say of methods: retry, interceptors, replies, once for each message, manual mode', async () => {
    const steps: string[] = [];
    const around = (name: string) => (_context: DeliveryContext, next: Next) => {
      steps.push(name);
      return next();
    };
    class Classy {
      intercept(_context: DeliveryContext, next: Next): Promise<unknown> {
        steps.push('class');
        return next();
      }
    }
    let failures = 1;
    const all = listener(
      {
        queue: 'all',
        payload: Object,
        id: 'all-of-it',
        retry: { maxAttempts: 2, initialInterval: 0 },
        interceptors: [around('outer'), Classy],
        sendTo: 'replies/all',
        idempotent: (message) => message.messageId,
      },
      (event: { id: number }) => {
        steps.push(`call ${event.id}`);
        if (failures-- > 0) throw new Error('once');
        return { done: event.id };
      },
    );
    const manual = listener({ queue: 'manual', payload: Object, acknowledge: 'manual' }, (_event, context) => {
      context.reject();
    });
    const rejecting = listener({ queue: 'rejecting' }, () => {
      throw new RejectMessage('no');
    });
    await using running = await start({ listeners: [all, manual, rejecting] });
    expect(running.app.listeners.ids).to.deep.equal(['all-of-it', 'manual', 'rejecting']);
    await running.deliver('all', { id: 1 }, { messageId: 'm1' });
    await running.deliver('all', { id: 1 }, { messageId: 'm1' });
    expect(steps).to.deep.equal(['outer', 'class', 'call 1', 'outer', 'class', 'call 1']);
    expect(running.transport.published.map(({ exchange, routingKey }) => [exchange, routingKey])).to.deep.equal([
      ['replies', 'all'],
    ]);
    expect(await running.deliver('manual', {})).to.equal('reject 3');
    expect(await running.deliver('rejecting', {})).to.equal('reject 4');
  });

  it('chooses among handlers by type', async () => {
    const calls: unknown[] = [];
    const Cancelled = z.object({ id: z.number() });
    const onPayments = listener({
      queue: QueueBuilder.durable('mixed'),
      interceptors: [
        (_context, next) => {
          calls.push('around');
          return next();
        },
      ],
      idempotent: true,
      handlers: [
        handler({ payload: Paid, headers: { tenant: 'x-tenant' } }, (event, { headers }) => {
          const orderId: number = event.orderId;
          calls.push(['paid', orderId, headers.tenant]);
        }),
        handler(
          { payload: Refunded, idempotent: false },
          (event) => void calls.push(['refunded', event instanceof Refunded]),
        ),
        handler({ payload: Cancelled, type: ['a', 'b'] }, ({ id }) => void calls.push(['cancelled', id])),
        handler({ isDefault: true, idempotent: false }, () => void calls.push(['other'])),
      ],
    });
    await using running = await start({ listeners: [onPayments] });
    expect(running.app.listeners.ids).to.deep.equal(['mixed']);
    const paid = { type: 'Paid', headers: { 'x-tenant': 'n' }, messageId: 'm' };
    await running.deliver('mixed', { orderId: 4 }, paid);
    await running.deliver('mixed', { orderId: 4 }, paid);
    await running.deliver('mixed', {}, { type: 'pay.refunded' });
    await running.deliver('mixed', { id: 5 }, { type: 'b', messageId: 'm' });
    await running.deliver('mixed', {}, { type: 'unknown' });
    expect(calls.filter((each) => each !== 'around')).to.deep.equal([
      ['paid', 4, 'n'],
      ['refunded', true],
      ['cancelled', 5],
      ['other'],
    ]);
    expect(calls.filter((each) => each === 'around')).to.have.length(4);
  });

  it('stands beside classes and instances, and may be called as the function it is', async () => {
    class Orders {
      @Listener('classes')
      on(_paid: Paid): void {}
    }
    function onPaid(paid: Paid): number {
      return paid.orderId;
    }
    const first = listener({ queue: 'first', payload: Paid }, onPaid);
    const second = listener({ queue: 'second', payload: Paid }, onPaid);
    await using running = await start({ listeners: [Orders, first, second] });
    expect(running.app.listeners.ids).to.deep.equal(['Orders.on', 'first', 'second']);
    const result: number = first(Object.assign(new Paid(), { orderId: 7 }));
    expect(result).to.equal(7);
    expect([first.name, first.length]).to.deep.equal(['onPaid', 1]);
  });

  it('takes its name from the queue, else from the function', async () => {
    const anonymous = { anonymous: true } as const;
    const named = listener({ queue: anonymous }, function onSomething() {});
    await using running = await start({ listeners: [named] });
    expect(running.app.listeners.ids).to.deep.equal(['onSomething']);
    const [fault] = await faultsOf({ listeners: [listener({ queue: anonymous }, () => {})] });
    expect(fault).to.match(/^listener without a name: neither its queue nor its function has a name/);
  });

  describe('a wrong use', () => {
    const loose = listener as unknown as (options: unknown, call?: unknown) => object;
    const looseHandler = handler as unknown as (options: unknown, call?: unknown) => object;
    const faults = async (options: unknown, call?: unknown) => faultsOf({ listeners: [loose(options, call)] });

    it('is told as that of a class is', async () => {
      expect(await faults({ queue: 'q', prefetch: -1, payload: Object }, (_event: object) => {})).to.have.length(1);
      expect((await faults({ queue: 'q' }, (_event: object) => {}))[0]).to.match(
        /^listener q: the payload has no type: nothing of it is left at run time\. Give it/,
      );
      expect((await faults({ queue: 'q', payload: Date }, (_event: object) => {}))[0]).to.match(
        /^listener q: payload was given Date, which cannot be read from a body/,
      );
      expect(
        (await faults({ queue: 'q', payload: Object }, (_a: unknown, _b: unknown, _c: unknown) => {}))[0],
      ).to.match(/takes 3 parameters, but is called with two/);
      expect((await faults({ queue: 'q' }))[0]).to.match(/takes a function that handles the messages.*got undefined/);
      expect((await faults('q', () => {}))[0]).to.match(/listener\(\.\.\.\) must be an object of options; got "q"/);
      expect((await faults({ queue: 'q', interceptors: 1, idempotent: 7, sendTo: 8 }, () => {})).length).to.equal(3);
    });

    it('is told of handlers', async () => {
      const paid = looseHandler({ payload: Paid }, () => {});
      expect(await faults({ queue: 'q', handlers: [] })).to.deep.equal([
        'listener q: handlers must be an array of what handler(options, call) makes; got an array of 0',
      ]);
      const several = await faults(
        {
          queue: 'q',
          payload: Paid,
          handlers: [
            paid,
            paid,
            () => {},
            looseHandler({ payload: z.string() }, () => {}),
            looseHandler({ typ: 'a' }, 7),
          ],
        },
        () => {},
      );
      expect(several[0]).to.equal('listener q: has a function and handlers, too. Leave one of them out');
      expect(several[1]).to.equal('listener q: payload is said by each handler: handler({ payload: ... }, ...)');
      expect(several[2]).to.equal(
        'listener q, handlers[1]: q Paid takes messages of type "Paid" already; a type has one handler',
      );
      expect(several[3]).to.match(/^listener q, handlers\[2\]: expected what handler\(options, call\) makes; got/);
      expect(several[4]).to.match(
        /^listener q, handlers\[3\]: it is not known which type of message it takes.*handler\(\{ payload/,
      );
      expect(several[5]).to.match(
        /^listener q, handlers\[4\]: unknown option "typ" of handler\(\.\.\.\)\. Did you mean "type"\?/,
      );
    });

    it('is told of functions that are none of ours, or belong elsewhere', async () => {
      const [plain] = await faultsOf({ listeners: [() => {}] });
      expect(plain).to.match(
        /^listeners holds .*; expected a class, an instance of one, or what listener\(\.\.\.\) makes$/,
      );
      const beat = schedule({ id: 'beat', every: '1s' }, () => {});
      const [misplaced] = await faultsOf({ listeners: [beat] });
      expect(misplaced).to.match(/What schedule\(\.\.\.\) makes belongs in schedules$/);
      const [one] = await faultsOf({ listeners: [looseHandler({ payload: Paid }, () => {})] });
      expect(one).to.match(/What handler\(\.\.\.\) makes belongs in listener\(\{ queue, handlers \}\)$/);
      const twice = [listener({ queue: 'q' }, () => {}), listener({ queue: 'q' }, () => {})];
      const [same] = await faultsOf({ listeners: twice });
      expect(same).to.match(/^listener q: the id "q" is taken by listener q/);
    });
  });
});

describe('schedule', () => {
  it('calls a function at its beats, with a signal', async () => {
    const beats: unknown[] = [];
    const clock = new FakeClock();
    const reconcile = schedule({ id: 'reconcile', every: '20s' }, async (signal) => {
      beats.push(signal instanceof AbortSignal && !signal.aborted);
    });
    await using running = await start({ schedules: [reconcile], clock });
    expect(running.app.schedules.ids).to.deep.equal(['reconcile']);
    await clock.advance(45_000);
    expect(beats).to.deep.equal([true, true]);
  });

  it('refuses what @Scheduled refuses', async () => {
    const loose = schedule as unknown as (options: unknown, call?: unknown) => object;
    expect(await faultsOf({ schedules: [loose({ every: '20s' }, () => {})] })).to.deep.equal([
      "schedule without a name: a function has no name that holds: give it an id, as in { id: 'reconcile', every: '20s' }",
    ]);
    const [both, unknown, none] = await faultsOf({
      schedules: [loose({ id: 'a', every: '1s', cron: '* * * * *', jiter: 1 })],
    });
    expect(both).to.match(/^schedule a: schedule\(options, call\) takes a function/);
    expect(unknown).to.match(/takes either every or cron/);
    expect(none).to.match(/unknown option "jiter" of @Scheduled\. Did you mean "jitter"\?/);
  });
});
