import type { TestHarness } from '@leveret/testing';
import {
  type ArgumentMetadata,
  type ArgumentsHost,
  BadRequestException,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  ForbiddenException,
  Global,
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
  type NestInterceptor,
  ParseIntPipe,
  type PipeTransform,
  Scope,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  APP_PIPE,
  ContextIdFactory,
  type ContextIdStrategy,
  REQUEST,
  Reflector,
} from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { expect } from 'chai';
import { Transform, Type } from 'class-transformer';
import { getMetadataStorage, IsInt, IsString } from 'class-validator';
import {
  AcknowledgeMessage,
  Context,
  DELIVERY_CONTEXT,
  type DeliveryContext,
  Handler,
  Header,
  Leveret,
  Listener,
  Payload,
  Publisher,
  RequeueMessage,
  RetryAfter,
  Scheduled,
} from 'leveret';
import { describe, it } from 'mocha';
import { map, type Observable, of } from 'rxjs';
import {
  getLeveretToken,
  getPublisherToken,
  InjectPublisher,
  LEVERET_CONTEXT,
  LeveretModule,
  type LeveretModuleOptions,
  Pipes,
  UseConnection,
} from '../index.js';
import { LeveretTesting, LeveretTestingModule } from '../testing.js';

// Makes the global that it keeps its rules in, which is no leak of a test.
getMetadataStorage();

class Order {
  @IsInt() id!: number;
}

@Injectable()
class Journal {
  readonly lines: unknown[] = [];
}

interface Running extends AsyncDisposable {
  readonly harness: TestHarness;
  readonly journal: unknown[];
  get<T>(token: unknown): T;
}

interface Started {
  readonly options?: LeveretModuleOptions;
  readonly metadata?: ModuleMetadata;
  readonly change?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
  readonly expectFailures?: boolean;
}

async function run(providers: ModuleMetadata['providers'], started: Started = {}): Promise<Running> {
  @Global()
  @Module({ providers: [Journal], exports: [Journal] })
  class JournalModule {}
  const { options = {}, metadata = {}, change = (builder) => builder, expectFailures = true } = started;
  const builder = Test.createTestingModule({
    ...metadata,
    imports: [
      JournalModule,
      LeveretModule.forRoot(options),
      LeveretTestingModule.forRoot({ expectFailures }),
      ...(metadata.imports ?? []),
    ],
    providers: providers ?? [],
  });
  const moduleRef = await change(builder).compile();
  await moduleRef.init();
  return {
    harness: moduleRef.get(LeveretTesting).harness(),
    journal: moduleRef.get(Journal).lines,
    get: (token) => moduleRef.get(token as never),
    [Symbol.asyncDispose]: () => moduleRef.close(),
  };
}

