import { IsInt } from 'class-validator';
import { Context, type DeliveryContext, Listener, type ListenerOptions, Payload } from 'leveret';
import { unique } from './unique.js';

/** What most tests send. */
export class Order {
  @IsInt()
  id!: number;
}

/** What a test does with an order. */
export type HandleOrder = (order: Order, context: DeliveryContext) => unknown;

/** A listener class as users write them, for tests that differ in its options only. */
export function orderListener(options: ListenerOptions | string, handle: HandleOrder): new () => object {
  // An id of its own, because several of them may stand in one application.
  const declared = typeof options === 'string' ? options : { id: unique('orders'), ...options };
  class OrderListener {
    @Listener(declared)
    onOrder(@Payload() order: Order, @Context() context: DeliveryContext): unknown {
      return handle(order, context);
    }
  }
  return OrderListener;
}
