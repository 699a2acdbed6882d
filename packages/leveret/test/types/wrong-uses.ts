import {
  Context,
  channel,
  type DeliveryContext,
  type Duration,
  Handler,
  Header,
  Headers,
  Idempotent,
  Leveret,
  Listener,
  Message,
  Payload,
  PublishTo,
  QueueBuilder,
  type QueueOptions,
  type RetryOptions,
  Scheduled,
  validatePayload,
} from 'leveret';
import * as v from 'valibot';
import { Envelope, Money, Paid, paid, publisher, Refunded, refunded, Shipped, shipped } from './declared.js';

// Uses that must not compile under legacy decorators: each line that is expected to be an error is one.

export class WrongParameters {
  // @ts-expect-error 1: another class than the one that is made
  @Listener('q') a(@Payload(Paid) _event: Refunded): void {}
  // @ts-expect-error 2: one where an array is made
  @Listener('q') b(@Payload([Paid]) _event: Paid): void {}
  // @ts-expect-error 3: an array where one is made
  @Listener('q') c(@Payload(Paid) _event: Paid[]): void {}
  // @ts-expect-error 4: a number where text is read
  @Listener('q') d(@Payload(String) _event: number): void {}
  // @ts-expect-error 5: text where bytes are read
  @Listener('q') e(@Payload(Buffer) _event: string): void {}
  // @ts-expect-error 6: the input of a schema, which makes something else
  @Listener('q') f(@Payload(Shipped) _event: { orderId: number; at: string }): void {}
  // @ts-expect-error 7: a generic class of something that the body is not
  @Listener('q') g(@Payload(Envelope) _event: Paid): void {}
  // @ts-expect-error 8: the message is no text
  @Listener('q') h(@Payload(Paid) _event: Paid, @Message() _message: string): void {}
  // @ts-expect-error 9: the message is not the payload
  @Listener('q') i(@Message() _message: Paid): void {}
  // @ts-expect-error 10: the context is no number
  @Listener('q') j(@Payload(Paid) _event: Paid, @Context() _context: number): void {}
  // @ts-expect-error 11: the context is no signal
  @Listener('q') k(@Payload(Paid) _event: Paid, @Context() _signal: AbortSignal): void {}
  // @ts-expect-error 12: headers are no Map
  @Listener('q') l(@Payload(Paid) _event: Paid, @Headers() _headers: Map<string, string>): void {}
  // @ts-expect-error 13: no header is an instance of a class
  @Listener('q') m(@Payload(Paid) _event: Paid, @Header('x-money') _money: Money): void {}
  // @ts-expect-error 14: no header is a Date
  @Listener('q') n(@Payload(Paid) _event: Paid, @Header('x-at') _at: Date): void {}
  // @ts-expect-error 15: a header that may be missing
  @Listener('q') o(@Payload(Paid) _event: Paid, @Header('x-tenant', { required: false }) _tenant: string): void {}
  // @ts-expect-error 16: a default of another type
  @Listener('q') p(@Payload(Paid) _event: Paid, @Header('x-tenant', { default: 'none' }) _tenant: number): void {}
  // @ts-expect-error 17: an option that does not exist
  @Listener('q') q(@Payload(Paid) _event: Paid, @Header('x-tenant', { requird: false }) _tenant: string): void {}
}

export class WrongMethods {
  // @ts-expect-error 18: the option payload, and another parameter
  @Listener({ queue: 'q', payload: Paid }) a(_event: Refunded): void {}
  // @ts-expect-error 19: an array in the option payload
  @Listener({ queue: 'q', payload: [Paid] }) b(_event: Paid): void {}
  // @ts-expect-error 20: a schema in the option payload
  @Listener({ queue: 'q', payload: v.string() }) c(_event: number): void {}
  // @ts-expect-error 21: @Handler, and another parameter
  @Handler(Paid) d(_event: Refunded): void {}
  // @ts-expect-error 22: @Handler of a schema, and another parameter
  @Handler(Shipped, { type: 'shipped' }) e(_event: Paid): void {}
  // @ts-expect-error 23: the key looks at another payload
  @Listener('q') @Idempotent((_message, event: Refunded) => event.refundId) f(@Payload(Paid) _event: Paid): void {}
  // @ts-expect-error 24: so does the key of the options
  @Listener('q') @Idempotent({ key: (_message, event: Refunded) => event.refundId }) g(_event: Paid): void {}
  // @ts-expect-error 25: a listener on a property
  @Listener('q') h = (_event: Paid): void => {};
  // @ts-expect-error 26: a listener on a getter
  @Listener('q') get i(): number {
    return 1;
  }
  // @ts-expect-error 27: no queue
  @Listener({ payload: Paid }) j(_event: Paid): void {}
  // @ts-expect-error 28: a misspelt option
  @Listener({ queue: 'q', prefetsch: 1 }) k(_event: Paid): void {}
  // @ts-expect-error 29: a duration that is none
  @Listener({ queue: 'q', timeout: '5 seconds' }) l(_event: Paid): void {}
  // @ts-expect-error 30: a schedule with a blank
  @Scheduled({ every: '20 s' }) m(): void {}
  // @ts-expect-error 31: a schedule is called with a signal
  @Scheduled({ cron: '0 3 * * *' }) n(_signal: string): void {}
  // @ts-expect-error 32: and with nothing else
  @Scheduled({ every: '20s' }) o(_signal: AbortSignal, _event: Paid): void {}
  // @ts-expect-error 33: either every or cron
  @Scheduled({}) p(): void {}
  // @ts-expect-error 34: no type of a payload
  @Handler('paid') q(_event: Paid): void {}
}