describe('when listeners are providers', () => {
  it('hands messages to them, with what Nest injects', async () => {
    @Injectable()
    class Orders {
      constructor(
        readonly journal: Journal,
        readonly publisher: Publisher,
        readonly app: Leveret,
      ) {}
      @Listener('orders')
      on(@Payload(Order) order: Order, @Header('x-tenant', { required: false }) tenant: string | undefined): void {
        this.journal.lines.push([order, tenant, this.publisher === this.app.publisher]);
      }
    }
    await using app = await run([Orders]);
    await app.harness.publish('', 'orders', { id: 7 }, { headers: { 'x-tenant': 'acme' } });
    await app.harness.settled();
    expect(app.journal).to.deep.equal([[{ id: 7 }, 'acme', true]]);
    expect((app.journal[0] as unknown[])[0]).to.be.instanceOf(Order);
    expect(app.harness.listener(Orders, 'on').outcomes).to.deep.equal(['handled']);
    expect(app.harness.listener(Orders, 'on').calls).to.have.lengthOf(1);
  });

  it('finds class listeners, inherited ones, schedules, values and factories, and each once', async () => {
    abstract class Base {
      constructor(@Inject(Journal) readonly journal: Journal) {}
      @Listener('base') on(@Payload(Object) event: object): void {
        this.journal.lines.push(['base', event]);
      }
    }
    @Injectable()
    class Sub extends Base {}
    @Injectable()
    @Listener('typed')
    class Typed {
      constructor(readonly journal: Journal) {}
      @Handler(Order) order(order: Order): void {
        this.journal.lines.push(order);
      }
      @Handler(Object, { isDefault: true }) other(): void {
        this.journal.lines.push('other');
      }
    }
    class Made {
      constructor(readonly journal: Journal) {}
      @Listener('made') on(): void {
        this.journal.lines.push('made');
      }
    }
    @Injectable()
    class Beats {
      constructor(readonly journal: Journal) {}
      @Scheduled({ every: '1m' }) beat(): void {
        this.journal.lines.push('beat');
      }
    }
    await using app = await run([
      Sub,
      { provide: 'ALIAS', useExisting: Sub },
      { provide: 'TYPED', useClass: Typed },
      { provide: 'MADE', inject: [Journal], useFactory: (journal: Journal) => new Made(journal) },
      Beats,
    ]);
    await app.harness.publish('', 'base', {});
    await app.harness.publish('', 'typed', { id: 1 }, { type: 'Order' });
    await app.harness.publish('', 'typed', {});
    await app.harness.publish('', 'made', {});
    await app.harness.settled();
    expect(app.journal).to.have.deep.members([['base', {}], { id: 1 }, 'other', 'made']);
    await app.harness.advance('1m');
    expect(app.journal).to.include('beat');
  });

  it('takes a provider that a test overrides', async () => {
    @Injectable()
    class Prices {
      of(): number {
        throw new Error('asks the internet');
      }
    }
    @Injectable()
    class Orders {
      constructor(
        readonly journal: Journal,
        readonly prices: Prices,
      ) {}
      @Listener('orders') on(): void {
        this.journal.lines.push(this.prices.of());
      }
    }
    const change = (builder: TestingModuleBuilder) => builder.overrideProvider(Prices).useValue({ of: () => 42 });
    await using app = await run([Orders, Prices], { change, expectFailures: false });
    await app.harness.publish('', 'orders', {});
    await app.harness.settled();
    expect(app.journal).to.deep.equal([42]);
  });

  it('leaves controllers alone, unless asked', async () => {
    @Controller()
    class Orders {
      constructor(readonly journal: Journal) {}
      @Listener('orders') on(): void {
        this.journal.lines.push('controller');
      }
      @Listener('guarded')
      @UseGuards(Refusing)
      guarded(): void {}
    }
    await using without = await run([], { metadata: { controllers: [Orders] } });
    expect(without.get<Leveret>(Leveret).listeners.all).to.deep.equal([]);
    await using asked = await run([], { metadata: { controllers: [Orders] }, options: { controllers: true } });
    await asked.harness.publish('', 'orders', {});
    await asked.harness.publish('', 'guarded', {});
    await asked.harness.settled();
    expect(asked.journal).to.deep.equal(['controller']);
    expect(asked.harness.listener(Orders, 'guarded').outcomes).to.deep.equal(['dropped']);
  });

  it('starts when it is asked to, and not before', async () => {
    @Injectable()
    class Orders {
      constructor(readonly journal: Journal) {}
      @Listener('orders') on(): void {
        this.journal.lines.push('order');
      }
    }
    await using app = await run([Orders], { options: { startOnBootstrap: false } });
    expect(app.get<Leveret>(Leveret).state).to.equal('new');
    const { LeveretConnection } = await import('../index.js');
    await app.get<InstanceType<typeof LeveretConnection>>(LeveretConnection).start();
    await app.harness.publish('', 'orders', {});
    await app.harness.settled();
    expect(app.journal).to.deep.equal(['order']);
  });

  it('tells all faults of listeners and options at the start', async () => {
    @Injectable()
    class Orders {
      @Listener({ queue: 'orders', retri: {} } as never) on(): void {}
      @Listener({ queue: '' }) two(): void {}
    }
    const error = await run([Orders], { options: { prefetch: 1 } as never }).then(
      () => undefined,
      (failed: { problems: string[] }) => failed,
    );
    expect(error?.problems.join('\n')).to.contain('retri').and.contain('prefetch').and.contain('must not be empty');
  });

  it('refuses options of the module that are none', () => {
    const faults = [
      { controllers: 'yes' },
      { globalEnhancers: ['guard'] },
      { container: {} },
      { shutdownTimeout: 'x' },
    ];
    return Promise.all(
      faults.map(async (options) => {
        const error = await run([], { options: options as never }).then(
          () => undefined,
          (failed: Error) => failed,
        );
        expect(error?.message, JSON.stringify(options))
          .to.contain('LeveretModule')
          .and.contain(Object.keys(options)[0]);
      }),
    );
  });
});

