import { channel, type Publisher, PublishTo } from 'leveret';
import { z } from 'zod';

// What the type tests of this folder declare: they are compiled with the other tests, and run by nobody.

export class Paid {
  orderId!: number;
  paidAt!: string;
}

export class Refunded {
  refundId!: number;
  reason!: string;
}

export class LatePaid extends Paid {
  late!: true;
}

export class Envelope<T> {
  body!: T;
}

export class Money {
  cents!: number;
  plus(other: Money): Money {
    return other;
  }
}

/** Reads text, makes a date. */
export const Shipped = z.object({ orderId: z.number(), at: z.string().transform((text) => new Date(text)) });

export const paid = channel('pay.direct', 'pay.success', { payload: Paid });
export const shipped = channel('ship', (event: { orderId: number }) => `shipped.${event.orderId}`, {
  payload: Shipped,
});
export const refunded = channel<Refunded>('pay.direct', 'pay.refund');

@PublishTo(paid)
export class AddressedPaid extends Paid {}

export declare const publisher: Publisher;