export const wrongQueues: readonly QueueOptions[] = [
  // @ts-expect-error 35: quorum queues are never exclusive
  { name: 'q', type: 'quorum', exclusive: true },
  // @ts-expect-error 36: they are always durable
  { name: 'q', type: 'quorum', durable: false },
  // @ts-expect-error 37: lazy is for classic queues
  { name: 'q', type: 'quorum', lazy: true },
  // @ts-expect-error 38: delivery limits are for quorum queues
  { name: 'q', type: 'classic', deliveryLimit: 3 },
  // @ts-expect-error 39: streams have no dead letters
  { name: 'q', type: 'stream', deadLetterExchange: 'dlx' },
  // @ts-expect-error 40: priorities are for classic queues
  { name: 'q', type: 'quorum', maxPriority: 5 },
];

export const wrongBuilders = [
  // @ts-expect-error 41: lazy is for classic queues
  QueueBuilder.durable('q').quorum().lazy(),
  // @ts-expect-error 42: whichever comes first
  QueueBuilder.durable('q').lazy().quorum(),
  // @ts-expect-error 43: quorum queues are never exclusive, however many steps lie between
  QueueBuilder.durable('q').quorum().ttl('1m').exclusive(),
  // @ts-expect-error 44: nor are they transient
  QueueBuilder.nonDurable('q').quorum(),
  // @ts-expect-error 45: streams have no TTL
  QueueBuilder.durable('q').stream().ttl('1m'),
];

export async function wrongPublishes(unsure: Paid | undefined): Promise<void> {
  // @ts-expect-error 46: another payload than the channel's
  await publisher.publish(paid, new Refunded());
  // @ts-expect-error 47: a property of another type
  await publisher.publish(paid, { orderId: 'x', paidAt: '' });
  // @ts-expect-error 48: a channel without a payload
  await publisher.publish(paid);
  // @ts-expect-error 49: what the schema makes, where what it reads is sent
  await publisher.publish(shipped, { orderId: 1, at: new Date() });
  // @ts-expect-error 50: nothing
  await publisher.publish('pay.direct', 'pay.success', undefined);
  // @ts-expect-error 51: perhaps nothing
  await publisher.publish('pay.direct', 'pay.success', unsure);
  // @ts-expect-error 52: no payload
  await publisher.publish('pay.direct', 'pay.success');
  // @ts-expect-error 53: the class in place of an instance
  await publisher.publish('pay.direct', 'pay.success', Paid);
  // @ts-expect-error 54: a function
  await publisher.publish('pay.direct', 'pay.success', () => new Paid());
  // @ts-expect-error 55: the class in place of an instance, without an address
  await publisher.publish(Paid);
  // @ts-expect-error 56: an array has no @PublishTo
  await publisher.publish([new Paid()]);
  // @ts-expect-error 57: a payload that is said to be another
  await publisher.publish<Paid>('pay.direct', 'pay.success', new Refunded());
  // @ts-expect-error 58: nothing to a queue
  await publisher.sendToQueue('q', undefined);
  // @ts-expect-error 59: an item whose payload is not its channel's
  await publisher.publishAll([{ channel: paid, payload: new Refunded() }]);
  // @ts-expect-error 60: an item without a routing key
  await publisher.publishAll([{ exchange: 'pay.direct', payload: new Paid() }]);
  // @ts-expect-error 61: text is no item
  await publisher.publishAll(['x']);
  // @ts-expect-error 62: the reply is a Paid
  const reply: Refunded = await publisher.request('', 'q', {}, { replyType: Paid });
  // @ts-expect-error 63: a request without a payload
  await publisher.request('', 'q');
  // @ts-expect-error 64: an option that does not exist
  await publisher.publish('e', 'k', reply, { persistant: true });
  // @ts-expect-error 65: no type that a payload can be declared as
  validatePayload({}, 'Paid');
}

// @ts-expect-error 66: the channel holds other payloads than the class
@PublishTo(refunded)
export class WrongAddress extends Paid {}

// @ts-expect-error 67: the routing key of another class
@PublishTo('pay.direct', (event: Refunded) => String(event.refundId))
export class WrongKey extends Paid {}

// @ts-expect-error 68: a routing key of something else than the payload
export const wrongChannel = channel('pay.direct', (event: Refunded) => String(event.refundId), { payload: Paid });

// @ts-expect-error 69: no unit
export const wrongDurations: readonly Duration[] = ['5'];
// @ts-expect-error 70: a word
export const wrongRetry: RetryOptions = { initialInterval: '1 second' };

// @ts-expect-error 71: the payload of the context is of another type
export const wrongContext = (context: DeliveryContext<Paid>): Refunded => context.payload;
// @ts-expect-error 72: so is the transaction
export const wrongTransaction = (context: DeliveryContext<Paid, Money>): Paid => context.transaction;

export async function wrongStarts(): Promise<void> {
  // @ts-expect-error 73: a misspelt option of the application
  await Leveret.start({ conection: {} });
  // @ts-expect-error 74: a listener class in place of an array
  await Leveret.start({ listeners: WrongMethods });
}