@Injectable()
class Refusing implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

describe('when Nest runs around handlers', () => {
  it('runs guards, interceptors, pipes and filters of class, method and parameter inside the attempt', async () => {
    @Injectable()
    class Guard implements CanActivate {
      constructor(
        readonly journal: Journal,
        readonly reflector: Reflector,
      ) {}
      canActivate(context: ExecutionContext): boolean {
        const rpc = context.switchToRpc();
        this.journal.lines.push([
          'guard',
          context.getType<string>() === LEVERET_CONTEXT,
          context.getClass() === Orders,
          context.getHandler().name,
          this.reflector.get('role', context.getHandler()),
          rpc.getData(),
          rpc.getContext<DeliveryContext>().listenerId,
        ]);
        return true;
      }
    }
    @Injectable()
    class Around implements NestInterceptor {
      constructor(readonly journal: Journal) {}
      intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
        this.journal.lines.push('before');
        return next.handle().pipe(
          map((value) => {
            this.journal.lines.push('after');
            return value;
          }),
        );
      }
    }
    @Injectable()
    class Upper implements PipeTransform {
      constructor(readonly journal: Journal) {}
      transform(value: unknown, { type, data }: ArgumentMetadata): unknown {
        this.journal.lines.push(['pipe', type, data]);
        return typeof value === 'string' ? value.toUpperCase() : value;
      }
    }
    @Injectable()
    @UseGuards(Guard)
    class Orders {
      constructor(readonly journal: Journal) {}
      @Listener('orders')
      @SetMetadata('role', 'clerk')
      @UseInterceptors(Around)
      on(
        @Payload(Order) order: Order,
        @Header('x-tenant') @Pipes(Upper) tenant: string,
        @Context() context: DeliveryContext,
        @Header('x-count') @Pipes(ParseIntPipe) count: string,
      ): void {
        this.journal.lines.push([order.id, tenant, context.queue, count]);
      }
    }
    await using app = await run([Orders]);
    await app.harness.publish('', 'orders', { id: 7 }, { headers: { 'x-tenant': 'acme', 'x-count': '3' } });
    await app.harness.settled();
    expect(app.journal).to.deep.equal([
      ['guard', true, true, 'on', 'clerk', { id: 7 }, 'Orders.on'],
      'before',
      ['pipe', 'custom', 'x-tenant'],
      [7, 'ACME', 'orders', 3],
      'after',
    ]);
  });

  it('rejects what guards and pipes refuse, without another attempt', async () => {
    class Throwing implements CanActivate {
      canActivate(): boolean {
        throw new ForbiddenException('not yours');
      }
    }
    class Plain implements PipeTransform {
      transform(): never {
        throw new Error('odd');
      }
    }
    class Later implements PipeTransform {
      async transform(): Promise<never> {
        throw new BadRequestException('odd');
      }
    }
    const retry = { maxAttempts: 3, initialInterval: 0 } as const;
    @Injectable()
    class Orders {
      constructor(readonly journal: Journal) {}
      @Listener({ queue: 'refused', retry }) @UseGuards(Refusing) refused(): void {}
      @Listener({ queue: 'thrown', retry }) @UseGuards(Throwing) thrown(): void {}
      @Listener({ queue: 'plain', retry }) @UsePipes(Plain) plain(@Payload(Object) _event: object): void {}
      @Listener({ queue: 'later', retry }) later(@Payload(Object) @Pipes(Later) _event: object): void {}
      @Listener({ queue: 'forbidden', retry }) forbidden(): void {
        this.journal.lines.push('called');
        throw new ForbiddenException();
      }
      @Listener({ queue: 'valid', retry, deadLetter: true })
      @UsePipes(new ValidationPipe())
      valid(@Payload(Order) order: Order): void {
        this.journal.lines.push(order);
      }
    }
    await using app = await run([Orders]);
    for (const queue of ['refused', 'thrown', 'plain', 'later', 'forbidden', 'valid']) {
      await app.harness.publish('', queue, { id: 'seven' });
    }
    await app.harness.settled({ includeRetries: true });
    for (const method of ['refused', 'thrown', 'plain', 'later', 'forbidden', 'valid'] as const) {
      const outcome = method === 'valid' ? 'rejected' : 'dropped';
      expect(app.harness.listener(Orders, method).outcomes, method).to.deep.equal([outcome]);
    }
    expect(app.journal).to.deep.equal(['called']);
    expect(await app.harness.queue('valid.dlq').messages).to.have.lengthOf(1);
  });

  it('tries again where a guard or a pipe had trouble of its own', async () => {
    class Down implements CanActivate {
      canActivate(): boolean {
        throw new Error('no database');
      }
    }
    class Asking implements PipeTransform {
      async transform(): Promise<never> {
        throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
      }
    }
    const retry = { maxAttempts: 2, initialInterval: 0 } as const;
    const deadLetter = true;
    @Injectable()
    class Orders {
      @Listener({ queue: 'guard', retry, deadLetter }) @UseGuards(Down) guard(): void {}
      @Listener({ queue: 'pipe', retry, deadLetter }) @UsePipes(Asking) pipe(@Payload(Object) _event: object): void {}
    }
    await using app = await run([Orders]);
    await app.harness.publish('', 'guard', {});
    await app.harness.publish('', 'pipe', {});
    await app.harness.settled({ includeRetries: true });
    for (const method of ['guard', 'pipe'] as const) {
      const [delivery] = app.harness.listener(Orders, method).deliveries;
      expect(
        delivery?.events.map(({ type }) => type),
        method,
      ).to.include('retried');
      expect(delivery?.outcome, method).to.equal('rejected');
    }
  });

  it('lets a filter answer an outcome or a reply; what none answers stands', async () => {
    class Missing extends Error {}
    @Catch(Missing)
    class Answering implements ExceptionFilter {
      catch(error: Missing, host: ArgumentsHost): unknown {
        expect(host.getType<string>()).to.equal(LEVERET_CONTEXT);
        switch (error.message) {
          case 'ack':
            return new AcknowledgeMessage();
          case 'later':
            return new RetryAfter('1m');
          case 'observable':
            return of({ sorry: true });
          case 'requeue':
            throw new RequeueMessage();
          default:
            return undefined;
        }
      }
    }
    @Catch()
    class Quiet implements ExceptionFilter {
      async catch(): Promise<void> {}
    }
    @Injectable()
    class Orders {
      readonly requeued = new Set<string>();
      constructor(readonly journal: Journal) {}
      @Listener({ queue: 'orders', defaultRequeueRejected: false })
      @UseFilters(Answering)
      on(@Payload() event: string): void {
        this.journal.lines.push(event);
        if (event === 'requeue' && this.journal.lines.filter((each) => each === event).length > 1) return;
        throw new Missing(event);
      }
      @Listener({ queue: 'quiet', defaultRequeueRejected: false })
      @UseFilters(Quiet)
      quiet(): void {
        throw new Error('must not be acknowledged');
      }
    }
    await using app = await run([Orders]);
    for (const what of ['ack', 'requeue', 'other']) await app.harness.publish('', 'orders', what);
    await app.harness.publish('', 'quiet', {});
    await app.harness.settled();
    expect(app.harness.listener(Orders, 'on').outcomes).to.include.members([
      'acknowledged',
      'requeued',
      'handled',
      'dropped',
    ]);
    expect(app.harness.listener(Orders, 'quiet').outcomes).to.deep.equal(['dropped']);
    const reply = await app.harness.app.publisher.request('', 'orders', 'observable');
    expect(reply).to.deep.equal({ sorry: true });
    await app.harness.publish('', 'orders', 'later');
    await app.harness.settled();
    expect(app.journal.filter((each) => each === 'later')).to.have.lengthOf(1);
    await app.harness.advance('61s');
    expect(app.journal.filter((each) => each === 'later')).to.have.lengthOf(2);
  });

  it('tells a requester what was refused', async () => {
    @Injectable()
    class Orders {
      @Listener({ queue: 'orders', returnExceptions: true })
      @UsePipes(new ValidationPipe())
      on(@Payload(Order) order: Order): object {
        return { got: order.id };
      }
    }
    await using app = await run([Orders]);
    const { publisher } = app.harness.app;
    expect(await publisher.request('', 'orders', { id: 7 })).to.deep.equal({ got: 7 });
    const error = await publisher.request('', 'orders', { id: 'x' }).catch((failed: Error) => failed);
    expect(error).to.have.property('code', 'LEV_REMOTE_FAILURE');
    expect((error as Error).message).to.contain('id must be an integer number');
  });

  it('lets ValidationPipe make the payload, once', async () => {
    class Price {
      @Transform(({ value }) => (value as number) * 100) @IsInt() amount!: number;
    }
    class Basket {
      @Type(() => Price) prices!: Price[];
      @IsString() name!: string;
    }
    @Injectable()
    class Orders {
      constructor(readonly journal: Journal) {}
      @Listener('piped')
      @UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
      piped(@Payload(Price) price: Price): void {
        this.journal.lines.push(price);
      }
      @Listener('nested')
      nested(@Payload(Basket) @Pipes(new ValidationPipe({ transform: true })) basket: Basket): void {
        this.journal.lines.push(basket.prices[0]?.amount, basket instanceof Basket);
      }
      @Listener('plain') plain(@Payload(Price) price: Price): void {
        this.journal.lines.push(price);
      }
      @Listener('many')
      @UsePipes(new ValidationPipe({ transform: true }))
      many(@Payload([Price]) prices: Price[]): void {
        this.journal.lines.push(prices[0]?.amount);
      }
    }
    await using app = await run([Orders]);
    for (const [queue, body] of [
      ['piped', { amount: 3, more: 1 }],
      ['nested', { name: 'b', prices: [{ amount: 3 }] }],
      ['plain', { amount: 3 }],
      ['many', [{ amount: 3 }]],
    ] as const) {
      await app.harness.publish('', queue, body as object);
      await app.harness.settled();
    }
    expect(app.journal).to.deep.equal([{ amount: 300 }, 300, true, { amount: 300 }, 300]);
    expect(app.journal[0]).to.be.instanceOf(Price);
  });

  it('runs no global enhancers, unless asked', async () => {
    @Injectable()
    class GlobalGuard implements CanActivate {
      constructor(readonly journal: Journal) {}
      canActivate(): boolean {
        this.journal.lines.push('guard');
        return true;
      }
    }
    @Injectable()
    class GlobalPipe implements PipeTransform {
      constructor(readonly journal: Journal) {}
      transform(value: unknown): unknown {
        this.journal.lines.push('pipe');
        return value;
      }
    }
    @Injectable()
    class GlobalInterceptor implements NestInterceptor {
      constructor(readonly journal: Journal) {}
      intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
        this.journal.lines.push('interceptor');
        return next.handle();
      }
    }
    @Catch()
    class GlobalFilter implements ExceptionFilter {
      constructor(@Inject(Journal) readonly journal: Journal) {}
      catch(): unknown {
        this.journal.lines.push('filter');
        return new AcknowledgeMessage();
      }
    }
    @Injectable()
    class Orders {
      @Listener({ queue: 'orders', defaultRequeueRejected: false }) on(@Payload(Object) _event: object): void {
        throw new Error('no');
      }
    }
    const providers = [
      Orders,
      { provide: APP_GUARD, useClass: GlobalGuard },
      { provide: APP_PIPE, useClass: GlobalPipe },
      { provide: APP_INTERCEPTOR, useClass: GlobalInterceptor },
      { provide: APP_FILTER, useClass: GlobalFilter },
    ];
    const linesWith = async (options: LeveretModuleOptions) => {
      await using app = await run(providers, { options });
      await app.harness.publish('', 'orders', {});
      await app.harness.settled();
      return app.journal;
    };
    expect(await linesWith({})).to.deep.equal([]);
    expect(await linesWith({ globalEnhancers: true })).to.deep.equal(['guard', 'interceptor', 'pipe', 'filter']);
    expect(await linesWith({ globalEnhancers: ['pipes', 'filters'] })).to.deep.equal(['pipe', 'filter']);
  });
});

