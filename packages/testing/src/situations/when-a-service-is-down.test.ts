import { expect } from 'chai';
import { IsInt } from 'class-validator';
import { Listener, type ListenerOptions, Payload, republish } from 'leveret';
import { describe, it } from 'mocha';
import { TestHarness } from '../harness/test-harness.js';

class Order {
  @IsInt() id!: number;
}

/** A service that is down until it is said to be up. */
class Warehouse {
  isDown = true;
  readonly orders: number[] = [];

  take(id: number): void {
    if (this.isDown) throw new Error('the warehouse does not answer');
    this.orders.push(id);
  }
}

async function start(options: Partial<ListenerOptions>, warehouse = new Warehouse()) {
  class Orders {
    @Listener({
      id: 'orders',
      queue: { name: 'orders', type: 'classic' },
      bindings: { exchange: 'shop', routingKey: 'order' },
      retry: { maxAttempts: 3, initialInterval: '1s' },
      recoverer: republish('errors', 'orders', { declare: 'orders.parked' }),
      ...options,
    })
    onOrder(@Payload() order: Order): void {
      warehouse.take(order.id);
    }
  }
  const harness = await TestHarness.start({ listeners: [Orders], expectFailures: /does not answer/ });
  const publish = async (count: number) => {
    await Promise.all(Array.from({ length: count }, (_, id) => harness.publish('shop', 'order', { id })));
  };
  const state = () => harness.app.listeners.get('orders').state;
  return { harness, warehouse, publish, state };
}

describe('when a service is down', () => {
  it('costs nothing but time with a kill switch', async () => {
    const { harness, warehouse, publish, state } = await start({ killSwitch: { activeAt: 6 } });
    await using _ = harness;
    await publish(100);
    await harness.advance('15s');
    expect(state()).to.equal('paused');
    await harness.settled();
    await harness.advance('10m');
    expect(state()).to.equal('paused');
    const probed = harness.listener('orders').calls.length;
    expect(probed).to.be.within(26, 28);
    warehouse.isDown = false;
    await harness.advance('31s');
    expect(state()).to.equal('running');
    expect(harness.app.health().status).to.equal('up');
    await harness.settled();
    expect(new Set(warehouse.orders).size).to.equal(warehouse.orders.length);
    const parked = harness.listener('orders').outcomes.filter((outcome) => outcome === 'recovered').length;
    expect(warehouse.orders.length + parked).to.equal(100);
    expect(parked).to.be.at.most(2);
  });

  it('is waited for by a person, who pauses for a time', async () => {
    const { harness, warehouse, publish, state } = await start({});
    await using _ = harness;
    warehouse.isDown = false;
    await harness.app.listeners.get('orders').pause({ for: '2h', reason: 'stocktaking' });
    await publish(10);
    await harness.settled();
    expect(warehouse.orders).to.deep.equal([]);
    await harness.advance('1h');
    expect(state()).to.equal('paused');
    await harness.advance('1h');
    await harness.settled();
    expect(warehouse.orders).to.have.length(10);
  });

  it('is not asked for more than it bears', async () => {
    const { harness, warehouse, publish } = await start({ maxRate: { messages: 2, per: '1s' } });
    await using _ = harness;
    warehouse.isDown = false;
    await publish(10);
    await harness.settled();
    expect(warehouse.orders).to.have.length(2);
    await harness.advance('3s');
    expect(warehouse.orders).to.have.length(8);
    await harness.settled({ includeRetries: true });
    expect(warehouse.orders).to.have.length(10);
  });
});
