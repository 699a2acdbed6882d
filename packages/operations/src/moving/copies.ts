import type { Message, MessageHeaders, MessageProperties, Publication } from '@leveret/core';
import {
  isCopyAddress,
  isOfDelivery,
  isOfFailure,
  MOVED_EXCHANGE,
  PARKED_CC,
  PARKED_EXCHANGE,
  PARKED_KEY,
  PARKED_USER,
  PLACE,
  STAGED_EXCHANGE,
  STAGED_KEY,
  STAGED_KEY_OF,
} from '../parked/parked-headers.js';
import { asParked } from '../parked/parked-message.js';
import type { RetryTarget } from '../parked/retry-target.js';

/** Bytes of properties that could not be read go along in this header, as they do when leveret parks such a message. */
const SECTION = 'x-leveret-original-properties';

/**
 * The same message on its way to a queue: body, properties and headers byte for byte. Left out is what would mean something on
 * the way, and is put aside in headers that {@link asParked} takes off again: the exchange and key it was delivered with, CC,
 * and a user id, which the broker would refuse.
 * @param place its place among the messages of its queue, which it keeps from copy to copy; `undefined`: behind all that have one
 */
export function parkedCopy(
  delivered: Message,
  queue: string,
  place: number | undefined,
  further: MessageHeaders = {},
): Publication {
  const message = asParked(delivered);
  const facts: Record<string, unknown> = {
    ...(place === undefined ? {} : { [PLACE]: place }),
    [PARKED_EXCHANGE]: message.exchange,
    [PARKED_KEY]: message.routingKey,
    ...further,
  };
  if (message.userId !== undefined) facts[PARKED_USER] = message.userId;
  if (message.headers['CC'] !== undefined) facts[PARKED_CC] = message.headers['CC'];
  return copyOf(delivered, { exchange: '', routingKey: queue }, isPutAside, facts, { userId: undefined });
}

/**
 * The same message on its way from one queue to another by an exchange: with its id, its routing key and its headers. The exchange that it
 * was published to, which only the broker can say, goes along in a header, as does a user id, which the broker would refuse.
 */
export function movedCopy(delivered: Message, exchange: string): Publication {
  const { userId, routingKey, headers } = delivered;
  const from = headers[MOVED_EXCHANGE] ?? delivered.exchange;
  const facts = { [MOVED_EXCHANGE]: from, ...(userId === undefined ? {} : { [PARKED_USER]: userId }) };
  return copyOf(delivered, { exchange, routingKey }, isOfDelivery, facts, { userId: undefined });
}

/** The place of a copy among the messages of its queue; `undefined` for a message that is no copy. */
export function placeOf({ headers }: Message): number | undefined {
  const place = headers[PLACE];
  return typeof place === 'number' && Number.isSafeInteger(place) && place >= 0 ? place : undefined;
}

/** The target and the key that {@link stagedFacts} wrote on a message; `undefined` for one that was not staged. */
export function readStaged({ headers }: Message): { readonly target: RetryTarget; readonly key: string } | undefined {
  const [exchange, routingKey, key] = [headers[STAGED_EXCHANGE], headers[STAGED_KEY], headers[STAGED_KEY_OF]];
  if (typeof exchange !== 'string' || typeof routingKey !== 'string' || typeof key !== 'string') return undefined;
  return { target: { exchange, routingKey }, key };
}

/** What a message takes along that is on its way back. */
export function stagedFacts({ exchange, routingKey }: RetryTarget, key: string): MessageHeaders {
  return { [STAGED_EXCHANGE]: exchange, [STAGED_KEY]: routingKey, [STAGED_KEY_OF]: key };
}

/** What a person changes in a message before it is sent back. */
export interface MessageEdit {
  readonly body?: Buffer;
  readonly headers?: MessageHeaders;
  /** A value of `undefined` takes the property away. */
  readonly properties?: Partial<MessageProperties>;
}

/**
 * The message as it was before it failed, on its way back: same id, same body, same properties, and none of the headers that
 * say why it was parked. It is persistent, and neither expires nor claims another's user.
 */
export function retryCopy(
  message: Message,
  target: RetryTarget,
  further: MessageHeaders,
  edit: MessageEdit = {},
): Publication {
  const left = { expiration: undefined, userId: undefined, deliveryMode: 2, ...edit.properties };
  if (edit.headers === undefined) {
    const copy = copyOf(message, target, isOfFailure, further, left);
    return edit.body === undefined ? copy : { ...copy, body: edit.body };
  }
  const own = Object.fromEntries(Object.entries(edit.headers).filter(([name]) => !isOfFailure(name)));
  const { verbatim: _verbatim, ...readable } = message;
  const copy = copyOf({ ...readable, headers: own }, target, () => false, further, left);
  return edit.body === undefined ? copy : { ...copy, body: edit.body };
}

function isPutAside(name: string): boolean {
  const facts = [
    PLACE,
    PARKED_EXCHANGE,
    PARKED_KEY,
    PARKED_USER,
    PARKED_CC,
    STAGED_EXCHANGE,
    STAGED_KEY,
    STAGED_KEY_OF,
  ];
  return isOfDelivery(name) || isCopyAddress(name) || facts.includes(name);
}

function copyOf(
  message: Message,
  to: RetryTarget,
  without: (name: string) => boolean,
  further: MessageHeaders,
  overrides: Partial<MessageProperties>,
): Publication {
  const { body, headers, verbatim, exchange: _e, routingKey: _k, redelivered: _r, ...properties } = message;
  const kept = { ...properties, ...overrides };
  const base = { exchange: to.exchange, routingKey: to.routingKey, body, mandatory: true, properties: kept };
  if (verbatim === undefined) return { ...base, headers: { ...omit(headers, without), ...further } };
  if (verbatim.section !== undefined) {
    return { ...base, headers: { ...further, [SECTION]: verbatim.section } };
  }
  const exact = verbatim.headers.filter(({ name }) => !without(name) && !Object.hasOwn(further, name));
  const bytes = Object.fromEntries(
    Object.entries(verbatim.properties).filter(([name]) => !Object.hasOwn(overrides, name)),
  );
  return {
    ...base,
    headers: verbatim.headers.length > 0 ? further : { ...omit(headers, without), ...further },
    verbatim: { properties: bytes, headers: exact },
  };
}

function omit(headers: MessageHeaders, without: (name: string) => boolean): MessageHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !without(name)));
}
