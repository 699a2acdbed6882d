import { Broker } from '@leveret/broker';
import { expect } from 'chai';
import { Container, inject, injectable } from 'inversify';
import { Handler, Leveret, type LeveretEvent, Listener, Payload, PublishTo } from 'leveret';
import { describe, it } from 'mocha';
import { HarnessError, TestHarness } from '../index.js';
import { eventually } from '../test-support/eventually.js';
import { Order, OrderService, orderSample } from '../test-support/orders.js';
import { rejectionOf } from '../test-support/rejection-of.js';

const broker = 'embedded';

describe('when a harness is started', () => {
  it('takes the options of the application, and connects it to its own broker', async () => {
    const { queue, Orders, overrides } = orderSample();
    const events: LeveretEvent['type'][] = [];
    const seen: string[] = [];
    await using harness = await TestHarness.start({
      broker,
      connection: {
        urls: 'amqp://production.example',
        username: 'app',
        password: 'secret',
        vhost: 'shop',
        name: 'shop',
      },
      listeners: [Orders],
      overrides: overrides(async () => ''),
      interceptors: [
        async (context, next) => {
          seen.push(context.listenerId);
          return next();
        },
      ],
      onEvent: ({ type }) => events.push(type),
    });
    await harness.publish('', queue, { id: 1 });
    await harness.settled();
    expect(harness.broker.connections.map(({ clientProperties }) => clientProperties['connection_name'])).to.deep.equal(
      ['shop', 'shop.publisher'],
    );
    expect(events).to.include.members(['connected', 'started', 'received', 'handled']);
    expect(seen).to.have.lengthOf(1);
  });

  it('replaces classes and tokens in a container of the user', async () => {
    const TENANT = Symbol('tenant');
    @injectable()
    class Orders {
      constructor(
        @inject(OrderService) readonly service: OrderService,
        @inject(TENANT) readonly tenant: string,
      ) {}

      @Listener('orders')
      onOrder(@Payload() { id }: Order): Promise<string> {
        return this.service.paid(id, this.tenant);
      }
    }
    const container = new Container();
    container.bind(OrderService).toSelf().inSingletonScope();
    container.bind(TENANT).toConstantValue('production');
    await using harness = await TestHarness.start({
      broker,
      container,
      listeners: [Orders],
      overrides: new Map<typeof OrderService | symbol, unknown>([
        [OrderService, { paid: async (id: number, tenant: string) => `${id} of ${tenant}` }],
        [TENANT, 'test'],
      ]),
    });
    await harness.publish('', 'orders', { id: 1 });
    await harness.settled();
    expect(harness.listener(Orders, 'onOrder').calls.map(({ result }) => result)).to.deep.equal(['1 of test']);
  });

  it('sees the calls of listeners that are made anew for each attempt', async () => {
    for (const scope of ['Transient', 'Request'] as const) {
      @injectable(scope)
      class Orders {
        readonly #made = Math.random();

        @Listener('orders')
        onOrder(@Payload() _order: Order): number {
          return this.#made;
        }
      }
      await using harness = await TestHarness.start({ broker, listeners: [Orders] });
      for (const id of [1, 2]) await harness.publish('', 'orders', { id });
      await harness.settled();
      const results = harness.listener(Orders, 'onOrder').calls.map(({ result }) => result);
      expect(new Set(results).size, scope).to.equal(2);
    }
  });

  it('leaves an instance of the user as it was', async () => {
    class Orders {
      @Listener('orders')
      onOrder(@Payload() { id }: Order): number {
        return id;
      }
    }
    const orders = new Orders();
    for (const id of [1, 2]) {
      const container = new Container();
      container.bind(Orders).toConstantValue(orders);
      await using harness = await TestHarness.start({ broker, container, listeners: [Orders] });
      await harness.publish('', 'orders', { id });
      await harness.settled();
      expect(harness.listener(Orders, 'onOrder').calls.map(({ result }) => result)).to.deep.equal([id]);
    }
    expect(Object.keys(Object.getOwnPropertyDescriptors(orders))).to.deep.equal([]);
  });

  it('publishes instances that say themselves where they go', async () => {
    @PublishTo('', 'orders')
    class Paid {
      constructor(readonly id: number) {}
    }
    await using harness = await TestHarness.start({ broker, topology: { queues: ['orders'] } });
    await harness.publish(new Paid(7), { messageId: 'paid-7' });
    const [message] = await harness.queue('orders').messages;
    expect(message).to.include({ messageId: 'paid-7', text: '{"id":7}' });
  });

  it('brings an instance to the handler of its class, by the type that the class gives', async () => {
    @PublishTo('', 'orders', { type: 'order.paid' })
    class Paid {
      constructor(readonly id: number) {}
    }
    @PublishTo('', 'orders', { type: 'order.refunded' })
    class Refunded {
      constructor(readonly id: number) {}
    }
    const seen: string[] = [];
    @Listener({ queue: 'orders', validation: false })
    class Orders {
      @Handler(Paid)
      onPaid(paid: Paid): void {
        seen.push(`paid ${paid.id} ${paid instanceof Paid}`);
      }
      @Handler(Refunded)
      onRefunded(refunded: Refunded): void {
        seen.push(`refunded ${refunded.id} ${refunded instanceof Refunded}`);
      }
    }
    await using harness = await TestHarness.start({ broker, listeners: [Orders] });
    await harness.publish(new Paid(1));
    await harness.publish(new Refunded(2));
    await harness.settled();
    expect(seen).to.deep.equal(['paid 1 true', 'refunded 2 true']);
  });

  it('does not disturb other harnesses with the same classes and queues', async () => {
    const { queue, Orders, overrides } = orderSample();
    const harnesses = await Promise.all(
      [1, 2, 3].map((n) =>
        TestHarness.start({ broker, listeners: [Orders], overrides: overrides(async (id) => `${n}:${id}`) }),
      ),
    );
    await Promise.all(
      harnesses.map(async (harness, index) => {
        for (let id = 0; id <= index; id++) await harness.publish('', queue, { id });
        await harness.advance('1h');
        await harness.settled();
      }),
    );
    const results = harnesses.map((harness) => harness.listener(Orders, 'onOrder').calls.map(({ result }) => result));
    expect(results).to.deep.equal([['1:0'], ['2:0', '2:1'], ['3:0', '3:1', '3:2']]);
    await Promise.all(harnesses.map((harness) => harness.close()));
  });

  it('refuses a container that another harness uses', async () => {
    const container = new Container();
    await using first = await TestHarness.start({ broker, container });
    const second = await TestHarness.start({ broker, container }).catch((error: unknown) => error);
    if (second instanceof TestHarness) await second.close();
    expect(second).to.be.instanceOf(HarnessError);
    await first.close();
    await using _third = await TestHarness.start({ broker, container });
  });

  it('sets policies by the management API of its broker', async () => {
    await using harness = await TestHarness.start({
      broker,
      topology: {
        queues: ['orders'],
        policies: [{ name: 'short', pattern: '^orders$', definition: { 'message-ttl': 1000 } }],
      },
    });
    await harness.publish('', 'orders', { id: 1 });
    await harness.advance('1s');
    expect(await harness.queue('orders').messages).to.deep.equal([]);
  });

  it('behaves as the version of RabbitMQ that is asked for', async () => {
    await using harness = await TestHarness.start({ broker: { version: '3.10' } });
    expect(harness.broker.queues()).to.deep.equal([]);
  });

  it('rejects with every fault, and leaves nothing behind', async () => {
    class Nothing {}
    // Other suites of the process have brokers of their own.
    const servers = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
    const before = servers();
    const faulty = await rejectionOf(TestHarness.start({ broker, listeners: [Nothing], prefetch: 3 } as object));
    expect((faulty as Error).message)
      .to.match(/Nothing: has no @Listener/)
      .and.contain('"prefetch"');
    const own = await rejectionOf(
      TestHarness.start({ broker: 'http://x', overrides: [1], timeout: 'soon', clock: {}, expectFailures: 3 } as never),
    );
    expect((own as Error).message).to.match(/^5 faults/);
    await eventually('no server listens that did not before', () => servers() <= before);
  });

  it('tells what it was asked for and does not know', async () => {
    const { Orders, overrides } = orderSample();
    class Other {}
    await using harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      overrides: overrides(async () => ''),
    });
    expect(() => harness.listener(Other)).to.throw(HarnessError, /\(Orders\), received Other/);
    expect(() => harness.listener(Orders, 'onOrders' as 'onOrder')).to.throw(
      HarnessError,
      /method of Orders.*onOrders/,
    );
    expect(() => harness.listener('nobody')).to.throw(/no listener "nobody"/);
  });
});

