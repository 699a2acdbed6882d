import { isOfTheDelivery } from '../message/delivery-headers.js';
import type { Message, MessageHeaders, Publication, VerbatimHeader } from '../message/message.js';
import { tableBytes } from '../message/table-bytes.js';
import type { WaitRecord } from '../message/wait-record.js';
import { isWritableHeader, isWritableTimestamp } from '../message/writable-value.js';
import { isDelayHeader } from './levels.js';

const OWN = 'x-leveret-';
/** Before the name of a header that would mean something while the message waits. */
const KEPT = `${OWN}kept-`;
const REDELIVERIES = `${OWN}redeliveries`;
const ATTEMPTS = `${OWN}attempts`;
const FIRST_FAILED_AT = `${OWN}first-failed-at`;
const HISTORY = `${OWN}history`;
const EXCHANGE = `${OWN}original-exchange`;
const ROUTING_KEY = `${OWN}original-routing-key`;
const EXPIRATION = `${OWN}original-expiration`;
const USER_ID = `${OWN}original-user-id`;
const PRIORITY = `${OWN}original-priority`;
const DELIVERY_MODE = `${OWN}original-delivery-mode`;

const MAX_COUNT = 1_000_000;
const MAX_HISTORY = 10;
const MAX_LINE = 300;
/** What may stand in the frame beside the headers. */
const HEADROOM_BYTES = 4096;

/** Adds a line to the history: the first and the last nine are kept, each of bounded length. */
export function longerHistory(history: readonly string[], line: string): readonly string[] {
  const [first, ...rest] = [...history, line.slice(0, MAX_LINE)];
  return first === undefined ? [] : [first, ...rest.slice(-(MAX_HISTORY - 1))];
}

/**
 * A copy of a message that waits: body and properties as they came, and in headers what {@link readWaitRecord} needs to make
 * the message again. Left out is what would mean something on the way: `expiration` would end the wait early, `priority` would
 * let others overtake, `userId` is another's, CC would route elsewhere, and an `x-death` that names its queue would make the
 * broker drop it as going in circles.
 */
export function waitingCopy(
  message: Message,
  record: WaitRecord,
  to: { readonly exchange: string; readonly routingKey: string },
  frameMax: number,
): Publication {
  const facts: Record<string, unknown> = {
    [EXCHANGE]: message.exchange,
    [ROUTING_KEY]: message.routingKey,
    [REDELIVERIES]: record.redeliveries,
    [ATTEMPTS]: record.attempts,
    [FIRST_FAILED_AT]: new Date(record.firstFailedAt).toISOString(),
  };
  if (message.expiration !== undefined) facts[EXPIRATION] = message.expiration;
  if (message.userId !== undefined) facts[USER_ID] = message.userId;
  if (message.priority !== undefined) facts[PRIORITY] = message.priority;
  if (message.deliveryMode !== 2) facts[DELIVERY_MODE] = message.deliveryMode ?? 1;
  const { verbatim } = message;
  const exact = verbatim?.headers.filter(({ name }) => !isOfTheDelivery(name)).map(putAside) ?? [];
  const headers = exact.length > 0 ? facts : { ...setAside(message.headers), ...facts };
  const bytes = tableBytes(headers) + exact.reduce((sum, { entry }) => sum + entry.length, 0);
  if (bytes + tableBytes({ [HISTORY]: record.history }) + HEADROOM_BYTES <= frameMax) headers[HISTORY] = record.history;
  const { expiration: _expiration, userId: _userId, priority: _priority, ...properties } = verbatim?.properties ?? {};
  return {
    ...to,
    body: message.body,
    mandatory: true,
    headers,
    ...(verbatim === undefined ? {} : { verbatim: { properties, headers: exact } }),
    properties: {
      contentType: message.contentType,
      contentEncoding: message.contentEncoding,
      deliveryMode: 2,
      correlationId: message.correlationId,
      replyTo: message.replyTo,
      messageId: message.messageId,
      timestamp: isWritableTimestamp(message.timestamp) ? message.timestamp : undefined,
      type: message.type,
      appId: message.appId,
    },
  };
}

/**
 * The message as it first came, and what is known of it, of one that has come back by the return exchange. Whoever may publish
 * to leveret's exchanges can write these headers, too: what has not the right shape counts as nothing. `undefined` for what is
 * no copy of {@link waitingCopy}.
 */
