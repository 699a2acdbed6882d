import { type } from 'arktype';
import {
  type BatchMessage,
  Context,
  channel,
  type DeliveryContext,
  type Duration,
  Handler,
  Header,
  Headers,
  Idempotent,
  Listener,
  type ListenerContext,
  Message,
  type MessageHeaders,
  Payload,
  type PayloadOf,
  PublishTo,
  QueueBuilder,
  type QueueOptions,
  Scheduled,
  SendTo,
  type StandardSchema,
  Transaction,
  UseInterceptors,
  validatePayload,
} from 'leveret';
import type { PublishedPayloadOf } from 'leveret/adapters';
import * as v from 'valibot';
import { z } from 'zod';
import {
  AddressedPaid,
  Envelope,
  LatePaid,
  Paid,
  paid,
  publisher,
  Refunded,
  refunded,
  Shipped,
  shipped,
} from './declared.js';

// Uses that must compile under legacy decorators, the counterparts of the wrong ones.

interface HasOrder {
  readonly orderId: number;
}
type Tenant = 'north' | 'south' | string;
declare const schema: StandardSchema<string, Date>;

export class RightParameters {
  /* 1 */ @Listener('q') a(@Payload(Paid) _event: Paid): void {}
  /* 2 */ @Listener('q') b(@Payload(LatePaid) _event: Paid): void {}
  /* 3 */ @Listener('q') c(@Payload(Paid) _event: HasOrder): void {}
  /* 4 */ @Listener('q') d(@Payload(Paid) _event: Paid | undefined): void {}
  /* 5 */ @Listener('q') e(@Payload(Paid) _event?: Paid): void {}
  /* 6 */ @Listener('q') f(@Payload([Paid]) _events: readonly HasOrder[]): void {}
  /* 7 */ @Listener('q') g(@Payload(String) _text: string): void {}
  /* 8 */ @Listener('q') h(@Payload(Buffer) _bytes: Uint8Array): void {}
  /* 9 */ @Listener('q') i(@Payload(Object) _anything: Refunded): void {}
  /* 10 */ @Listener('q') j(@Payload(Shipped) _event: z.infer<typeof Shipped>): void {}
  /* 11 */ @Listener('q') k(@Payload(schema) _date: Date): void {}
  /* 12 */ @Listener('q') l(@Payload([Shipped]) _events: { at: Date }[]): void {}
  /* 13 */ @Listener('q') m(@Payload(Envelope) _event: Envelope<Paid>): void {}
  /* 14 */ @Listener('q') n(@Payload([Envelope]) _events: Envelope<Paid>[]): void {}
  /* 15 */ @Listener('q') o(@Payload() _event: Paid): void {}
  /* 16 */ @Listener('q') p(@Payload(Paid) _event: unknown, @Message() _message: Message): void {}
  /* 17 */ @Listener('q') q(@Context() _context: DeliveryContext<Paid>, @Payload(Paid) _event: Paid): void {}
  /* 18 */ @Listener('q') r(@Context() { signal: _signal }: Pick<DeliveryContext, 'signal'>): void {}
  /* 19 */ @Listener('q') s(@Headers() _headers: MessageHeaders, @Headers() _texts: Record<string, string>): void {}
  /* 20 */ @Listener('q') t(@Header('x-tenant') _tenant: Tenant, @Header('x-count') _count: number): void {}
  /* 21 */ @Listener('q') u(@Header('x-tenant', { required: false }) _tenant: string | undefined): void {}
  /* 22 */ @Listener('q') v(@Header('x-tenant', { required: false }) _tenant?: string): void {}
  /* 23 */ @Listener('q') w(@Header('x-count', { default: 0 }) _count: number): void {}
  /* 24 */ @Listener('q') x(@Header('x-table') _table: { readonly a: number }, @Header('x') _any: unknown): void {}
  /* 25 */ @Listener('q') private y(@Payload(Paid) _event: Paid): void {}
  /* 26 */ @Listener('q') z(@Payload(Paid) _event: Paid, @Transaction() _transaction: { query(): void }): void {}

  uses(): void {
    this.y(new Paid());
  }
}

