import { checkFlag, checkKnown, checkOneOf, checkWholeNumber } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import type { Publication } from '../message/message.js';
import type { PayloadType } from '../message/payload-type.js';
import type { BackoffPolicy } from '../time/backoff.js';
import { checkDuration, type Duration } from '../time/duration.js';
import type { PublishDefaults } from './publish-options.js';

/**
 * What a publish waits for.
 *
 * | mode | resolves when | in flight |
 * |---|---|---|
 * | `correlated` | its own confirm came | up to `window` |
 * | `simple` | its own confirm came | one at a time |
 * | `none` | it was written to the connection; nobody knows whether it arrived | no limit but the socket's |
 * @see https://www.rabbitmq.com/docs/confirms#publisher-confirms
 */
export type ConfirmMode = 'correlated' | 'simple' | 'none';

/** Retry of failed publishes, with the keys of Spring Boot's `template.retry.*`. */
export interface PublishRetryOptions {
  /** Default `true`. */
  readonly enabled?: boolean;
  /** Attempts in all, the first included. From 1; default 3. */
  readonly maxAttempts?: number;
  /** Wait before the second attempt. Default 1 s. */
  readonly initialInterval?: Duration;
  /** Growth of the wait from attempt to attempt. From 1; default 1. */
  readonly multiplier?: number;
  /** Longest wait between two attempts. Default 10 s, or `initialInterval` if that is longer. */
  readonly maxInterval?: Duration;
}

/** Limit of what a publisher holds in memory: messages that wait, are in flight, or are between two attempts. */
export interface PublishBufferOptions {
  /** From 1; default 10,000. */
  readonly maxMessages?: number;
  /** Bytes of bodies, from 1; default 64 MiB. One message above it is taken when nothing else is held. */
  readonly maxBytes?: number;
  /** Hold the call until there is room (`wait`, the default), or fail it at once. */
  readonly whenFull?: 'wait' | 'fail';
  /** How long a call is held for room. Default 30 s. */
  readonly waitTimeout?: Duration;
}

/** How a publisher works. Every option may be left out; the defaults favour not losing messages. */
export interface PublisherOptions {
  /** Default `correlated` (Spring: none). */
  readonly confirms?: ConfirmMode;
  /** Publish as mandatory, and report what no queue is bound for as a failure. Default `true` (Spring: off). */
  readonly returns?: boolean;
  /** Give a random UUID to each message that has no id. Default `true` (Spring: off). */
  readonly createMessageIds?: boolean;
  /** Default `true`. */
  readonly persistent?: boolean;
  /**
   * Repeats what failed for want of a connection, by a nack, or without an answer; never what is wrong with the message
   * itself. On by default (Spring: off, because there it blocks the thread): `false` turns it off.
   */
  readonly retry?: PublishRetryOptions | boolean;
  /** How long one attempt waits for its confirm once it is written. Default 10 s. */
  readonly confirmTimeout?: Duration;
  /** How long one attempt waits for a connection and channel. Default 10 s. */
  readonly connectionTimeout?: Duration;
  /**
   * Messages that may be unconfirmed at a time with `correlated`: as many may arrive twice when the connection is lost.
   * From 1 to 65,535; default 256, above which throughput grew no more than measurements differ.
   */
  readonly window?: number;
  readonly buffer?: PublishBufferOptions;
  /** How long a publish waits while the broker blocks the connection because of a resource alarm. Default 30 s. */
  readonly blockedTimeout?: Duration;
  /** How long {@link Publisher.close} waits for outstanding confirms. Default 10 s. */
  readonly closeTimeout?: Duration;
  /** How long a request waits for its reply, the sending included. Default 5 s. */
  readonly requestTimeout?: Duration;
  /**
   * Called with each payload before it is encoded, and with what its channel declares it as, if that says so. What it throws
   * (or rejects with) is what the publish rejects with; a promise has as long as `confirmTimeout`.
   */
  readonly validate?: (payload: unknown, type?: PayloadType) => void | Promise<void>;
  /** Called with each message that was built from a payload; answers what is sent, such as a copy with more headers. */
  readonly beforePublish?: (publication: Publication) => Publication;
  /** Name of this application, on every message. */
  readonly appId?: string;
  /** Options of every message that the call itself does not set. */
  readonly defaults?: PublishDefaults;
}

