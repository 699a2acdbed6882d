import { describeValue } from '../errors/configuration-error.js';
import { FatalMessageError } from '../errors/message-error.js';
import type { Message } from '../message/message.js';

/** Names the message: what is equal for two deliveries is handled once. Nothing, or an empty text, means that there is no key. */
export type KeyFunction = (message: Message, payload: unknown) => string | number | bigint | null | undefined;

/**
 * What becomes of a message without a key.
 *
 * | policy | the message |
 * |---|---|
 * | `'reject'` (default) | is rejected like an invalid one: it shows that its publisher has to be mended |
 * | `'process'` | is handled unguarded: twice, if it comes twice |
 * | a function | gets a key derived from what it says, such as an order id; rejected when that is missing too |
 */
export type MissingKeyPolicy = 'reject' | 'process' | KeyFunction;

/** Where the key of a listener's messages comes from. */
export interface KeyPolicy {
  /** Default: the message id. */
  readonly key?: KeyFunction | undefined;
  /** Default `'reject'`. */
  readonly onMissingKey?: MissingKeyPolicy | undefined;
}

/** What to do with a message, as far as its key goes. */
export type KeyDecision =
  | { readonly kind: 'guard'; readonly key: string }
  | { readonly kind: 'process' }
  | { readonly kind: 'reject'; readonly error: FatalMessageError };

const messageId: KeyFunction = (message) => message.messageId;

/** Finds the key of a message, or what its policy says when there is none. */
export function decideKey(message: Message, payload: unknown, policy: KeyPolicy): KeyDecision {
  const { key = messageId, onMissingKey = 'reject' } = policy;
  const found = key(message, payload);
  const own = keyText(found);
  if (own !== undefined) return { kind: 'guard', key: OTHER_SPACE.test(own) ? `key:${own}` : own };
  if (onMissingKey === 'process') return { kind: 'process' };
  const what =
    key === messageId ? 'a message id' : `a key of text or a number; its key function gave ${describeValue(found)}`;
  if (onMissingKey === 'reject') return reject(`The listener handles messages once, and needs ${what}.`);
  const second = onMissingKey(message, payload);
  const derived = keyText(second);
  if (derived !== undefined) return { kind: 'guard', key: `derived:${derived}` };
  return reject(`The listener handles messages once, and needs ${what}; onMissingKey gave ${describeValue(second)}.`);
}

/** Derived keys have a space of their own, or an order number could meet a message id that looks the same. */
const OTHER_SPACE = /^(?:derived|key):/;

function keyText(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (typeof value === 'bigint' || Number.isFinite(value)) return String(value);
  return undefined;
}

function reject(text: string): KeyDecision {
  const advice = 'Let the publisher set one, or say what to do with onMissingKey.';
  return { kind: 'reject', error: new FatalMessageError('LEV_IDEMPOTENCY_KEY_MISSING', `${text} ${advice}`) };
}