describe('when providers are scoped', () => {
  it('makes request-scoped ones for each attempt, with its delivery context', async () => {
    let made = 0;
    @Injectable({ scope: Scope.REQUEST })
    class Unit {
      readonly number = ++made;
      constructor(
        @Inject(REQUEST) readonly request: DeliveryContext,
        @Inject(DELIVERY_CONTEXT) readonly context: DeliveryContext,
      ) {}
    }
    @Injectable({ scope: Scope.REQUEST })
    class Guard implements CanActivate {
      constructor(
        readonly unit: Unit,
        readonly journal: Journal,
      ) {}
      canActivate(): boolean {
        this.journal.lines.push(['guard', this.unit.number]);
        return true;
      }
    }
    @Injectable()
    class Orders {
      constructor(
        readonly journal: Journal,
        readonly unit: Unit,
      ) {}
      @Listener({ queue: 'orders', retry: { maxAttempts: 2, initialInterval: 0 } })
      @UseGuards(Guard)
      on(@Payload(Order) _order: Order): void {
        const { number, request, context } = this.unit;
        this.journal.lines.push([number, request.attempt, request === context]);
        if (request.attempt === 1) throw new Error('again');
      }
    }
    await using app = await run([Orders, Unit]);
    expect(made).to.equal(0);
    await app.harness.publish('', 'orders', { id: 1 });
    await app.harness.settled({ includeRetries: true });
    expect(app.journal).to.deep.equal([
      ['guard', 1],
      [1, 1, true],
      ['guard', 2],
      [2, 2, true],
    ]);
    expect(app.harness.listener(Orders, 'on').calls).to.have.lengthOf(2);
  });

  it('makes transient ones for each attempt, and shared ones once', async () => {
    let made = 0;
    @Injectable({ scope: Scope.TRANSIENT })
    class Each {
      readonly number = ++made;
      constructor(readonly journal: Journal) {}
      @Listener('each') on(): void {
        this.journal.lines.push(this.number);
      }
    }
    @Injectable()
    class Shared {
      readonly number = ++made;
      constructor(readonly journal: Journal) {}
      @Listener('shared') on(): void {
        this.journal.lines.push('shared', this.number);
      }
    }
    await using app = await run([Shared, Each]);
    const before = made;
    for (const queue of ['each', 'each', 'shared', 'shared']) {
      await app.harness.publish('', queue, {});
      await app.harness.settled();
    }
    const [one, two, ...rest] = app.journal as number[];
    expect(two).to.equal((one as number) + 1);
    expect(rest).to.deep.equal(['shared', before, 'shared', before]);
  });

  it('shares durable ones among the messages of a tenant', async () => {
    const tenants = new Map<string, { id: number }>();
    class ByTenant implements ContextIdStrategy<DeliveryContext> {
      attach(contextId: { id: number }, request: DeliveryContext) {
        const tenant = String(request.message.headers['x-tenant']);
        const ofTenant = tenants.get(tenant) ?? ContextIdFactory.create();
        tenants.set(tenant, ofTenant);
        return {
          resolve: ({ isTreeDurable }: { isTreeDurable: boolean }) => (isTreeDurable ? ofTenant : contextId),
          payload: { tenant },
        };
      }
    }
    let made = 0;
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Orders {
      readonly number = ++made;
      constructor(
        readonly journal: Journal,
        @Inject(REQUEST) readonly request: { readonly tenant: string },
      ) {}
      @Listener('orders') on(): void {
        this.journal.lines.push([this.number, this.request.tenant]);
      }
    }
    ContextIdFactory.apply(new ByTenant() as never);
    try {
      await using app = await run([Orders]);
      expect([...tenants]).to.deep.equal([]);
      for (const tenant of ['acme', 'beta', 'acme']) {
        await app.harness.publish('', 'orders', {}, { headers: { 'x-tenant': tenant } });
        await app.harness.settled();
      }
      expect(app.journal).to.deep.equal([
        [1, 'acme'],
        [2, 'beta'],
        [1, 'acme'],
      ]);
    } finally {
      ContextIdFactory.apply(undefined as never);
    }
  });
});