/** {@link PublisherOptions} with every default filled in and checked. All times in milliseconds. */
export interface ResolvedPublisherOptions {
  readonly confirms: ConfirmMode;
  readonly returns: boolean;
  readonly createMessageIds: boolean;
  readonly persistent: boolean;
  readonly retry: PublishRetryPolicy;
  readonly confirmTimeoutMs: number;
  readonly connectionTimeoutMs: number;
  /** 1 for `simple`, without limit for `none`. */
  readonly window: number;
  readonly buffer: {
    readonly maxMessages: number;
    readonly maxBytes: number;
    readonly whenFull: 'wait' | 'fail';
    readonly waitTimeoutMs: number;
  };
  readonly blockedTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly validate: PublisherOptions['validate'] | undefined;
  readonly beforePublish: ((publication: Publication) => Publication) | undefined;
  readonly defaults: PublishDefaults;
}

/** Retry of publishes, resolved. */
export interface PublishRetryPolicy {
  /** 1 when retry is off. */
  readonly maxAttempts: number;
  readonly backoff: BackoffPolicy;
  /** Repeats only what failed for want of a connection. */
  readonly connectionOnly?: boolean;
}

/** Fills in defaults and notes every fault in `problems`; a faulty value is replaced by its default. */
export function resolvePublisherOptions(
  raw: PublisherOptions | undefined,
  problems: Problems,
): ResolvedPublisherOptions {
  const options = objectOf(raw, 'the publisher', PUBLISHER_KEYS, problems) as PublisherOptions;
  const ms = (name: DurationKey, fallback: number) => waitMs(options[name], name, fallback, problems);
  const flag = (name: 'returns' | 'createMessageIds' | 'persistent') => checkFlag(options[name], name, true, problems);
  const confirms = checkOneOf(options.confirms, 'confirms', ['correlated', 'simple', 'none'], 'correlated', problems);
  const window = checkWholeNumber(options.window, 'window', { from: 1, to: 65_535, or: 256 }, problems);
  const appId = checkType(options.appId, 'appId', 'string', problems) as string | undefined;
  return Object.freeze({
    confirms,
    returns: flag('returns'),
    createMessageIds: flag('createMessageIds'),
    persistent: flag('persistent'),
    retry: resolveRetry(options.retry, problems),
    confirmTimeoutMs: ms('confirmTimeout', 10_000),
    connectionTimeoutMs: ms('connectionTimeout', 10_000),
    window: { correlated: window, simple: 1, none: Number.POSITIVE_INFINITY }[confirms],
    buffer: resolveBuffer(options.buffer, problems),
    blockedTimeoutMs: ms('blockedTimeout', 30_000),
    closeTimeoutMs: ms('closeTimeout', 10_000),
    requestTimeoutMs: ms('requestTimeout', 5_000),
    validate: checkType(options.validate, 'validate', 'function', problems) as PublisherOptions['validate'],
    beforePublish: checkType(
      options.beforePublish,
      'beforePublish',
      'function',
      problems,
    ) as PublisherOptions['beforePublish'],
    defaults: Object.freeze({
      ...(appId === undefined ? {} : { appId }),
      ...objectOf(options.defaults, 'defaults', undefined, problems),
    }),
  });
}

