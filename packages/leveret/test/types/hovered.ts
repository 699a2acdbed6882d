import { channel, Handler, Header, Idempotent, Listener, Payload, QueueBuilder, Scheduled } from 'leveret';
import { Paid, paid, publisher, Shipped } from './declared.js';

// What an editor shows where the pointer stands on what `^?` points to.

export class Hovered {
  @Listener({ queue: 'q', payload: Paid })
  // ^?
  @Idempotent((_message, event: Paid) => event.orderId)
  // ^?
  onPaid(_event: Paid): void {}

  @Listener('q')
  onShipped(
    @Payload([Paid]) _event: Paid[],
    // ^?
    @Header('x-tenant', { required: false }) _tenant: string | undefined,
    // ^?
  ): void {}

  @Handler(Paid, { type: 'paid' })
  // ^?
  onType(_event: Paid): void {}

  @Scheduled({ every: '20s' })
  // ^?
  reconcile(): void {}
}

export const orders = channel('orders', 'placed', { payload: Shipped });
//           ^?
export const queue = QueueBuilder.durable('q').quorum().deliveryLimit(3);
//           ^?

export async function publishes(): Promise<void> {
  await publisher.publish(paid, new Paid());
  //              ^?
  await publisher.publish('pay.direct', 'pay.success', new Paid());
  //              ^?
  const reply = await publisher.request(paid, new Paid(), { replyType: [Paid] });
  //    ^?
  const shipped = await publisher.request('', 'q', reply, { replyType: Shipped });
  //    ^?
  const results = await publisher.publishAll([{ channel: paid, payload: new Paid() }]);
  //    ^?
  return void [shipped, results];
}
