import { createHash } from 'node:crypto';
import type { Message, MessageHeaders } from '@leveret/core';
import { type Death, lastFailure, readDeaths } from './death.js';

/** Who has written why a message is here. */
export type FailureSource =
  /** leveret's `republish`. */
  | 'leveret'
  /** Spring AMQP's `RepublishMessageRecoverer`. */
  | 'spring'
  /** A dead letter exchange of the broker. */
  | 'dead-letter'
  /** Nobody: there is nothing to read. */
  | 'unknown';

/** Why a message was parked, as far as its headers say. */
export interface Failure {
  readonly source: FailureSource;
  /** Groups failures of one kind: 16 hexadecimal digits. */
  readonly fingerprint: string;
  /** Listener that failed, such as `PayStatusListener.onPaySucceeded`. */
  readonly listener: string | undefined;
  /** Name of the application that failed. */
  readonly service: string | undefined;
  /** Queue whose consumer failed. */
  readonly queue: string | undefined;
  /** Exchange that the message was first published to; `''` is the default exchange. */
  readonly exchange: string | undefined;
  readonly routingKey: string | undefined;
  /** `exhausted`, `not-retryable`, `invalid`, `crash-loop`, or what the broker says: `rejected`, `expired`, … */
  readonly reason: string | undefined;
  readonly errorName: string | undefined;
  readonly errorMessage: string | undefined;
  readonly stack: string | undefined;
  /** Calls of the handler. */
  readonly attempts: number | undefined;
  readonly redeliveries: number | undefined;
  /** Milliseconds since the epoch. */
  readonly firstFailedAt: number | undefined;
  readonly lastFailedAt: number | undefined;
  /** What the broker wrote in `x-death`, newest first. */
  readonly deaths: readonly Death[];
}

/** Reads why a message was parked. Strangers can write such headers, too: what has not the right shape counts as not there. */
export function readFailure(message: Message): Failure {
  const { headers } = message;
  const deaths = readDeaths(headers);
  const death = lastFailure(deaths);
  const failedQueue = text(headers, 'x-leveret-queue');
  if (failedQueue !== undefined || text(headers, 'x-leveret-fingerprint') !== undefined) {
    return byLeveret(headers, failedQueue, deaths);
  }
  if (text(headers, 'x-original-exchange') !== undefined || text(headers, 'x-exception-message') !== undefined) {
    return bySpring(message, deaths);
  }
  return {
    ...NOTHING,
    source: death === undefined ? 'unknown' : 'dead-letter',
    fingerprint: digest(death === undefined ? 'unknown' : `${death.reason}|${death.queue}`),
    queue: death?.queue,
    exchange: death?.exchange,
    routingKey: death?.routingKeys[0],
    reason: death?.reason,
    attempts: death?.count,
    firstFailedAt: death?.at,
    lastFailedAt: death?.at,
    deaths,
  };
}

function byLeveret(headers: MessageHeaders, queue: string | undefined, deaths: readonly Death[]): Failure {
  const errorName = text(headers, 'x-leveret-error-name');
  return {
    source: 'leveret',
    fingerprint: text(headers, 'x-leveret-fingerprint') ?? digest(`${errorName}|${queue}`),
    listener: text(headers, 'x-leveret-listener'),
    service: text(headers, 'x-leveret-service'),
    queue,
    exchange: text(headers, 'x-original-exchange'),
    routingKey: text(headers, 'x-original-routingKey'),
    reason: text(headers, 'x-leveret-reason'),
    errorName,
    errorMessage: text(headers, 'x-exception-message'),
    stack: text(headers, 'x-exception-stacktrace'),
    attempts: count(headers, 'x-leveret-attempts'),
    redeliveries: count(headers, 'x-leveret-redeliveries'),
    firstFailedAt: time(headers, 'x-leveret-first-failed-at'),
    lastFailedAt: time(headers, 'x-leveret-last-failed-at'),
    deaths,
  };
}

function bySpring({ headers, appId, timestamp }: Message, deaths: readonly Death[]): Failure {
  const stack = text(headers, 'x-exception-stacktrace');
  const errorMessage = text(headers, 'x-exception-message');
  const cause = stack === undefined ? undefined : javaCause(stack);
  const exchange = text(headers, 'x-original-exchange');
  const routingKey = text(headers, 'x-original-routingKey');
  const at = timestamp === undefined ? undefined : timestamp * 1000;
  return {
    ...NOTHING,
    source: 'spring',
    fingerprint: digest(cause === undefined ? `${routingKey}|${withoutValues(errorMessage ?? '')}` : cause.kind),
    service: appId,
    // The default exchange routes by the name of the queue.
    queue: exchange === '' ? routingKey : undefined,
    exchange,
    routingKey,
    reason: 'exhausted',
    errorName: cause?.name,
    errorMessage,
    stack,
    firstFailedAt: at,
    lastFailedAt: at,
    deaths,
  };
}

const NOTHING: Omit<Failure, 'source' | 'fingerprint'> = {
  listener: undefined,
  service: undefined,
  queue: undefined,
  exchange: undefined,
  routingKey: undefined,
  reason: undefined,
  errorName: undefined,
  errorMessage: undefined,
  stack: undefined,
  attempts: undefined,
  redeliveries: undefined,
  firstFailedAt: undefined,
  lastFailedAt: undefined,
  deaths: [],
};

/** The innermost exception of a Java stack trace, and the first frame of it that is nobody's library. */
function javaCause(stack: string): { readonly name: string; readonly kind: string } | undefined {
  const lines = stack.slice(0, 100_000).split('\n');
  const from = lines.findLastIndex((line) => line.startsWith('Caused by: '));
  const head = (lines[Math.max(0, from)] ?? '').replace(/^Caused by: /, '');
  const name = /^([\w.$]+)(?::|$)/.exec(head.trim())?.[1];
  if (name === undefined) return undefined;
  const frames = lines.slice(from + 1).map((line) => /^\s+at ([\w.$<>/]+)\(/.exec(line)?.[1]);
  const own = frames.find((frame) => frame !== undefined && !JAVA_LIBRARY.test(frame)) ?? '';
  return { name, kind: `${name}|${own}` };
}

const JAVA_LIBRARY = /^(?:[\w.]+\/)?(?:java|javax|jdk|sun|jakarta|org\.springframework|com\.rabbitmq|com\.fasterxml)\./;

/** A text without what differs from message to message: numbers, ids, what stands in quotes. */
function withoutValues(value: string): string {
  return value
    .slice(0, 500)
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '#')
    .replace(/(["'`]).*?\1/g, '#')
    .replace(/\b(?:0x)?[0-9a-f]*\d[0-9a-f]*\b/gi, '#');
}

function digest(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 16);
}

const MAX_TEXT = 65_536;

function text(headers: MessageHeaders, name: string): string | undefined {
  const value = headers[name];
  // Java's long strings come as bytes from some clients.
  if (Buffer.isBuffer(value)) return value.toString('utf8', 0, MAX_TEXT);
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : undefined;
}

function count(headers: MessageHeaders, name: string): number | undefined {
  const value = headers[name];
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;
}

function time(headers: MessageHeaders, name: string): number | undefined {
  const value = headers[name];
  const at = typeof value === 'string' && value.length <= 40 ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
