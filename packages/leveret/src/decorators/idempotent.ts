import type {
  Duration,
  IdempotencyGuard,
  IdempotencyStore,
  InstanceOrClass,
  Message,
  MissingKeyPolicy,
} from '@leveret/core';
import { decorator, placeOf } from './decorator-place.js';
import type { KeyedDecorator } from './decorator-types.js';

/** Where keys are kept: an instance, a class that the container makes one of, or a token (text or a symbol) it is bound to. */
export type StoreReference = InstanceOrClass<IdempotencyStore> | string | symbol;

/** What guards handlers: an instance such as an inbox, a class that the container makes one of, or a token. */
export type GuardReference = InstanceOrClass<IdempotencyGuard> | string | symbol;

/** What all guarded handlers of an application have in common; a class's or method's `@Idempotent` wins. */
export interface IdempotencyOptions {
  /** Claims messages in this store. Default: one in the memory of this process, with a warning. Not beside `guard`. */
  readonly store?: StoreReference;
  /** Instead of a store: guards in its own way, such as a transactional inbox. `ttl` and `lease` are its own then. */
  readonly guard?: GuardReference;
  /** How long a handled message is remembered by the store. Default 7 days. */
  readonly ttl?: Duration;
  /** After a crash, the message can be handled again once this has passed. Renewed while a handler runs. Default 5 minutes. */
  readonly lease?: Duration;
}

/** Names a message by what it says. What is equal for two deliveries is handled once. */
// biome-ignore lint/suspicious/noExplicitAny: the payload is whatever the handler declares
export type IdempotencyKey<Payload = any> = (
  message: Message,
  payload: Payload,
) => string | number | bigint | null | undefined;

/** Options of {@link Idempotent}. */
// biome-ignore lint/suspicious/noExplicitAny: the payload is whatever the handler declares
export interface IdempotentOptions<Payload = any> extends IdempotencyOptions {
  /** Default: the message id. */
  readonly key?: IdempotencyKey<Payload>;
  /** What becomes of a message without a key: it is rejected (`reject`, the default), handled all the same, or gets another key. */
  readonly onMissingKey?: Exclude<MissingKeyPolicy, (...given: never[]) => unknown> | IdempotencyKey<Payload>;
}

/**
 * Makes a handler take effect once for each message, however often it is delivered. On a class, for all its handlers;
 * what a method says of its own wins, and `@Idempotent(false)` leaves a method out.
 *
 * | the message | what happens |
 * |---|---|
 * | is new | the handler is called; when it has returned, the key is completed, then the delivery acknowledged |
 * | was handled | the handler is not called; the delivery is acknowledged and counted as a duplicate |
 * | is being handled elsewhere | the delivery waits, and goes back to the queue when that takes long |
 * | has no key | is rejected, unless `onMissingKey` says otherwise |
 * | cannot be looked up: the store is down | the delivery waits; no attempt is used up, no recoverer is asked |
 *
 * ```ts
 * @Listener({ queue: 'trade.pay.success.queue' })
 * @Idempotent((message, event: PaySucceeded) => event.orderId)
 * async onPaySucceeded(@Payload() event: PaySucceeded) { ... }
 * ```
 *
 * Not with `acknowledge: 'none'`. In manual mode, what the handler asks for is sent when the key is completed, or free
 * again after `requeue()` or `reject()`.
 * @param keyOrOptions the key (a function of message and payload), all options, or `false`
 */
// biome-ignore lint/suspicious/noExplicitAny: the payload is whatever the handler declares
export function Idempotent<Payload = any>(
  keyOrOptions: IdempotencyKey<Payload> | IdempotentOptions<Payload> | false = {},
): KeyedDecorator<Payload> {
  return decorator((target, key, descriptor) => {
    const place = placeOf('@Idempotent', target, key, descriptor);
    if (place.kind !== 'misplaced') place.record.idempotent.unshift(keyOrOptions);
  });
}
