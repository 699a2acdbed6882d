import {
  type DeliveryContext,
  Handler,
  Idempotent,
  Listener,
  type ListenerContext,
  PublishTo,
  Scheduled,
  SendTo,
  UseInterceptors,
} from 'leveret';
import { z } from 'zod';

// The same under standard decorators, where a method is called with payload and context: what must compile, and what must not.

class Paid {
  orderId!: number;
}

class Refunded {
  refundId!: number;
}

class Envelope<T> {
  body!: T;
}

const Shipped = z.object({ at: z.string().transform((text) => new Date(text)) });

@PublishTo('pay.direct', (event: Paid) => `paid.${event.orderId}`)
export class RightAddress extends Paid {}

@Listener('q')
export class RightClass {
  @Handler(Paid) on(_event: Paid): void {}
  @Handler(Shipped, { type: 'shipped' }) onShipped(_event: { at: Date }, _context: DeliveryContext): void {}
}

export class RightMethods {
  @Listener({ queue: 'q', payload: Paid }) a(_event: Paid): void {}
  @Listener({ queue: 'q', payload: Paid }) b(_event: { orderId: number }, _context: DeliveryContext<Paid>): void {}
  @Listener({ queue: 'q', payload: [Paid] }) c(_events: readonly Paid[]): void {}
  @Listener({ queue: 'q', payload: Shipped }) d(_event: z.infer<typeof Shipped>): void {}
  @Listener({ queue: 'q', payload: Envelope }) e(_event: Envelope<Paid>): void {}
  @Listener({ queue: 'q', payload: Paid, headers: { tenant: 'x-tenant', count: { name: 'x-count', type: Number } } })
  f(_event: Paid, { headers }: ListenerContext<{ tenant: string; count: number }>): string {
    return headers.tenant + headers.count;
  }
  @Listener({ queue: 'q', payload: Paid }) g(): void {}
  @Listener({ queue: 'q', payload: Paid }) private h(_event: Paid): void {}
  @Listener({ queue: 'q', payload: Paid })
  @Idempotent((_message, event: Paid) => event.orderId)
  @SendTo('a/b')
  @UseInterceptors((_context, next) => next())
  i(event: Paid): number {
    this.h(event);
    return event.orderId;
  }
  @Scheduled({ every: '20s' }) j(_signal: AbortSignal): void {}
  @Scheduled({ every: '20s' }) k(): void {}
}

export class WrongMethods {
  // @ts-expect-error 1: another class than the one that is made
  @Listener({ queue: 'q', payload: Paid }) a(_event: Refunded): void {}
  // @ts-expect-error 2: one where an array is made
  @Listener({ queue: 'q', payload: [Paid] }) b(_event: Paid): void {}
  // @ts-expect-error 3: the input of a schema
  @Listener({ queue: 'q', payload: Shipped }) c(_event: { at: string }): void {}
  // @ts-expect-error 4: the second parameter is the context
  @Listener({ queue: 'q', payload: Paid }) d(_event: Paid, _tenant: string): void {}
  // @ts-expect-error 5: a header that is not declared
  @Listener({ queue: 'q', payload: Paid, headers: { tenant: 'x-tenant' } })
  e(_event: Paid, _context: ListenerContext<{ count: number }>): void {}
  // @ts-expect-error 6: a listener on a property
  @Listener('q') f = (_event: Paid): void => {};
  // @ts-expect-error 7: no queue
  @Listener({ payload: Paid }) g(_event: Paid): void {}
  // @ts-expect-error 8: another class than the handler's
  @Handler(Paid) h(_event: Refunded): void {}
  // @ts-expect-error 9: the key looks at another payload
  @Listener({ queue: 'q', payload: Paid }) @Idempotent((_message, event: Refunded) => event.refundId) i(
    _e: Paid,
  ): void {}
  // @ts-expect-error 10: a schedule is called with a signal
  @Scheduled({ cron: '0 3 * * *' }) j(_signal: string): void {}
  // @ts-expect-error 11: a duration that is none
  @Scheduled({ every: '20 s' }) k(): void {}
  // @ts-expect-error 12: three parameters, where two are given
  @Listener({ queue: 'q', payload: Paid }) l(_event: Paid, _context: DeliveryContext, _more: string): void {}
}

// @ts-expect-error 13: the routing key of another class
@PublishTo('pay.direct', (event: Refunded) => String(event.refundId))
export class WrongAddress extends Paid {}

// @ts-expect-error 14: a handler on the class
@Handler(Paid)
export class WrongClass {}
