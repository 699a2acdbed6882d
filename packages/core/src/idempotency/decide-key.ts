import { describeValue } from '../errors/configuration-error.js';
import { FatalMessageError } from '../errors/message-error.js';
import type { Message } from '../message/message.js';

/**
 * Names the message: what is equal for two deliveries is handled once. Nothing, or an empty text, means that there is no key;
 * so does what may stand for several ids: text with bytes that were no UTF-8, and whole numbers above 2^53.
 */
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
  const own = keyText(found, message);
  if (own !== undefined) return { kind: 'guard', key: OTHER_SPACE.test(own) ? `key:${own}` : own };
  if (onMissingKey === 'process') return { kind: 'process' };
  const what =
    key === messageId
      ? `a message id${found === undefined || found === '' ? '' : ' that is valid UTF-8'}`
      : `a key of text or a number; its key function gave ${describeKey(found)}`;
  if (onMissingKey === 'reject') return reject(`The listener handles messages once, and needs ${what}.`);
  const second = onMissingKey(message, payload);
  const derived = keyText(second, message);
  if (derived !== undefined) return { kind: 'guard', key: `derived:${derived}` };
  return reject(`The listener handles messages once, and needs ${what}; onMissingKey gave ${describeKey(second)}.`);
}

function describeKey(value: unknown): string {
  const given = describeValue(value);
  if (typeof value === 'number' && Number.isFinite(value)) return `${given}, which may stand for several ids`;
  return typeof value === 'string' && value !== '' ? `${given}, which was no valid UTF-8` : given;
}

/** Derived keys have a space of their own, or an order number could meet a message id that looks the same. */
const OTHER_SPACE = /^(?:derived|key):/;

function keyText(value: unknown, message: Message): string | undefined {
  if (typeof value === 'string') return value === '' || isInexact(value, message) ? undefined : value;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  return Math.abs(value) > Number.MAX_SAFE_INTEGER ? undefined : String(value);
}

/** U+FFFD stands for every byte that is no UTF-8, so that ids which are not equal look equal. A sender may also have meant it. */
function isInexact(key: string, { verbatim }: Message): boolean {
  return verbatim !== undefined && key.includes('\uFFFD');
}

function reject(text: string): KeyDecision {
  const advice = 'Let the publisher set one, or say what to do with onMissingKey.';
  return { kind: 'reject', error: new FatalMessageError('LEV_IDEMPOTENCY_KEY_MISSING', `${text} ${advice}`) };
}
