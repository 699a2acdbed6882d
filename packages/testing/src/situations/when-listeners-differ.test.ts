import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { AcknowledgeMessage, Context, type DeliveryContext, Handler, Listener, Payload } from 'leveret';
import { it } from 'mocha';
import { TestHarness } from '../index.js';
import { onEachBroker } from '../test-support/brokers.js';
import { Order } from '../test-support/orders.js';

class Refund {
  reason!: string;
}

onEachBroker('when listeners differ', ({ broker, isReal }) => {
  const queueOptions = () => ({
    name: `kinds.${randomBytes(5).toString('hex')}`,
    ...(isReal && ({ expires: '30s' } as const)),
  });

  it('tells the methods of one queue apart', async () => {
    const queue = queueOptions();
    @Listener({ queue })
    class Kinds {
      @Handler(Order)
      onOrder(order: Order): number {
        return order.id;
      }

      @Handler(Refund)
      onRefund(refund: Refund): string {
        return refund.reason;
      }
    }
    await using harness = await TestHarness.start({ broker, listeners: [Kinds], expectFailures: /Nobody handles/ });
    await harness.publish('', queue.name, { id: 1 }, { type: 'Order' });
    await harness.publish('', queue.name, { reason: 'broken' }, { type: 'Refund' });
    await harness.publish('', queue.name, {}, { type: 'Other' });
    await harness.settled();
    expect(harness.listener(Kinds, 'onOrder').calls.map(({ result }) => result)).to.deep.equal([1]);
    expect(harness.listener(Kinds, 'onRefund').calls.map(({ result }) => result)).to.deep.equal(['broken']);
    expect(harness.listener(Kinds, 'onRefund').outcomes).to.deep.equal(['handled']);
    expect(harness.listener(Kinds).outcomes).to.deep.equal(['handled', 'handled', 'dropped']);
  });

  it('follows manual mode: an acknowledgement may come after the handler returned, or never', async () => {
    const queue = queueOptions();
    const contexts: DeliveryContext[] = [];
    class Manual {
      @Listener({ queue, acknowledge: 'manual' })
      onOrder(@Payload() order: Order, @Context() context: DeliveryContext): void {
        if (order.id === 1) context.ack();
        else if (order.id === 2) context.reject();
        else contexts.push(context);
      }
    }
    await using harness = await TestHarness.start({ broker, listeners: [Manual] });
    for (const id of [1, 2, 3, 4]) await harness.publish('', queue.name, { id });
    await harness.settled();
    const listener = harness.listener(Manual, 'onOrder');
    expect(listener.outcomes).to.deep.equal(['handled', 'rejected']);
    contexts[0]?.ack();
    contexts[1]?.requeue({ failed: false });
    await harness.settled();
    expect(listener.outcomes).to.deep.equal(['handled', 'rejected', 'handled', 'given-back']);
    expect(contexts).to.have.lengthOf(3);
    contexts[2]?.ack();
    await harness.settled();
  });

  it('follows deliveries that nobody acknowledges', async () => {
    const queue = queueOptions();
    class Careless {
      @Listener({ queue, acknowledge: 'none' })
      async onOrder(@Payload() { id }: Order): Promise<number> {
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (id === 2) throw new Error('no stock');
        if (id === 3) throw new AcknowledgeMessage('never mind');
        return id;
      }
    }
    await using harness = await TestHarness.start({ broker, listeners: [Careless], expectFailures: true });
    for (const id of [1, 2, 3, 4]) await harness.publish('', queue.name, { id });
    await harness.settled();
    const listener = harness.listener(Careless, 'onOrder');
    expect(listener.calls.map(({ state }) => state)).to.deep.equal(['returned', 'threw', 'threw', 'returned']);
    expect(listener.outcomes).to.deep.equal(['handled', 'dropped', 'acknowledged', 'handled']);
  });

  it('shows what was acknowledged although it failed', async () => {
    const queue = queueOptions();
    class Lenient {
      @Listener({ queue })
      onOrder(@Payload() _order: Order): never {
        throw new AcknowledgeMessage('never mind');
      }
    }
    await using harness = await TestHarness.start({ broker, listeners: [Lenient] });
    await harness.publish('', queue.name, { id: 1 });
    await harness.settled();
    expect(harness.listener(Lenient, 'onOrder').outcomes).to.deep.equal(['acknowledged']);
  });

  it('follows several consumers of one listener', async () => {
    const queue = queueOptions();
    let running = 0;
    let most = 0;
    class Many {
      @Listener({ queue, concurrency: 3, prefetch: 1 })
      async onOrder(@Payload() _order: Order): Promise<void> {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 20));
        running--;
      }
    }
    await using harness = await TestHarness.start({ broker, listeners: [Many] });
    await Promise.all([1, 2, 3, 4, 5, 6, 7].map((id) => harness.publish('', queue.name, { id })));
    await harness.settled();
    expect(most).to.equal(3);
    expect(harness.listener(Many, 'onOrder').outcomes).to.have.lengthOf(7);
  });

  it('waits for replies', async () => {
    const queue = queueOptions();
    class Asked {
      @Listener({ queue })
      onOrder(@Payload() { id }: Order): { readonly price: number } {
        return { price: id * 2 };
      }
    }
    await using harness = await TestHarness.start({ broker, listeners: [Asked] });
    const reply = harness.app.publisher.request('', queue.name, { id: 21 });
    expect(await reply).to.deep.equal({ price: 42 });
    await harness.settled();
    expect(harness.listener(Asked, 'onOrder').deliveries[0]?.events.map(({ type }) => type)).to.deep.equal([
      'received',
      'replied',
      'handled',
    ]);
  });

  it('stays settled when a listener is stopped', async () => {
    const queue = queueOptions();
    class Stopped {
      @Listener({ queue, id: queue.name })
      onOrder(@Payload() _order: Order): void {}
    }
    await using harness = await TestHarness.start({ broker, listeners: [Stopped] });
    await harness.app.listeners.get(queue.name).stop();
    await harness.publish('', queue.name, { id: 1 });
    await harness.settled();
    expect(harness.listener(Stopped).calls).to.deep.equal([]);
    expect(await harness.queue(queue.name).messages).to.have.lengthOf(1);
    await harness.app.listeners.get(queue.name).start();
    await harness.settled();
    expect(harness.listener(Stopped).outcomes).to.deep.equal(['handled']);
  });
});
