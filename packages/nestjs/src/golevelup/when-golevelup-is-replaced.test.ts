import type { TestHarness } from '@leveret/testing';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  Module,
  type ModuleMetadata,
  type NestInterceptor,
  ParseIntPipe,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  ValidationPipe,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { expect } from 'chai';
import { getMetadataStorage, IsInt } from 'class-validator';
import { describe, it } from 'mocha';
import { map, type Observable } from 'rxjs';
import {
  AmqpConnection,
  type ConsumeMessage,
  defaultNackErrorHandler,
  isRabbitContext,
  MessageHandlerErrorBehavior,
  Nack,
  RabbitHeader,
  type RabbitMQConfig,
  RabbitMQModule,
  RabbitPayload,
  RabbitRequest,
  RabbitRPC,
  RabbitSubscribe,
  RpcTimeoutError,
} from '../golevelup.js';
import { LeveretTesting, LeveretTestingModule } from '../testing.js';
import { matchesRoutingKey } from './routing-key.js';

// Makes the global that it keeps its rules in, which is no leak of a test.
getMetadataStorage();

class Order {
  @IsInt() id!: number;
}

interface Running extends AsyncDisposable {
  readonly harness: TestHarness;
  readonly amqp: AmqpConnection;
  get<T>(token: unknown): T;
}

const exchanges = [{ name: 'shop', type: 'topic' }] as const;

async function run(
  providers: ModuleMetadata['providers'],
  config: Partial<RabbitMQConfig> = {},
  imports: ModuleMetadata['imports'] = [],
): Promise<Running> {
  @Module({
    imports: [
      RabbitMQModule.forRoot({ uri: 'amqp://localhost', exchanges, ...config }),
      LeveretTestingModule.forRoot({ expectFailures: true }),
      ...imports,
    ],
    providers: providers ?? [],
  })
  class AppModule {}
  const moduleRef = await Test.createTestingModule({ imports: [AppModule] }).compile();
  try {
    await moduleRef.init();
  } catch (error) {
    await moduleRef.close();
    throw error;
  }
  return {
    harness: moduleRef.get(LeveretTesting).harness(),
    amqp: moduleRef.get(AmqpConnection),
    get: (token) => moduleRef.get(token as never),
    [Symbol.asyncDispose]: () => moduleRef.close(),
  };
}