describe('when there are several connections', () => {
  it('keeps their listeners, publishers and topologies apart', async () => {
    @Injectable()
    class Orders {
      constructor(
        readonly journal: Journal,
        @InjectPublisher('audit') readonly audit: Publisher,
      ) {}
      @Listener('orders') async on(): Promise<void> {
        this.journal.lines.push('order');
        await this.audit.publish('audit.topic', 'order', {});
      }
    }
    @Injectable()
    @UseConnection('audit')
    class Audit {
      constructor(readonly journal: Journal) {}
      @Listener({ queue: 'audit', bindings: { exchange: 'audit.topic', routingKey: 'order' } }) on(): void {
        this.journal.lines.push('audit');
      }
    }
    const imports = [
      LeveretModule.forRoot({ name: 'audit' }),
      LeveretModule.forFeature({ exchanges: [{ name: 'audit.topic', type: 'topic' }] }, 'audit'),
      LeveretModule.forFeature({ queues: ['extra'] }),
      LeveretModule.forFeature([{ name: 'extra.topic', type: 'topic' }]),
    ];
    await using app = await run([Orders, Audit], { metadata: { imports } });
    await app.harness.publish('', 'orders', {});
    await app.harness.settled();
    const audit = app.get<LeveretTesting>(LeveretTesting).harness('audit');
    await audit.settled();
    expect(app.journal).to.deep.equal(['order', 'audit']);
    expect(audit.app.listeners.all.map(({ id }) => id)).to.deep.equal(['Audit.on']);
    expect(app.harness.app.listeners.all.map(({ id }) => id)).to.deep.equal(['Orders.on']);
    expect(app.harness.broker.queue('extra')).to.not.equal(undefined);
    expect(audit.broker.queue('extra')).to.equal(undefined);
    expect(app.get(getPublisherToken('audit'))).to.equal(audit.app.publisher);
    expect(app.get(getLeveretToken('audit'))).to.equal(audit.app);
  });

  it('lets applications in one process know nothing of each other', async () => {
    @Injectable()
    class Orders {
      constructor(readonly journal: Journal) {}
      @Listener('orders') @UsePipes(ParseIntPipe) on(@Payload() event: string): void {
        this.journal.lines.push(event);
      }
    }
    await using one = await run([Orders]);
    await using two = await run([Orders]);
    await one.harness.publish('', 'orders', '1');
    await one.harness.settled();
    await two.harness.settled();
    expect([one.journal, two.journal]).to.deep.equal([[1], []]);
    await one[Symbol.asyncDispose]();
    await two.harness.publish('', 'orders', '2');
    await two.harness.settled();
    expect(two.journal).to.deep.equal([2]);
  });
});