export function readWaitRecord(
  message: Message,
): { readonly message: Message; readonly record: WaitRecord } | undefined {
  const { headers, verbatim } = message;
  const [exchange, routingKey] = [headers[EXCHANGE], headers[ROUTING_KEY]];
  if (typeof exchange !== 'string' || typeof routingKey !== 'string') return undefined;
  const record: WaitRecord = {
    redeliveries: countOf(headers[REDELIVERIES]),
    attempts: countOf(headers[ATTEMPTS]),
    firstFailedAt: timeOf(headers[FIRST_FAILED_AT]),
    history: historyOf(headers[HISTORY]),
  };
  const original: Message = {
    ...message,
    exchange,
    routingKey,
    headers: asItCame(headers),
    deliveryMode: headers[DELIVERY_MODE] === 1 ? 1 : message.deliveryMode,
    priority: byteOf(headers[PRIORITY]),
    expiration: textOf(headers[EXPIRATION]),
    userId: textOf(headers[USER_ID]),
    ...(verbatim === undefined ? {} : { verbatim: { ...verbatim, headers: verbatim.headers.flatMap(takenBack) } }),
  };
  return { message: original, record };
}

/** The same copy on another way: as it lies where it waits, without what the broker wrote on it on the way there. */
export function movedCopy(
  message: Message,
  to: { readonly exchange: string; readonly routingKey: string },
): Publication {
  const { body, headers, verbatim, exchange: _e, routingKey: _r, redelivered: _d, ...properties } = message;
  const isOfTheWay = (name: string) => isOfTheDelivery(name) || isDelayHeader(name) || DEATH.test(name);
  const exact = verbatim?.headers.filter(({ name }) => !isOfTheWay(name)) ?? [];
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !isOfTheWay(name)));
  return {
    ...to,
    body,
    mandatory: true,
    headers: exact.length > 0 ? {} : kept,
    ...(verbatim === undefined ? {} : { verbatim: { properties: verbatim.properties, headers: exact } }),
    properties,
  };
}

const DEATH = /^x-(?:death|(?:first|last)-death-(?:queue|reason|exchange))$/;

/** Headers that would mean something while the message waits, or when it comes back. */
function isPutAside(name: string): boolean {
  return name === 'CC' || name === 'BCC' || DEATH.test(name) || name.startsWith(OWN);
}

function setAside(headers: MessageHeaders): Record<string, unknown> {
  const kept = Object.entries(headers)
    .filter(([name]) => !isOfTheDelivery(name))
    .map(([name, value]) => [isPutAside(name) ? KEPT + name : name, value] as const);
  return Object.fromEntries(kept.filter(([name, value]) => isWritableHeader(name, value)));
}

function asItCame(headers: MessageHeaders): MessageHeaders {
  const came = Object.entries(headers).flatMap(([name, value]) => {
    if (name.startsWith(KEPT)) return [[name.slice(KEPT.length), value] as const];
    return isOfTheWait(name) ? [] : [[name, value] as const];
  });
  // `__proto__` is a name like any other here: an assignment would lose it.
  return Object.fromEntries(came);
}

/** Headers that the wait has added. */
function isOfTheWait(name: string): boolean {
  return name.startsWith(OWN) || isDelayHeader(name) || DEATH.test(name);
}

function putAside(header: VerbatimHeader): VerbatimHeader {
  const { name } = header;
  if (!isPutAside(name) || (header.entry[0] ?? 0) + KEPT.length > 255) return header;
  return { ...header, name: KEPT + name, entry: renamed(header.entry, (bytes) => Buffer.concat([KEPT_BYTES, bytes])) };
}

function takenBack(header: VerbatimHeader): readonly VerbatimHeader[] {
  const { name } = header;
  if (name.startsWith(KEPT)) {
    const entry = renamed(header.entry, (bytes) => bytes.subarray(KEPT.length));
    return [{ ...header, name: name.slice(KEPT.length), entry }];
  }
  return isOfTheWait(name) ? [] : [header];
}

const KEPT_BYTES = Buffer.from(KEPT);

/** An entry of a field table with another name: the length of the name stands in its first byte. */
function renamed(entry: Buffer, rename: (name: Buffer) => Buffer): Buffer {
  const length = entry[0] ?? 0;
  const name = rename(entry.subarray(1, 1 + length));
  return Buffer.concat([Buffer.of(name.length), name, entry.subarray(1 + length)]);
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value);
}

function countOf(value: unknown): number {
  return isWhole(value) ? Math.min(Math.max(value, 0), MAX_COUNT) : 0;
}

function byteOf(value: unknown): number | undefined {
  return isWhole(value) && value >= 0 && value <= 255 ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Milliseconds since the epoch; 0 for what is no time. */
function timeOf(value: unknown): number {
  const at = typeof value === 'string' && value.length <= 40 ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? 0 : at;
}

function historyOf(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  const lines = value.slice(0, MAX_HISTORY).filter((line): line is string => typeof line === 'string');
  return lines.map((line) => line.slice(0, MAX_LINE));
}