function resolveRetry(raw: PublisherOptions['retry'], problems: Problems): PublishRetryPolicy {
  const isFlag = raw === true || raw === false;
  const options = objectOf(isFlag ? undefined : raw, 'retry', RETRY_KEYS, problems) as PublishRetryOptions;
  const { enabled, maxAttempts, initialInterval, multiplier, maxInterval } = options;
  const isOn = checkFlag(enabled, 'retry.enabled', raw !== false, problems);
  const most = Number.MAX_SAFE_INTEGER;
  const attempts = checkWholeNumber(maxAttempts, 'retry.maxAttempts', { from: 1, to: most, or: 3 }, problems);
  const isGrowth = multiplier === undefined || (Number.isFinite(multiplier) && multiplier >= 1);
  if (!isGrowth) problems.add(`retry.multiplier must be a number from 1; got ${describeValue(multiplier)}`);
  const initialIntervalMs = checkDuration(initialInterval ?? 1_000, 'retry.initialInterval', 1_000, problems);
  const longest = Math.max(10_000, initialIntervalMs);
  const backoff = Object.freeze({
    initialIntervalMs,
    multiplier: isGrowth ? (multiplier ?? 1) : 1,
    maxIntervalMs: checkDuration(maxInterval ?? longest, 'retry.maxInterval', longest, problems),
    jitter: 0,
  });
  return Object.freeze({ maxAttempts: isOn ? attempts : 1, backoff });
}

function resolveBuffer(raw: PublisherOptions['buffer'], problems: Problems): ResolvedPublisherOptions['buffer'] {
  const options = objectOf(raw, 'buffer', BUFFER_KEYS, problems) as PublishBufferOptions;
  const { maxMessages, maxBytes, whenFull, waitTimeout } = options;
  const to = Number.MAX_SAFE_INTEGER;
  return Object.freeze({
    maxMessages: checkWholeNumber(maxMessages, 'buffer.maxMessages', { from: 1, to, or: 10_000 }, problems),
    maxBytes: checkWholeNumber(maxBytes, 'buffer.maxBytes', { from: 1, to, or: 64 * 1024 * 1024 }, problems),
    whenFull: checkOneOf(whenFull, 'buffer.whenFull', ['wait', 'fail'], 'wait', problems),
    waitTimeoutMs: waitMs(waitTimeout, 'buffer.waitTimeout', 30_000, problems),
  });
}

/** A wait in milliseconds. 0 is refused: nothing could ever succeed within it. */
function waitMs(value: unknown, name: string, fallback: number, problems: Problems): number {
  if (value === undefined) return fallback;
  const ms = checkDuration(value, name, fallback, problems);
  if (ms > 0) return ms;
  problems.add(`${name} must be more than 0 ms; got ${describeValue(value)}`);
  return fallback;
}

function objectOf(raw: unknown, what: string, known: readonly string[] | undefined, problems: Problems): object {
  if (raw === undefined) return {};
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    problems.add(`the options of ${what} must be an object; got ${describeValue(raw)}`);
    return {};
  }
  if (known !== undefined) checkKnown(raw, known, what, problems);
  return raw;
}

function checkType(value: unknown, name: string, type: 'string' | 'function', problems: Problems): unknown {
  if (value === undefined || typeof value === type) return value;
  problems.add(`${name} must be a ${type}; got ${describeValue(value)}`);
  return undefined;
}

type DurationKey = 'confirmTimeout' | 'connectionTimeout' | 'blockedTimeout' | 'closeTimeout' | 'requestTimeout';

const RETRY_KEYS = ['enabled', 'maxAttempts', 'initialInterval', 'multiplier', 'maxInterval'];
const BUFFER_KEYS = ['maxMessages', 'maxBytes', 'whenFull', 'waitTimeout'];
const PUBLISHER_KEYS = [
  'confirms',
  'returns',
  'createMessageIds',
  'persistent',
  'retry',
  'confirmTimeout',
  'connectionTimeout',
  'window',
  'buffer',
  'blockedTimeout',
  'closeTimeout',
  'requestTimeout',
  'validate',
  'beforePublish',
  'appId',
  'defaults',
];
