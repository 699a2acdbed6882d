import {
  ConfigurationError,
  type ConnectionEvent,
  channel,
  LeveretError,
  type ListenerPolicyOptions,
  type LogFields,
  type Logger,
  MessageConversionError,
  type MessageConverter,
  MessageValidationError,
  Publisher,
  type Recoverer,
  type RecovererFunction,
  republish,
  silentLogger,
} from '@leveret/core';
import { expect } from 'chai';
import { IsInt } from 'class-validator';
import { Container, inject, injectable } from 'inversify';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { Handler } from '../decorators/handler.js';
import { Listener } from '../decorators/listener.js';
import type { ListenerOptions } from '../decorators/listener-options.js';
import { Payload } from '../decorators/payload.js';
import { PublishTo } from '../decorators/publish-to.js';
import { UseInterceptors } from '../decorators/use-interceptors.js';
import { FakeTransport, until } from '../test-support/fake-transport.js';
import { Leveret } from './leveret.js';
import type { LeveretEvent } from './leveret-event.js';
import { leveretModule } from './leveret-module.js';
import type { LeveretOptions } from './leveret-options.js';

class Paid {
  @IsInt() id!: number;
}

/** A listener class that differs in its options only. */
function listenerOf(options: ListenerOptions | string, handle: (paid: Paid) => unknown = () => {}) {
  class Orders {
    @Listener(options)
    on(@Payload() paid: Paid): unknown {
      return handle(paid);
    }
  }
  return Orders;
}

async function start(options: LeveretOptions = {}) {
  const transport = new FakeTransport();
  const events: LeveretEvent[] = [];
  const app = await Leveret.start({
    transport,
    logger: silentLogger,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { transport, events, app, [Symbol.asyncDispose]: () => app.close() };
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('expected a rejection');
    },
    (error: unknown) => error,
  );
}

/** The faults that stop a start with these options. */
async function faultsOf(options: LeveretOptions): Promise<readonly string[]> {
  const error = await rejection(Leveret.start({ transport: new FakeTransport(), logger: silentLogger, ...options }));
  expect(error).to.be.instanceOf(ConfigurationError);
  return (error as ConfigurationError).problems;
}

/** A promise that is settled from outside. */
function gate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