export class RightMethods {
  /* 27 */ @Listener({ queue: 'q', payload: Paid }) a(_event: Paid): void {}
  /* 28 */ @Listener({ queue: 'q', payload: Paid }) b(_event: Paid, _context: DeliveryContext<Paid>): void {}
  /* 29 */ @Listener({ queue: 'q', payload: Shipped }) c(
    @Header('x') _x: string,
    @Payload() _event: { at: Date },
  ): void {}
  /* 30 */ @Listener({ queue: 'q', payload: type({ id: 'number' }) }) d(_event: { id: number }): void {}
  /* 31 */ @Listener({ queue: 'q', payload: v.pipe(v.string(), v.transform(Number)) }) e(_event: number): void {}
  /* 32 */ @Listener({ queue: 'q', payload: Paid, headers: { tenant: 'x-tenant' } }) f(
    _event: Paid,
    { headers }: ListenerContext<{ tenant: string }>,
  ): string {
    return headers.tenant;
  }
  /* 33 */ @Listener({ queue: 'q', payload: Paid }) g(): void {}
  /* 34 */ @Listener({ queue: { name: 'q', type: 'quorum', deliveryLimit: 5 }, timeout: '1.5m' }) h(
    _event: Paid,
  ): void {}
  /* 35 */ @Handler(Paid) i(_event: Paid): void {}
  /* 36 */ @Handler(Shipped, { type: 'shipped' }) j(_event: { orderId: number }): void {}
  /* 37 */ @Handler({ isDefault: true }) k(@Payload(Object) _event: unknown): void {}
  /* 38 */ @Listener('q') @Idempotent((_message, event: Paid) => event.orderId) l(@Payload(Paid) _event: Paid): void {}
  /* 39 */ @Listener('q') @Idempotent((_message, event: HasOrder) => event.orderId) m(_event: Paid): void {}
  /* 40 */ @Listener('q') @Idempotent((_message, event: Paid) => event.orderId) n(
    @Payload(Paid) _event: HasOrder,
  ): void {}
  /* 41 */ @Listener('q') @Idempotent((message) => message.messageId) o(_event: Paid): void {}
  /* 42 */ @Listener('q') @Idempotent({ key: (_message, event) => event.orderId, ttl: '7d' }) p(_event: Paid): void {}
  /* 43 */ @Listener('q') @SendTo('a/b') @UseInterceptors((_context, next) => next()) q(_event: Paid): string {
    return '';
  }
  /* 44 */ @Scheduled({ every: '20s' }, { jitter: 500 }) r(): void {}
  /* 45 */ @Scheduled({ cron: '0 3 * * *', timezone: 'UTC' }) s(_signal: AbortSignal): Promise<void> {
    return Promise.resolve();
  }
  /* 46 */ @Scheduled({ every: '1m' }) t(_signal?: AbortSignal, _limit = 3): void {}
}

/* 47 */
@Listener('q')
@Idempotent((_message, event: Paid) => event.orderId)
@UseInterceptors()
export class RightClass {
  @Handler(Paid) on(_event: Paid): void {}
}

export const rightQueues: readonly QueueOptions[] = [
  /* 48 */ { name: 'q' },
  /* 49 */ { name: 'q', type: 'quorum', deadLetterStrategy: 'at-least-once', overflow: 'reject-publish' },
  /* 50 */ { anonymous: true, exclusive: true },
  /* 51 */ { name: 'q', type: 'stream', maxLengthBytes: 1_000_000 },
  /* 52 */ QueueBuilder.durable('q').ttl('1m').quorum().deliveryLimit(3).build(),
];
/* 53 */
export const rightQueue = QueueBuilder.durable('q').lazy().exclusive().maxPriority(5).withArgument('x', 1);

export async function rightPublishes(anything: unknown, batch: AsyncIterable<BatchMessage>): Promise<void> {
  /* 54 */ await publisher.publish(paid, new LatePaid());
  /* 55 */ await publisher.publish(paid, { orderId: 1, paidAt: '' }, { priority: 3 });
  /* 56 */ await publisher.publish(shipped, { orderId: 1, at: '2026-11-27' });
  /* 57 */ await publisher.publish('pay.direct', 'pay.success', anything, { expiration: '30s' });
  /* 58 */ await publisher.publish<Paid>('pay.direct', 'pay.success', { orderId: 1, paidAt: '' });
  /* 59 */ await publisher.publish('pay.direct', 'pay.success', null);
  /* 60 */ await publisher.publish(new AddressedPaid());
  /* 61 */ await publisher.sendToQueue('q', [1, 'two', Buffer.from('x')]);
  /* 62 */ await publisher.publishAll([
    { channel: paid, payload: new Paid() },
    { channel: refunded, payload: new Refunded() },
  ]);
  /* 63 */ await publisher.publishAll(batch, { onResult: (_result, item: BatchMessage) => item.payload });
  /* 64 */ await publisher.publishAll([new AddressedPaid(), new AddressedPaid()]);
  /* 65 */ await publisher.publishAll([
    { queue: 'q', payload: 1 },
    { exchange: 'e', routingKey: 'k', payload: 2 },
  ]);
  /* 66 */ const one: Paid = await publisher.request('', 'q', {}, { replyType: Paid });
  /* 67 */ const many: Paid[] = await publisher.request(paid, one, { replyType: [Paid], timeout: '2s' });
  /* 68 */ const made: { at: Date } = await publisher.request('', 'q', {}, { replyType: Shipped });
  /* 69 */ const said = await publisher.request<Refunded>('', 'q', { many, made });
  /* 70 */ await validatePayload(said.refundId, v.number());
}

/* 71 */
@PublishTo('pay.direct', (event: Paid) => String(event.orderId), { type: 'pay.paid' })
export class RightAddress extends Paid {}

/* 72 */
export const rightChannel = channel('q', (event: Paid) => `paid.${event.orderId}`, { payload: Paid, type: 'pay.paid' });
/* 73 */
export const rightDurations: readonly Duration[] = [500, '500ms', '1s', '1.5m', '2h', '7d'];
/* 74 */
export const output: PayloadOf<typeof Shipped> = { orderId: 1, at: new Date() };
/* 75 */
export const input: PublishedPayloadOf<typeof Shipped> = { orderId: 1, at: '2026-11-27' };
/* 76 */
export const context = (of: DeliveryContext<Paid, { query(): number }>): number =>
  of.transaction.query() + of.payload.orderId;
