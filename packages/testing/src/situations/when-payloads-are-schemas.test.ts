import { expect } from 'chai';
import { Context, channel, type DeliveryContext, Handler, Listener, Payload, validatePayload } from 'leveret';
import { it } from 'mocha';
import { z } from 'zod';
import { TestHarness } from '../index.js';
import { onEachBroker } from '../test-support/brokers.js';

const Order = z.object({
  id: z.int(),
  at: z.coerce.date(),
  note: z
    .string()
    .default('none')
    .transform((text) => text.toUpperCase()),
});
type Order = z.infer<typeof Order>;
const Answer = z.object({ total: z.number().transform((cents) => cents / 100) });

let count = 0;

onEachBroker('when payloads are schemas', ({ broker, isReal }) => {
  const names = () => {
    const queue = `schemas.${process.pid}.${++count}`;
    return { queue, options: { name: queue, ...(isReal ? { expires: '30s' as const } : {}) } };
  };

  it('gives handlers what the schema makes of the body, wherever it is declared', async () => {
    const one = names();
    const two = names();
    const three = names();
    const seen: unknown[] = [];
    class Orders {
      @Listener({ queue: one.options, payload: Order })
      byOption(order: Order): void {
        seen.push(order);
      }
      @Listener({ queue: two.options })
      byParameter(@Payload([Order]) orders: Order[], @Context() context: DeliveryContext<Order[]>): void {
        seen.push(...orders, context.payload.length);
      }
    }
    @Listener({ queue: three.options })
    class ByType {
      @Handler(Order, { type: 'order' })
      on(order: Order): void {
        seen.push(order.id);
      }
    }
    await using harness = await TestHarness.start({ broker, listeners: [Orders, ByType] });
    await harness.publish('', one.queue, { id: 1, at: '2026-11-27T08:00:00Z' });
    await harness.settled();
    await harness.publish('', two.queue, [{ id: 2, at: 0, note: 'x' }]);
    await harness.settled();
    await harness.publish('', three.queue, { id: 3, at: 0 }, { type: 'order' });
    await harness.settled();
    expect(seen).to.deep.equal([
      { id: 1, at: new Date('2026-11-27T08:00:00Z'), note: 'NONE' },
      { id: 2, at: new Date(0), note: 'X' },
      1,
      3,
    ]);
  });

  it('rejects what breaks the rules, and never calls the handler', async () => {
    const { queue, options } = names();
    class Orders {
      @Listener({ queue: options, payload: Order, retry: { maxAttempts: 3 } })
      on(_order: Order): void {}
    }
    await using harness = await TestHarness.start({ broker, listeners: [Orders], expectFailures: true });
    await harness.publish('', queue, { id: 'x', at: 0 });
    await harness.settled();
    const [delivery] = harness.listener(Orders, 'on').deliveries;
    expect(delivery).to.deep.include({ outcome: 'dropped', calls: [] });
    const invalid = delivery?.events.find(({ type }) => type === 'invalid');
    expect(invalid).to.have.nested.property('error.code', 'LEV_MESSAGE_INVALID');
    expect(invalid).to.have.nested.property('error.violations.0.path', 'id');
  });

  it('validates what is published through a channel, reads replies by a schema', async () => {
    const { queue, options } = names();
    class Orders {
      @Listener({ queue: options, payload: Order })
      on(order: Order): { total: number } {
        return { total: order.id };
      }
    }
    await using harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      publisher: { validate: validatePayload },
    });
    const orders = channel('', queue, { payload: Order });
    const refused = await harness.publish(orders, { id: 1.5, at: 0 }).catch((error: unknown) => error);
    expect(refused).to.include({ code: 'LEV_MESSAGE_INVALID' });
    await harness.publish(orders, { id: 1, at: '2026-11-27' });
    const answer = await harness.app.publisher.request(orders, { id: 250, at: 0 }, { replyType: Answer });
    expect(answer).to.deep.equal({ total: 2.5 });
    const wrong = z.object({ total: z.string() });
    const unread = await harness.app.publisher
      .request(orders, { id: 1, at: 0 }, { replyType: wrong })
      .catch((error: unknown) => error);
    expect(unread).to.include({ code: 'LEV_MESSAGE_INVALID' });
  });

  // It lets time pass.
  if (isReal) return;

  it('bounds a schema that waits for what does not come: the attempt has failed, and is retried', async () => {
    const { queue, options } = names();
    let answers = false;
    const Asking = z.object({ id: z.int() }).refine(() => (answers ? true : new Promise<boolean>(() => {})));
    class Orders {
      @Listener({ queue: options, payload: Asking, timeout: '5s', retry: { maxAttempts: 2 } })
      on(_order: { id: number }): void {}
    }
    await using harness = await TestHarness.start({ broker, listeners: [Orders], expectFailures: true });
    await harness.publish('', queue, { id: 1 });
    await harness.advance('4s');
    answers = true;
    await harness.advance('2s');
    await harness.settled({ includeRetries: true });
    const [delivery] = harness.listener(Orders, 'on').deliveries;
    expect(delivery?.outcome).to.equal('handled');
    expect(delivery?.events.find(({ type }) => type === 'failed')).to.have.nested.property(
      'error.code',
      'LEV_VALIDATION_TIMEOUT',
    );
  });
});