describe('when a harness is started on a broker with a management API', () => {
  it('has a virtual host of its own, and removes it', async () => {
    await using shared = await Broker.start({ managementPort: 0 });
    const { queue, Orders, overrides } = orderSample();
    const start = () =>
      TestHarness.start({
        broker: shared.url as `amqp://${string}`,
        management: { url: shared.managementUrl as string },
        listeners: [Orders],
        overrides: overrides(async (id) => `paid ${id}`),
      });
    const [one, two] = await Promise.all([start(), start()]);
    expect(new Set(shared.connections.map(({ vhost }) => vhost)).size).to.equal(2);
    await one.publish('', queue, { id: 1 });
    await Promise.all([one.settled(), two.settled()]);
    expect(one.listener(Orders, 'onOrder').calls).to.have.lengthOf(1);
    expect(two.listener(Orders, 'onOrder').calls).to.have.lengthOf(0);
    const vhosts = shared.connections.map(({ vhost }) => vhost);
    await Promise.all([one.close(), two.close()]);
    expect(vhosts.map((vhost) => shared.queues(vhost))).to.deep.equal([[], [], [], []]);
    const api = new URL(`${shared.managementUrl}/api/vhosts`);
    const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
    const response = await fetch(api.href.replace('guest:guest@', ''), { headers: { authorization } });
    expect(((await response.json()) as { name: string }[]).map(({ name }) => name)).to.deep.equal(['/']);
  });

  it('says why there is none', async () => {
    await using shared = await Broker.start();
    const start = TestHarness.start({
      broker: shared.url as `amqp://${string}`,
      management: { url: 'http://127.0.0.1:1' },
    });
    expect(await rejectionOf(start)).to.be.instanceOf(HarnessError);
  });
});

describe('when an application of its own is in the process', () => {
  it('is not seen by the harness', async () => {
    await using harness = await TestHarness.start({ broker });
    await using other = await Leveret.start({ connection: { urls: harness.url }, logger: 'silent' });
    await other.publisher.publish('amq.fanout', '', { id: 1 }, { mandatory: false });
    await harness.settled();
  });
});