describe('Leveret', () => {
  describe('starting', () => {
    it('declares, connects, then consumes', async () => {
      await using running = await start({ listeners: [listenerOf({ queue: 'q', lazy: true })] });
      expect(running.transport.steps).to.deep.equal(['declare', 'connect consume', 'connect publish', 'consume q']);
      expect(running.transport.declared[0]?.queues.map(({ name }) => name)).to.deep.equal(['q']);
      expect(running.app.state).to.equal('running');
      expect(running.events.at(-1)?.type).to.equal('started');
    });

    it('opens no connection to consume when nothing is consumed', async () => {
      await using running = await start();
      expect(running.transport.steps).to.deep.equal(['declare', 'connect publish']);
      expect(running.app.health().connections.map(({ role }) => role)).to.deep.equal(['publish']);
    });

    it('leaves a listener alone that is not to start by itself', async () => {
      await using running = await start({ listeners: [listenerOf({ queue: 'q', autoStart: false })] });
      expect(running.transport.steps).to.not.include('consume q');
      await running.app.listeners.get('Orders.on').start();
      expect(running.transport.steps.at(-1)).to.equal('consume q');
    });

    it('does not wait for a listener that waits for its queue', async () => {
      const transport = new FakeTransport();
      transport.consuming = () => new Promise(() => {});
      await using running = await start({
        transport,
        listeners: [listenerOf({ queue: 'q', declare: false, missingQueue: 'wait' })],
      });
      expect(running.app.state).to.equal('running');
    });

    it('fails by the name of a listener that cannot start, and closes what was opened', async () => {
      const transport = new FakeTransport();
      transport.consuming = (queue) =>
        queue === 'bad' ? Promise.reject(new LeveretError('LEV_QUEUE_MISSING', 'no queue bad')) : Promise.resolve();
      class Two {
        @Listener('good')
        good(_paid: Paid): void {}
        @Listener('bad')
        bad(_paid: Paid): void {}
      }
      const error = await rejection(start({ transport, listeners: [Two] }));
      expect(LeveretError.is(error) && error.code).to.equal('LEV_QUEUE_MISSING');
      expect((error as Error).message).to.equal('Nothing was started. listener Two.bad: no queue bad');
      expect(transport.steps.slice(-2)).to.deep.equal(['cancel good', 'close']);
    });

    it('does not wait longer than the connection’s startTimeout for its consumers', async () => {
      const transport = new FakeTransport();
      transport.consuming = () => new Promise(() => {});
      const options = { transport, listeners: [listenerOf('q')], connection: { startTimeout: 20 } };
      const error = await rejection(start(options));
      expect((error as Error).message).to.match(/listener Orders\.on: no consumer on q within 20 ms/);
      expect(transport.steps.at(-1)).to.equal('close');
    });

    it('does not wait longer than that for the container', async () => {
      const container = new Container();
      container.bind('slow').toDynamicValue(() => new Promise<never>(() => {}));
      @injectable()
      class Waiting {
        constructor(@inject('slow') readonly slow: unknown) {}
        @Listener('q')
        on(_paid: Paid): void {}
      }
      const options = { container, listeners: [Waiting], connection: { startTimeout: 20 } };
      expect(((await rejection(start(options))) as Error).message).to.match(/did not make every class within 20 ms/);
    });

    it('fails with what connecting fails with, and closes', async () => {
      const transport = new FakeTransport();
      const refused = new LeveretError('LEV_AUTHENTICATION_REFUSED', 'no');
      transport.connecting = () => Promise.reject(refused);
      expect(await rejection(start({ transport }))).to.equal(refused);
      expect(transport.steps.at(-1)).to.equal('close');
    });

    it('can be called twice, and answers the same', async () => {
      const app = new Leveret({ transport: new FakeTransport(), logger: 'silent' });
      const first = app.start();
      expect(app.start()).to.equal(first);
      await first;
      await app.start();
      await app.close();
    });

    it('cannot be called after a close', async () => {
      const { app } = await start();
      await app.close();
      const error = await rejection(app.start());
      expect(LeveretError.is(error) && error.code).to.equal('LEV_INVALID_STATE');
    });

    it('warns of what is probably not meant', async () => {
      const lines: (readonly [LogFields, string])[] = [];
      const logger: Logger = { ...silentLogger, warn: (fields, text) => lines.push([fields, text]) };
      await using _running = await start({
        logger,
        listeners: [listenerOf({ queue: 'q', lazy: true, recoverer: republish('nowhere') })],
      });
      expect(lines.map(([fields]) => fields['kind'])).to.have.members([
        'recoverer-exchange-undeclared',
        'rejected-messages-dropped',
      ]);
    });
  });

  describe('checking', () => {
    it('reports every fault of options and listeners in one error, without opening anything', async () => {
      const transport = new FakeTransport();
      const options = {
        transport,
        conection: {},
        defaults: { retries: 3 },
        listeners: [
          listenerOf({ queue: 'q', acknowledge: 'manual', retry: { maxAttempts: 0 }, prefetch: -1 }),
          listenerOf({
            queue: { name: 'r', type: 'quorum', lazy: true as never },
            exclusive: true,
            concurrency: 2,
            id: 'second',
          }),
        ],
        interceptors: [{}],
        shutdownHooks: ['SIGKILL'],
        shutdownTimeout: 'soon',
        publisher: { window: 0 },
        logger: 'loud',
      };
      const faults = await faultsOf(options as unknown as LeveretOptions);
      for (const fault of [
        /unknown option "conection" of Leveret\.start\. Did you mean "connection"\?/,
        /unknown option "retries" of defaults/,
        /^listener Orders\.on: .*maxAttempts/,
        /^listener Orders\.on: prefetch must be a whole number from 0/,
        /^listener Orders\.on: .*manual/,
        /^listener Orders\.on.*lazy/,
        /^listener Orders\.on: exclusive allows one consumer/,
        /an interceptor must be a function \(context, next\)/,
        /shutdownHooks must be true, false, or an array of SIGTERM.*got "SIGKILL"/,
        /shutdownTimeout must be milliseconds/,
        /^publisher: window must be a whole number from 1 to 65535/,
        /logger must be one of "debug"/,
      ]) {
        expect(
          faults.filter((each) => fault.test(each)),
          `${fault} in\n${faults.join('\n')}`,
        ).to.have.length(1);
      }
      expect(transport.steps).to.deep.equal(['close']);
    });

    it('reports the faults of the connection', async () => {
      const faults = await faultsOf({ transport: undefined!, connection: { urls: 'http://localhost' } });
      expect(faults).to.have.length(1);
      expect(faults[0]).to.match(/amqp:\/\//);
      expect(await faultsOf({ transport: undefined!, mismatch: 'ignore' as never })).to.deep.equal([
        "mismatch must be one of 'fail', 'warn'; got \"ignore\"",
      ]);
    });

    it('reports two queues that disagree, with both sources', async () => {
      const one = listenerOf({ queue: { name: 'q', type: 'quorum' }, id: 'one' });
      const two = listenerOf({ queue: { name: 'q', maxLength: 3 }, id: 'two' });
      const faults = await faultsOf({ listeners: [one, two] });
      expect(faults.join('\n')).to.match(/queue "q" is declared differently/);
    });

    it('reports what the container cannot make', async () => {
      @injectable()
      class Needy {
        constructor(@inject('missing') readonly missing: unknown) {}
        @Listener('q')
        on(_paid: Paid): void {}
      }
      const faults = await faultsOf({ listeners: [Needy], container: new Container() });
      expect(faults).to.have.length(1);
      expect(faults[0]).to.match(
        /^listener Needy\.on: the container cannot make Needy: No bindings found for service: "missing"/,
      );
    });

    it('reports recoverers and converters that are none, and their own faults', async () => {
      const broken: Recoverer = { recover: () => 'ack', problems: ['exchange must be a name'] };
      const faults = await faultsOf({
        listeners: [
          listenerOf({ queue: 'a', id: 'a', recoverer: 'park' as never }),
          listenerOf({ queue: 'b', id: 'b', converter: {} as never }),
          listenerOf({ queue: 'c', id: 'c', recoverer: broken }),
        ],
      });
      expect(faults).to.have.length(3);
      expect(faults[0]).to.match(/recoverer must be a function, an object with recover\(failure\).*got "park"/);
      expect(faults[1]).to.match(/converter must be an object with fromMessage and toMessage/);
      expect(faults[2]).to.match(/exchange must be a name$/);
    });
  });

  describe('handling', () => {
    it('takes defaults for all, and a listener’s own value before them', async () => {
      const defaults: ListenerPolicyOptions = { defaultRequeueRejected: false };
      const fail = () => {
        throw new Error('no');
      };
      class Two {
        @Listener('own')
        own(_paid: Paid): void {}
      }
      await using running = await start({
        defaults,
        listeners: [
          listenerOf({ queue: 'a', id: 'a' }, fail),
          listenerOf({ queue: 'b', id: 'b', defaultRequeueRejected: true }, fail),
          Two,
        ],
      });
      running.transport.deliver('a', { id: 1 });
      running.transport.deliver('b', { id: 1 });
      await until('both', () => running.transport.settled.length === 2);
      expect(running.transport.settled).to.have.members(['reject 1', 'requeue 2']);
    });

    it('runs interceptors in the order global, class, method, whatever they are given as', async () => {
      const steps: string[] = [];
      const functional = (name: string) => (_context: unknown, next: () => Promise<unknown>) => {
        steps.push(name);
        return next();
      };
      @injectable()
      class Injected {
        intercept(_context: unknown, next: () => Promise<unknown>) {
          steps.push('class');
          return next();
        }
      }
      @UseInterceptors(Injected)
      class Orders {
        @Listener('q')
        @UseInterceptors({ intercept: functional('method') })
        on(_paid: Paid): void {
          steps.push('handler');
        }
      }
      await using running = await start({ listeners: [Orders], interceptors: [functional('global')] });
      running.transport.deliver('q', { id: 1 });
      await until('settled', () => running.transport.settled.length === 1);
      expect(steps).to.deep.equal(['global', 'class', 'method', 'handler']);
    });

    it('validates as the application says, or as the listener does', async () => {
      const seen: unknown[] = [];
      await using running = await start({
        validation: { whitelist: true },
        listeners: [
          listenerOf({ queue: 'a', id: 'a' }, (paid) => seen.push({ ...paid })),
          listenerOf({ queue: 'b', id: 'b', validation: false }, (paid) => seen.push({ ...paid })),
        ],
      });
      running.transport.deliver('a', { id: 1, more: 2 });
      running.transport.deliver('b', { id: 'x', more: 2 });
      await until('both', () => running.transport.settled.length === 2);
      expect(seen).to.deep.equal([{ id: 1 }, { id: 'x', more: 2 }]);
    });

    it('resolves recoverers and converters from the container', async () => {
      @injectable()
      class Upper implements MessageConverter {
        fromMessage(): unknown {
          throw new MessageConversionError('never readable');
        }
        toMessage() {
          return { body: Buffer.from('upper') };
        }
      }
      const recovered: unknown[] = [];
      @injectable()
      class Parking implements Recoverer {
        recover: RecovererFunction = ({ reason }) => {
          recovered.push(reason);
        };
      }
      await using running = await start({
        converter: Upper,
        listeners: [listenerOf({ queue: 'q', recoverer: Parking, invalid: 'recover' })],
      });
      running.transport.deliver('q', { id: 1 });
      await until('settled', () => running.transport.settled.length === 1);
      expect([recovered, running.transport.settled]).to.deep.equal([['invalid'], ['ack 1']]);
      await running.app.publisher.sendToQueue('r', {});
      expect(running.transport.published[0]?.body.toString()).to.equal('upper');
    });

    it('chooses handlers of a class by type', async () => {
      const seen: string[] = [];
      @Listener('q')
      class Orders {
        @Handler(Paid, { type: 'paid' })
        onPaid(paid: Paid): void {
          seen.push(`paid ${paid.id}`);
        }
      }
      await using running = await start({ listeners: [Orders] });
      running.transport.deliver('q', { id: 1 }, { type: 'paid' });
      running.transport.deliver('q', { id: 2 }, { type: 'other' });
      await until('both', () => running.transport.settled.length === 2);
      expect([seen, running.transport.settled]).to.deep.equal([['paid 1'], ['ack 1', 'reject 2']]);
    });
  });

  describe('publishing', () => {
    it('tells of every publish', async () => {
      await using running = await start();
      const { publisher } = running.app;
      await publisher.publish('orders', 'paid', { id: 1 }, { messageId: 'm1' });
      const told = running.events.flatMap((event) =>
        event.type === 'publish-confirmed' ? [[event.receipt.messageId, event.publication.routingKey]] : [],
      );
      expect(told).to.deep.equal([['m1', 'paid']]);
    });

    it('publishes instances where their class says', async () => {
      @PublishTo('orders', (event: Moved) => `moved.${event.to}`)
      class Moved {
        constructor(readonly to: string) {}
      }
      class MovedFar extends Moved {}
      @PublishTo('orders', 'fixed')
      class Fixed {}
      await using running = await start();
      await running.app.publisher.publish(new MovedFar('oslo'));
      await running.app.publisher.publish(new Fixed());
      expect(running.transport.published.map(({ exchange, routingKey }) => [exchange, routingKey])).to.deep.equal([
        ['orders', 'moved.oslo'],
        ['orders', 'fixed'],
      ]);
      expect(await rejection(running.app.publisher.publish(new Paid()))).to.be.instanceOf(ConfigurationError);
    });

    it('publishes instances through the channel that their class names', async () => {
      const fixed = channel<Fixed>('orders', 'fixed', { type: 'order.fixed' });
      @PublishTo(fixed)
      class Fixed {
        readonly id = 1;
      }
      @PublishTo(channel('orders', (moved: { to: string }) => `moved.${moved.to}`))
      class Moved {
        readonly to = 'oslo';
      }
      await using running = await start();
      await running.app.publisher.publish(new Fixed());
      await running.app.publisher.publishAll([new Moved()]);
      expect(
        running.transport.published.map(({ exchange, routingKey, properties }) => [
          exchange,
          routingKey,
          properties.type,
        ]),
      ).to.deep.equal([
        ['orders', 'fixed', 'order.fixed'],
        ['orders', 'moved.oslo', undefined],
      ]);
      expect(() => PublishTo(undefined as never)).to.throw(ConfigurationError, /@PublishTo takes.*circular import/);
      const error = await rejection(running.app.publisher.publish(new Paid()));
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(error)
        .to.have.property('message')
        .that.contains('an instance of Paid. Put @PublishTo(exchange, routingKey)');
    });

    it('gives a message the type that its class gives, unless the call gives another', async () => {
      @PublishTo('orders', 'moved', { type: 'order.moved' })
      class Moved {}
      class MovedFar extends Moved {}
      @PublishTo('orders', 'plain')
      class Plain {}
      await using running = await start({ publisher: { defaults: { type: 'some.event' } } });
      const { publisher } = running.app;
      await publisher.publish(new Moved());
      await publisher.publish(new MovedFar());
      await publisher.publish(new Moved(), { type: 'other' });
      await publisher.publish(new Plain());
      expect(running.transport.published.map(({ properties }) => properties.type)).to.deep.equal([
        'order.moved',
        'order.moved',
        'other',
        'some.event',
      ]);
    });

    it('is injected into listeners and their services', async () => {
      @injectable()
      class Relay {
        constructor(
          @inject(Publisher) readonly publisher: Publisher,
          @inject(Leveret) readonly app: Leveret,
        ) {}
        @Listener('q')
        async on(@Payload() paid: Paid): Promise<void> {
          await this.publisher.sendToQueue('next', { ...paid, from: this.app.state });
        }
      }
      await using running = await start({ listeners: [Relay], container: new Container() });
      running.transport.deliver('q', { id: 1 });
      await until('settled', () => running.transport.settled.length === 1);
      expect(running.transport.published[0]?.body.toString()).to.equal('{"id":1,"from":"running"}');
    });

    it('confirms what recoverers publish, also where the publisher itself does without', async () => {
      const transport = new FakeTransport();
      const confirms: unknown[] = [];
      const open = transport.openPublishChannel.bind(transport);
      transport.openPublishChannel = (...args: unknown[]) => {
        confirms.push((args[0] as { confirm: boolean }).confirm);
        return open();
      };
      const fail = () => {
        throw new Error('no');
      };
      const listener = listenerOf(
        { queue: 'q', retry: { maxAttempts: 1 }, recoverer: republish('errors', 'parked') },
        fail,
      );
      await using running = await start({ transport, publisher: { confirms: 'none' }, listeners: [listener] });
      transport.deliver('q', { id: 1 });
      await until('settled', () => transport.settled.length === 1);
      expect([transport.settled, confirms]).to.deep.equal([['ack 1'], [true]]);
      await running.app.publisher.sendToQueue('q', {});
      expect(confirms).to.deep.equal([true, false]);
    });
  });

  describe('living in inversify', () => {
    it('is bound by its module, together with the publisher, and started by hand', async () => {
      const container = new Container();
      const transport = new FakeTransport();
      container.load(leveretModule({ container, transport, logger: 'silent', listeners: [listenerOf('q')] }));
      const app = container.get(Leveret);
      expect(container.get(Publisher)).to.equal(app.publisher);
      expect([app.state, transport.steps]).to.deep.equal(['new', []]);
      await app.start();
      await app.close();
      expect(container.get(Leveret)).to.equal(app);
    });

    it('drops a reply that cannot be written: the work is done', async () => {
      const cyclic: { self?: unknown } = {};
      cyclic.self = cyclic;
      await using running = await start({ listeners: [listenerOf('q', () => cyclic)] });
      running.transport.deliver('q', { id: 1 }, { replyTo: 'answers' });
      await until('settled', () => running.transport.settled.length === 1);
      expect(running.transport.settled).to.deep.equal(['ack 1']);
      expect(running.events.map(({ type }) => type)).to.include('reply-dropped');
    });

    it('takes what a handler cannot send for its failure, and not for a fault of the message it handles', async () => {
      const unsendable = { amount: 1n };
      const recoveries: unknown[] = [];
      const failing = (handle: () => unknown): LeveretOptions['listeners'] => [
        listenerOf(
          {
            queue: 'q',
            retry: { maxAttempts: 1 },
            recoverer: ({ reason, error }) => void recoveries.push(reason, error),
          },
          handle,
        ),
      ];
      const broken = new MessageValidationError('amount must be an integer', []);
      const cases: {
        readonly publisher?: LeveretOptions['publisher'];
        readonly payload: unknown;
      }[] = [
        { payload: unsendable },
        { payload: {}, publisher: { validate: () => Promise.reject(broken) } },
        {
          payload: {},
          publisher: {
            validate: () => {
              throw broken;
            },
          },
        },
      ];
      for (const { payload, publisher = {} } of cases) {
        const running: { app?: Leveret } = {};
        const handle = () => running.app?.publisher.publish('paid', '', payload);
        await using started = await start({ publisher, listeners: failing(handle) as never });
        running.app = started.app;
        started.transport.deliver('q', { id: 1 });
        await until('settled', () => started.transport.settled.length === 1);
        expect(started.transport.settled).to.deep.equal(['ack 1']);
        expect(recoveries.shift()).to.equal('exhausted');
        expect(recoveries.shift()).to.be.an.instanceOf(LeveretError);
      }
    });

    it('leaves the user’s container as it was', async () => {
      const container = new Container();
      const Orders = listenerOf('q');
      const { app } = await start({ container, listeners: [Orders] });
      expect([Orders, Publisher, Leveret].map((each) => container.isBound(each))).to.deep.equal([true, true, true]);
      await app.close();
      expect([Orders, Publisher, Leveret].map((each) => container.isBound(each))).to.deep.equal([false, false, false]);
    });
  });

  describe('watching', () => {
    it('tells events from the first connection on, and to subscribers', async () => {
      const later: string[] = [];
      const running = await start({ listeners: [listenerOf('q')] });
      const stop = running.app.on((event) => later.push(event.type));
      running.transport.deliver('q', { id: 1 });
      await until('settled', () => running.transport.settled.length === 1);
      stop();
      await running.app.close();
      expect(running.events[0]?.type).to.equal('connected');
      expect(running.events.slice(-2).map(({ type }) => type)).to.deep.equal(['listener-stopped', 'closed']);
      expect(later).to.deep.equal(['received', 'handled']);
    });

    it('says how it is', async () => {
      const running = await start({ listeners: [listenerOf('q')] });
      expect(running.app.health().status).to.equal('up');
      running.transport.publishBlocked = true;
      expect(running.app.health().status).to.equal('degraded');
      await running.app.close();
      expect(running.app.health().status).to.equal('down');
    });

    it('logs what happens to connections', async () => {
      const lines: string[] = [];
      const write = (level: string) => (_fields: LogFields, text: string) => lines.push(`${level} ${text}`);
      const logger: Logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
      await using running = await start({ logger });
      lines.length = 0;
      const error = new Error('gone');
      const role = 'publish';
      const events: ConnectionEvent[] = [
        { type: 'disconnected', role, error },
        { type: 'connect-failed', role, host: 'h', error, retryInMs: 5 },
        {
          type: 'connect-failed',
          role,
          host: 'h',
          error: new LeveretError('LEV_AUTHENTICATION_REFUSED', 'refused'),
          retryInMs: 5,
        },
        { type: 'secret-not-renewed', role, error, retryInMs: 5 },
        { type: 'connected', role, host: 'h', broker: running.transport.broker, again: true },
        { type: 'blocked', role, reason: 'memory' },
        { type: 'unblocked', role },
        { type: 'declare-failed', role, error, fatal: false },
        { type: 'declare-failed', role, error, fatal: true },
        { type: 'notice', text: 'left out x-queue-mode' },
      ];
      for (const event of events) running.transport.emit(event);
      expect(lines).to.deep.equal([
        'warn connection lost; reconnecting',
        'warn could not connect',
        'error the broker refuses the credentials',
        'error the secret of a connection was not renewed before it expires',
        'info connected again',
        'warn the broker blocks publishing',
        'info publishing is no longer blocked',
        'warn declaration refused',
        'error declaration refused',
        'info left out x-queue-mode',
      ]);
    });
  });

  describe('redacting', () => {
    const url = 'postgres://pay:hunter2@db';
    const failing = (options: object) =>
      listenerOf({ queue: 'q', defaultRequeueRejected: false, ...options }, () => {
        throw new Error(`card 4111 at ${url}`);
      });
    const writing = (lines: string[]): Logger => {
      const write = ({ err, ...fields }: LogFields, text: string) =>
        void lines.push([text, JSON.stringify(fields), err instanceof Error ? err.stack : ''].join(' '));
      return { debug: write, info: write, warn: write, error: write };
    };

    it('takes what the application says, and passwords of URLs, out of logs, parked headers and replies', async () => {
      const lines: string[] = [];
      await using running = await start({
        listeners: [
          failing({ retry: { maxAttempts: 1 }, recoverer: republish('errors', 'e', { includeStackTrace: true }) }),
        ],
        logger: writing(lines),
        redact: (text) => text.replaceAll('4111', '****'),
      });
      const { transport } = running;
      transport.deliver('q', { id: 1 });
      await until('parked', () => transport.settled.length === 1);
      const told = [...lines, JSON.stringify(transport.published[0]?.headers)].join('\n');
      expect(told)
        .to.include('card ****')
        .and.include('pay:***@db')
        .and.not.match(/4111|hunter2/);
    });

    it('takes them out of error replies', async () => {
      await using running = await start({
        listeners: [failing({ returnExceptions: true })],
        redact: (text) => text.replaceAll('4111', '****'),
      });
      const { transport } = running;
      transport.deliver('q', { id: 1 }, { replyTo: 'amq.rabbitmq.reply-to.x', correlationId: 'c' });
      await until('replied', () => transport.published.length === 1);
      const body = String(transport.published[0]?.body);
      expect(body)
        .to.include('card ****')
        .and.include('pay:***@db')
        .and.not.match(/4111|hunter2/);
    });

    it('takes passwords of URLs out when nothing is said, and refuses what is no function', async () => {
      const lines: string[] = [];
      await using running = await start({ listeners: [failing({})], logger: writing(lines) });
      running.transport.deliver('q', { id: 1 });
      await until('rejected', () => running.transport.settled.length === 1);
      expect(lines.join('\n')).to.include('card 4111').and.include('pay:***@db').and.not.include('hunter2');
      const error = await rejection(start({ redact: 'all' as never }));
      expect(String(error)).to.include('redact must be a function');
    });
  });

  describe('looking listeners up', () => {
    it('finds them by id, in the order they were declared in', async () => {
      class Two {
        @Listener('a')
        one(_paid: Paid): void {}
        @Listener({ queue: 'b', id: 'second' })
        two(_paid: Paid): void {}
      }
      await using running = await start({ listeners: [Two] });
      const { listeners } = running.app;
      expect(listeners.ids).to.deep.equal(['Two.one', 'second']);
      expect(listeners.all.map(({ state }) => state)).to.deep.equal(['running', 'running']);
      expect([listeners.has('second'), listeners.has('third')]).to.deep.equal([true, false]);
      expect(() => listeners.get('secnd')).to.throw(
        LeveretError,
        'There is no listener "secnd". Did you mean "second"?',
      );
      await listeners.get('second').stop();
      expect(listeners.inspect().map(({ state }) => state)).to.deep.equal(['running', 'stopped']);
      expect(running.app.health().status).to.equal('up');
    });
  });

  describe('closing', () => {
    it('waits when it is disposed of, too', async () => {
      const handled = gate();
      const { app, transport } = await start({ listeners: [listenerOf('q', () => handled.passed)] });
      transport.deliver('q', { id: 1 });
      let disposed = false;
      const disposing = app[Symbol.asyncDispose]().then(() => {
        disposed = true;
      });
      await until('cancelled', () => transport.steps.includes('cancel q'));
      expect(disposed).to.equal(false);
      handled.open();
      await disposing;
      expect([transport.steps.at(-1), app.state]).to.deep.equal(['close', 'closed']);
    });

    it('waits for what is running, then closes the connections', async () => {
      const handled = gate();
      const { app, transport } = await start({ listeners: [listenerOf('q', () => handled.passed)] });
      transport.deliver('q', { id: 1 });
      const closed = app.close();
      expect(app.state).to.equal('closing');
      await until('cancelled', () => transport.steps.includes('cancel q'));
      expect([transport.settled, transport.steps.includes('close')]).to.deep.equal([[], false]);
      handled.open();
      await closed;
      expect([transport.settled, transport.steps.at(-1), app.state]).to.deep.equal([['ack 1'], 'close', 'closed']);
    });

    it('can be called twice, and joins', async () => {
      const { app, transport } = await start();
      const first = app.close();
      expect(app.close()).to.equal(first);
      await first;
      await app.close();
      expect(transport.steps.filter((step) => step === 'close')).to.have.length(1);
    });

    it('waits no longer when it is called again with timeout: 0', async () => {
      const { app, transport, events } = await start({ listeners: [listenerOf('q', () => new Promise(() => {}))] });
      transport.deliver('q', { id: 1 });
      const closed = app.close();
      await until('cancelled', () => transport.steps.includes('cancel q'));
      void app.close({ timeout: 0 });
      await closed;
      expect(transport.settled).to.deep.equal([]);
      expect(events.at(-1)).to.deep.equal({ type: 'closed', abandoned: 1 });
    });

    it('does not wait for confirms that do not come when it is called again with timeout: 0', async () => {
      const transport = new FakeTransport();
      transport.confirming = false;
      const { app } = await start({ transport, publisher: { retry: false } });
      const lost = rejection(app.publisher.sendToQueue('q', {}));
      await until('published', () => transport.published.length === 1);
      const closed = app.close();
      await until('closing', () => app.state === 'closing');
      void app.close({ timeout: 0 });
      await closed;
      expect(LeveretError.is(await lost)).to.equal(true);
    });

    it('waits no longer also when the second call comes at once', async () => {
      const { app, transport, events } = await start({ listeners: [listenerOf('q', () => new Promise(() => {}))] });
      transport.deliver('q', { id: 1 });
      void app.close();
      await app.close({ timeout: 0 });
      expect(events.at(-1)).to.deep.equal({ type: 'closed', abandoned: 1 });
    });

    it('gives up a handler when the time is up', async () => {
      const { app, transport, events } = await start({ listeners: [listenerOf('q', () => new Promise(() => {}))] });
      transport.deliver('q', { id: 1 });
      await app.close({ timeout: 20 });
      expect(events.at(-1)).to.deep.equal({ type: 'closed', abandoned: 1 });
    });

    it('gives up a listener that is being stopped by hand with more time', async () => {
      const { app, transport, events } = await start({ listeners: [listenerOf('q', () => new Promise(() => {}))] });
      transport.deliver('q', { id: 1 });
      void app.listeners.all[0]?.stop({ timeoutMs: 60_000 });
      await app.close({ timeout: 20 });
      expect(events.at(-1)).to.deep.equal({ type: 'closed', abandoned: 1 });
    });

    it('closes all the same when the logger throws, as it starts and handles', async () => {
      const fail = () => {
        throw new Error('log destination closed');
      };
      const logger: Logger = { debug: fail, info: fail, warn: fail, error: fail };
      const { app, transport } = await start({ logger, listeners: [listenerOf('q')] });
      transport.emit({ type: 'disconnected', role: 'consume', error: undefined });
      transport.deliver('q', { id: 1 });
      await until('acknowledged', () => transport.settled.length === 1);
      await app.close();
      expect([transport.steps.at(-1), app.state]).to.deep.equal(['close', 'closed']);
    });

    it('ends a start that is under way', async () => {
      const transport = new FakeTransport();
      const connected = gate();
      transport.connecting = () => connected.passed;
      const app = new Leveret({ transport, logger: 'silent', listeners: [listenerOf('q')] });
      const started = rejection(app.start());
      await until('connecting', () => transport.steps.includes('connect publish'));
      const closed = app.close();
      connected.open();
      await closed;
      const error = await started;
      expect(LeveretError.is(error) && error.message).to.equal('The application was closed while it was starting.');
      expect(transport.steps).to.not.include('consume q');
    });

    it('by a signal during the start waits for the handler at work, and rejects the start only then', async () => {
      const transport = new FakeTransport();
      transport.consuming = (queue) => (queue === 'slow' ? new Promise(() => {}) : Promise.resolve());
      const work = gate();
      const app = new Leveret({
        transport,
        logger: 'silent',
        shutdownHooks: ['SIGUSR2'],
        listeners: [listenerOf('quick', () => work.passed), listenerOf({ queue: 'slow', id: 'slow' })],
      });
      let ended = false;
      const started = rejection(app.start()).finally(() => {
        ended = true;
      });
      await until('consuming', () => transport.steps.includes('consume slow'));
      await new Promise((resolve) => setImmediate(resolve));
      transport.deliver('quick', { id: 1 });
      process.emit('SIGUSR2', 'SIGUSR2');
      await until('closing', () => app.state === 'closing');
      await until('cancelled', () => transport.steps.includes('cancel quick'));
      expect([ended, transport.settled]).to.deep.equal([false, []]);
      work.open();
      expect(await started)
        .to.include({ code: 'LEV_INVALID_STATE' })
        .with.property('message')
        .that.includes('SIGUSR2');
      expect([transport.settled, app.state]).to.deep.equal([['ack 1'], 'closed']);
      expect(process.listenerCount('SIGUSR2')).to.equal(0);
    });

    it('waits for confirms as long as `closeTimeout` of the publisher says, also when the clock is set back', async () => {
      const transport = new FakeTransport();
      transport.confirming = false;
      const clock = new FakeClock();
      const app = new Leveret({ transport, clock, logger: 'silent', publisher: { closeTimeout: '3s' } });
      await app.start();
      const publishing = rejection(app.publisher.publish('orders', 'paid', 'x'));
      await until('published', () => transport.published.length === 1);
      let closed = false;
      void app.close({ timeout: '25s' }).then(() => {
        closed = true;
      });
      await clock.advance(1000);
      clock.setWall(clock.now() - 3_600_000);
      await clock.advance(1999);
      expect(closed).to.equal(false);
      await clock.advance(1);
      expect([closed, await publishing])
        .to.deep.include(true)
        .and.have.nested.property('1.code', 'LEV_PUBLISHER_CLOSED');
    });

    it('acknowledges nothing of a handler that ends after the close', async () => {
      const work = gate();
      const { app, transport } = await start({ listeners: [listenerOf('q', () => work.passed)] });
      transport.deliver('q', { id: 1 });
      await app.close({ timeout: 0 });
      work.open();
      for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
      expect([transport.settled, transport.unsettled]).to.deep.equal([[], [1]]);
    });

    it('acknowledges nothing on a channel whose connection was lost meanwhile', async () => {
      const work = gate();
      await using running = await start({ listeners: [listenerOf('q', () => work.passed)] });
      const { transport, events } = running;
      transport.deliver('q', { id: 1 });
      transport.cut('consume');
      work.open();
      await until('the end', () => events.some(({ type }) => type === 'channel-gone'));
      expect([transport.settled, transport.unsettled]).to.deep.equal([[], [1]]);
      expect(running.app.health().status).to.equal('degraded');
    });

    it('tells each publish how it ended when the connection is lost, and refuses those after the close', async () => {
      const { app, transport, events } = await start({ publisher: { retry: false } });
      transport.confirming = false;
      const lost = rejection(app.publisher.publish('orders', 'paid', 'x'));
      await until('published', () => transport.published.length === 1);
      transport.cut('publish');
      expect(await lost).to.include({ code: 'LEV_PUBLISH_CHANNEL_LOST', fate: 'unknown' });
      expect(await rejection(app.publisher.publish('orders', 'paid', 'y'))).to.include({ fate: 'not-sent' });
      await app.close();
      expect(await rejection(app.publisher.publish('orders', 'paid', 'z'))).to.include({
        code: 'LEV_PUBLISHER_CLOSED',
      });
      expect(transport.published).to.have.length(1);
      expect(events.filter(({ type }) => type === 'publish-failed')).to.have.length(3);
    });

    it('can be called from an event of its own', async () => {
      const app = new Leveret({ transport: new FakeTransport(), logger: 'silent' });
      app.on(() => void app.close());
      await rejection(app.start());
      await app.close();
      expect(app.state).to.equal('closed');
    });

    it('closes at a signal when it is asked to, and at once at a second one', async () => {
      const { app, transport, events } = await start({
        shutdownHooks: ['SIGUSR2'],
        listeners: [listenerOf('q', () => new Promise(() => {}))],
      });
      transport.deliver('q', { id: 1 });
      process.emit('SIGUSR2');
      await until('cancelled', () => transport.steps.includes('cancel q'));
      process.emit('SIGUSR2');
      await app.close();
      expect(events.at(-1)).to.deep.equal({ type: 'closed', abandoned: 1 });
      expect(process.listenerCount('SIGUSR2')).to.equal(0);
    });
  });
});
