// Before tsyringe, which looks for it when it is loaded.
import 'reflect-metadata';
import { TestHarness } from '@leveret/testing';
import { asClass, createContainer } from 'awilix';
import { expect } from 'chai';
import { IsInt } from 'class-validator';
import { DELIVERY_CONTEXT, type DeliveryContext, Listener, Payload } from 'leveret';
import type { ContainerPort } from 'leveret/adapters';
import { describe, it } from 'mocha';
import { container as globalContainer, inject, injectable, Lifecycle, scoped } from 'tsyringe';
import { createInjector } from 'typed-inject';
import { awilixPort } from './awilix-port.js';
import { tsyringePort } from './tsyringe-port.js';
import { typedInjectPort } from './typed-inject-port.js';

class Paid {
  @IsInt() orderId!: number;
}

/** Made once, in every container. */
class Orders {
  readonly paid: unknown[] = [];
}

let disposed = 0;

/** Made for each attempt: it knows the delivery, and has something to let go of. */
class Tenant {
  readonly name: string;

  constructor({ message }: DeliveryContext) {
    this.name = String(message.headers['x-tenant']);
  }

  dispose(): void {
    disposed++;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what its constructor takes is between the class and its container
type AnyClass = new (...given: any[]) => object;

/** Publishes for two tenants. Answers what the orders have then, and how many scopes were disposed when all is closed. */
async function handledBy(container: ContainerPort, listener: AnyClass, orders: Orders) {
  disposed = 0;
  const harness = await TestHarness.start({ listeners: [listener], container, broker: 'embedded' });
  try {
    for (const tenant of ['north', 'south']) {
      await harness.publish('', 'pay', { orderId: 1 }, { headers: { 'x-tenant': tenant } });
    }
    await harness.settled();
    expect(harness.listener(listener).outcomes).to.deep.equal(['handled', 'handled']);
  } finally {
    await harness.close();
  }
  return { paid: orders.paid, disposed };
}

const EXPECTED = [
  ['north', 1],
  ['south', 1],
];

describe('listeners that other containers make', () => {
  it('awilix', async () => {
    class PayListener {
      readonly #orders: Orders;
      readonly #tenant: Tenant;
      constructor({ orders, tenant }: { readonly orders: Orders; readonly tenant: Tenant }) {
        this.#orders = orders;
        this.#tenant = tenant;
      }
      @Listener('pay')
      onPaid(@Payload(Paid) event: Paid): void {
        this.#orders.paid.push([this.#tenant.name, event.orderId]);
      }
    }
    const container = createContainer();
    container.register({
      orders: asClass(Orders).singleton(),
      tenant: asClass(TenantOfAwilix)
        .scoped()
        .disposer((tenant) => tenant.dispose()),
      payListener: asClass(PayListener).scoped(),
    });
    const result = await handledBy(awilixPort(container), PayListener, container.resolve<Orders>('orders'));
    // One more than messages: the start makes everything once, to see that it can.
    expect(result).to.deep.equal({ paid: EXPECTED, disposed: 3 });
  });

  it('tsyringe', async () => {
    @scoped(Lifecycle.ContainerScoped)
    class TenantOfTsyringe extends Tenant {
      constructor(@inject(DELIVERY_CONTEXT) delivery: DeliveryContext) {
        super(delivery);
      }
    }
    @injectable()
    class PayListener {
      readonly #orders: Orders;
      readonly #tenant: Tenant;
      constructor(@inject('orders') orders: Orders, @inject(TenantOfTsyringe) tenant: TenantOfTsyringe) {
        this.#orders = orders;
        this.#tenant = tenant;
      }
      @Listener('pay')
      onPaid(@Payload(Paid) event: Paid): void {
        this.#orders.paid.push([this.#tenant.name, event.orderId]);
      }
    }
    const container = globalContainer.createChildContainer();
    const orders = new Orders();
    container.registerInstance('orders', orders);
    const result = await handledBy(tsyringePort(container), PayListener, orders);
    expect(result).to.deep.equal({ paid: EXPECTED, disposed: 3 });
  });

  it('typed-inject', async () => {
    class TenantOfTypedInject extends Tenant {
      static readonly inject = ['delivery'] as const;
    }
    class PayListener {
      static readonly inject = ['orders', 'tenant'] as const;
      readonly #orders: Orders;
      readonly #tenant: Tenant;
      constructor(orders: Orders, tenant: Tenant) {
        this.#orders = orders;
        this.#tenant = tenant;
      }
      @Listener('pay')
      onPaid(@Payload(Paid) event: Paid): void {
        this.#orders.paid.push([this.#tenant.name, event.orderId]);
      }
    }
    const injector = createInjector().provideClass('orders', Orders);
    const port = typedInjectPort(injector, (scope) => scope.provideClass('tenant', TenantOfTypedInject));
    const result = await handledBy(port, PayListener, injector.resolve('orders'));
    expect(result).to.deep.equal({ paid: EXPECTED, disposed: 3 });
  });
});

/** awilix hands in all that it knows, by name. */
class TenantOfAwilix extends Tenant {
  constructor({ delivery }: { readonly delivery: DeliveryContext }) {
    super(delivery);
  }
}