describe('when options come of providers', () => {
  @Injectable()
  class Config {
    readonly prefix = 'made';
  }
  @Global()
  @Module({ providers: [Config], exports: [Config] })
  class ConfigModule {}
  @Injectable()
  class Options {
    constructor(@Inject(Config) readonly config: Config) {}
    createLeveretOptions() {
      return { topology: { queues: [`${this.config.prefix}.queue`] } };
    }
  }
  @Module({ imports: [ConfigModule], providers: [Options], exports: [Options] })
  class OptionsModule {}
  for (const [how, source] of Object.entries({
    useFactory: {
      imports: [ConfigModule],
      inject: [Config],
      useFactory: (config: Config) => new Options(config).createLeveretOptions(),
    },
    useClass: { imports: [ConfigModule], useClass: Options },
    useExisting: { imports: [OptionsModule], useExisting: Options },
  })) {
    it(`asks ${how}`, async () => {
      const moduleRef = await Test.createTestingModule({
        imports: [LeveretModule.forRootAsync(source), LeveretTestingModule.forRoot()],
      }).compile();
      await moduleRef.init();
      expect(moduleRef.get(LeveretTesting).harness().broker.queue('made.queue')).to.not.equal(undefined);
      await moduleRef.close();
    });
  }

  it('refuses none and two', () => {
    expect(() => LeveretModule.forRootAsync({})).to.throw('one of useFactory, useClass and useExisting; got 0');
    expect(() => LeveretModule.forRootAsync({ useClass: Options, useExisting: Options })).to.throw('got 2');
  });
});