describe('when golevelup is replaced', () => {
  it('calls subscribers with payload, message and headers', async () => {
    const got: unknown[] = [];
    @Injectable()
    class Orders {
      @RabbitSubscribe({ exchange: 'shop', routingKey: ['order.placed', 'order.paid'], queue: 'orders' })
      on(order: object, message: ConsumeMessage, headers: object): string {
        got.push([order, message.fields.routingKey, message.content.toString(), headers]);
        return 'is not a reply';
      }
    }
    await using app = await run([Orders]);
    expect(await app.amqp.publish('shop', 'order.placed', { id: 7 }, { headers: { tenant: 'acme' } })).to.equal(true);
    expect(await app.amqp.publish('shop', 'nobody.cares', { id: 7 })).to.equal(true);
    await app.harness.settled();
    expect(got).to.deep.equal([[{ id: 7 }, 'order.placed', '{"id":7}', { tenant: 'acme' }]]);
    expect(app.harness.listener('Orders.on').outcomes).to.deep.equal(['handled']);
  });

  it('runs pipes, guards, interceptors and filters, in the context "rmq"', async () => {
    const got: unknown[] = [];
    class Guard implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        const rpc = context.switchToRpc();
        got.push(['guard', context.getType<string>(), isRabbitContext(context), rpc.getData()]);
        return (rpc.getContext<ConsumeMessage>().properties.headers['tenant'] as string) === 'acme';
      }
    }
    class Around implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
        return next.handle().pipe(map((value) => ({ wrapped: value })));
      }
    }
    @Catch(TypeError)
    class Sorry implements ExceptionFilter {
      catch(_error: TypeError, host: ArgumentsHost): unknown {
        return { sorry: host.getType<string>() };
      }
    }
    @Injectable()
    @UseGuards(Guard)
    class Orders {
      @RabbitRPC({ exchange: 'shop', routingKey: 'price', queue: 'prices' })
      @UseInterceptors(Around)
      @UseFilters(Sorry)
      price(
        @RabbitPayload(new ValidationPipe({ transform: true })) order: Order,
        @RabbitHeader('count', ParseIntPipe) count: number,
        @RabbitRequest() message: ConsumeMessage,
        @RabbitPayload('id') id: number,
      ): object {
        got.push([order instanceof Order, count, message.fields.exchange, id]);
        if (id === 13) throw new TypeError('no');
        return { price: order.id * count };
      }
    }
    await using app = await run([Orders]);
    const ask = (id: unknown, headers: object = { tenant: 'acme', count: '2' }) =>
      app.amqp.request({ exchange: 'shop', routingKey: 'price', payload: { id }, headers: headers as never });
    expect(await ask(21)).to.deep.equal({ wrapped: { price: 42 } });
    expect(await ask(13)).to.deep.equal({ sorry: 'rmq' });
    expect(got.slice(0, 2)).to.deep.equal([
      ['guard', 'rmq', true, { id: 21 }],
      [true, 2, 'shop', 21],
    ]);
    await app.amqp.publish('shop', 'price', { id: 'x' }, { headers: { tenant: 'acme', count: '2' } });
    await app.amqp.publish('shop', 'price', { id: 1 }, { headers: { tenant: 'beta' } });
    await app.harness.settled();
    expect(app.harness.listener('Orders.price').outcomes).to.deep.equal(['handled', 'handled', 'dropped', 'dropped']);
  });

  it('settles as Nack and error handlers say', async () => {
    const seen: string[] = [];
    @Injectable()
    class Orders {
      @RabbitSubscribe({ queue: 'nack' }) nack(): Nack {
        return new Nack();
      }
      @RabbitSubscribe({ queue: 'again' }) again(_event: object, { fields }: ConsumeMessage): Nack | undefined {
        return fields.redelivered ? undefined : new Nack(true);
      }
      @RabbitSubscribe({ queue: 'acked', errorBehavior: MessageHandlerErrorBehavior.ACK }) acked(): void {
        throw new Error('no');
      }
      @RabbitSubscribe({ queue: 'nacked', errorHandler: defaultNackErrorHandler }) nacked(): void {
        throw new Error('no');
      }
      @RabbitSubscribe({
        queue: 'parked',
        errorHandler: (channel, message, error) => {
          seen.push((error as Error).message);
          channel.publish('', 'parking', message.content, { headers: { why: String(error) } });
          channel.ack(message);
        },
      })
      parked(): void {
        throw new Error('park me');
      }
      @RabbitSubscribe({
        queue: 'lost',
        errorHandler: (channel, message) => {
          channel.publish('missing', 'x', message.content);
          channel.ack(message);
        },
      })
      lost(_event: object, { fields }: ConsumeMessage): void {
        if (!fields.redelivered) throw new Error('no');
      }
      @RabbitSubscribe({ queue: 'default' }) plain(_event: object, { fields }: ConsumeMessage): void {
        if (!fields.redelivered) throw new Error('is requeued');
      }
    }
    await using app = await run([Orders], { queues: [{ name: 'parking' }] });
    const queues = ['nack', 'again', 'acked', 'nacked', 'parked', 'default'];
    for (const queue of queues) await app.amqp.publish('', queue, {});
    // Last: where its copy goes there is no exchange, which costs the channel, and others would be published again.
    await app.harness.settled();
    await app.amqp.publish('', 'lost', {});
    await app.harness.settled();
    const outcomes = Object.fromEntries(
      app.harness.app.listeners.all.map(({ id }) => [id.slice('Orders.'.length), app.harness.listener(id).outcomes]),
    );
    expect(outcomes).to.deep.equal({
      nack: ['dropped'],
      again: ['requeued', 'handled'],
      acked: ['acknowledged'],
      nacked: ['dropped'],
      parked: ['acknowledged'],
      lost: ['requeued', 'handled'],
      plain: ['requeued', 'handled'],
    });
    expect(seen).to.deep.equal(['park me']);
    expect(await app.harness.queue('parking').messages).to.have.lengthOf(1);
  });

  it('answers requests, by routing key where they share a queue', async () => {
    @Injectable()
    class Orders {
      @RabbitRPC({ exchange: 'shop', routingKey: 'rpc.one', queue: 'rpc' }) one(): string {
        return 'one';
      }
      @RabbitRPC({ exchange: 'shop', routingKey: 'rpc.two.#', queue: 'rpc' }) others(): undefined {
        return undefined;
      }
      @RabbitRPC({ exchange: 'shop', routingKey: 'own' }) own(): Buffer {
        return Buffer.from('{"own":true}');
      }
    }
    await using app = await run([Orders]);
    const ask = (routingKey: string, timeout?: number) =>
      app.amqp.request({ exchange: 'shop', routingKey, ...(timeout !== undefined && { timeout }) });
    expect(await ask('rpc.one')).to.equal('one');
    expect(await ask('rpc.two.three')).to.equal(undefined);
    expect(await ask('own')).to.deep.equal({ own: true });
    await app.amqp.publish('', 'rpc', {});
    await app.harness.settled();
    expect(app.harness.listener('Orders.one').outcomes.at(-1)).to.equal('dropped');
    await app.harness.app.listeners.get('Orders.one').stop();
    const late = ask('rpc.one', 500).catch((error: unknown) => error);
    await app.harness.advance('1s');
    expect(await late)
      .to.be.instanceOf(RpcTimeoutError)
      .and.include({ timeout: 500, routingKey: 'rpc.one' });
  });

  it('makes request-scoped providers for each message', async () => {
    let made = 0;
    @Injectable({ scope: Scope.REQUEST })
    class Orders {
      readonly number = ++made;
      @RabbitSubscribe({ queue: 'orders' }) on(): void {}
    }
    await using app = await run([Orders]);
    for (let count = 0; count < 3; count++) await app.amqp.publish('', 'orders', {});
    await app.harness.settled();
    expect(made).to.equal(3);
  });

  it('takes options of the module: handlers by name, channels, deserializers, topology', async () => {
    const got: unknown[] = [];
    @Injectable()
    class Orders {
      @RabbitSubscribe({ name: 'several' }) several(event: unknown, { fields }: ConsumeMessage): void {
        got.push([fields.exchange, event]);
      }
      @RabbitSubscribe({ name: 'unknown', queue: 'never' }) never(): void {}
      @RabbitSubscribe({ queue: 'text', allowNonJsonMessages: true, queueOptions: { channel: 'slow' } }) text(
        event: unknown,
      ): void {
        got.push(event);
      }
      @RabbitSubscribe({ queue: 'csv', deserializer: (body) => body.toString().split(';') }) csv(event: unknown): void {
        got.push(event);
      }
      @RabbitSubscribe({ queue: 'elsewhere', connection: 'audit' }) elsewhere(): void {}
    }
    await using app = await run([Orders], {
      exchanges: [...exchanges, { name: 'news', type: 'fanout' }, { name: 'in' }],
      exchangeBindings: [{ source: 'in', destination: 'shop', pattern: '#' }],
      queues: [{ name: 'kept', exchange: 'shop', routingKey: ['a', 'b'], options: { messageTtl: 1000 } }],
      channels: { slow: { prefetchCount: 2 } },
      handlers: {
        several: [
          { queue: 'one', exchange: 'shop', routingKey: 'a' },
          { queue: 'two', exchange: 'news', routingKey: '' },
        ],
      },
    });
    expect(app.amqp.consumerTags).to.deep.equal(['Orders.several', 'Orders.several#2', 'Orders.text', 'Orders.csv']);
    await app.amqp.publish('in', 'a', 1);
    await app.amqp.publish('news', '', 2);
    await app.amqp.publish('', 'text', Buffer.from('no json'));
    await app.amqp.publish('', 'csv', Buffer.from('a;b'));
    await app.harness.settled();
    expect(got).to.have.deep.members([['in', 1], ['news', 2], 'no json', ['a', 'b']]);
    expect(await app.harness.queue('kept').messages).to.have.lengthOf(1);
    await app.amqp.cancelConsumer('Orders.csv');
    expect(app.harness.app.listeners.get('Orders.csv').inspect().paused).to.not.equal(undefined);
    expect(await app.amqp.resumeConsumer('Orders.csv')).to.equal('Orders.csv');
    expect(await app.amqp.resumeConsumer('none')).to.equal(null);
    expect(app.amqp.connected).to.equal(true);
    expect(() => app.amqp.channel).to.throw('AmqpConnection.channel is not there');
  });

  it('refuses what it has nothing for, all at once', async () => {
    @Injectable()
    class Orders {
      @RabbitSubscribe({ queue: 'batch', batchOptions: { size: 10 } }) batch(): void {}
      @RabbitSubscribe({ queue: 'forced', assertQueueErrorHandler: () => undefined }) forced(): void {}
    }
    const error = await run([Orders]).then(
      () => undefined,
      (failed: Error) => failed,
    );
    expect(error?.message)
      .to.contain('Orders.batch')
      .and.contain('batchOptions')
      .and.contain('assertQueueErrorHandler');
  });

  it('keeps connections apart, and applications of one module', async () => {
    const got: string[] = [];
    @Injectable()
    class Orders {
      @RabbitSubscribe({ queue: 'here' }) here(): void {
        got.push('here');
      }
      @RabbitSubscribe({ queue: 'there', connection: 'audit' }) there(): void {
        got.push('there');
      }
    }
    const audit = RabbitMQModule.forRootAsync({ name: 'audit', useFactory: () => ({ uri: { hostname: 'audit' } }) });
    await using app = await run([Orders], {}, [audit]);
    const other = app.get<LeveretTesting>(LeveretTesting).harness('audit');
    await other.publish('', 'there', {});
    await other.settled();
    await app.amqp.publish('', 'here', {});
    await app.harness.settled();
    expect(got).to.deep.equal(['there', 'here']);
    expect(other.app.listeners.all.map(({ id }) => id)).to.deep.equal(['Orders.there']);
  });

  it('matches routing keys as a topic exchange does', () => {
    const cases: [string, string, boolean][] = [
      ['a.b', 'a.b', true],
      ['a.b', 'a.*', true],
      ['a.b.c', 'a.*', false],
      ['a', 'a.#', true],
      ['a.b.c', '#.c', true],
      ['a.b.c', '#.b', false],
      ['', '#', true],
      ['a.b', '*.*.*', false],
    ];
    for (const [key, pattern, holds] of cases)
      expect(matchesRoutingKey(key, pattern), `${key} ${pattern}`).to.equal(holds);
    expect(matchesRoutingKey('a', ['b', 'a'])).to.equal(true);
    expect(matchesRoutingKey('a', undefined)).to.equal(true);
  });
});
