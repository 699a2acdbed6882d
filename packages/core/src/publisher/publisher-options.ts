import { checkKnown, isRecord } from '../errors/check-option.js';
import { describeValue, Problems } from '../errors/configuration-error.js';
import type { Publication } from '../message/message.js';
import type { PayloadType } from '../message/payload-type.js';
import { type OptionsOf, type ReadOptions, readOptions } from '../options/option.js';
import {
  customOption,
  durationOption,
  flagOption,
  functionOption,
  groupOption,
  numberOption,
  objectSchema,
  orValue,
  textOption,
  wholeNumberOption,
  wordOption,
} from '../options/option-kinds.js';
import type { BackoffPolicy } from '../time/backoff.js';
import type { Duration } from '../time/duration.js';
import { checkPublishOptions, PUBLISH_OPTIONS, type PublishDefaults, type PublishOptions } from './publish-options.js';

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

/** Retry of publishes, resolved. */
export interface PublishRetryPolicy {
  /** 1 when retry is off. */
  readonly maxAttempts: number;
  readonly backoff: BackoffPolicy;
  /** Repeats only what failed for want of a connection. */
  readonly connectionOnly?: boolean;
}

const USUAL_LONGEST_MS = 10_000;

/** The table of {@link PublishRetryOptions}. */
const RETRY_OPTIONS = {
  enabled: flagOption({ or: true, text: '`false`: one attempt' }),
  maxAttempts: wholeNumberOption({ from: 1, or: 3, text: 'attempts in all, the first included' }),
  initialInterval: durationOption({ or: '1s', zero: true, text: 'wait before the second attempt' }),
  multiplier: numberOption({ from: 1, or: 1, text: 'growth from wait to wait' }),
  maxInterval: durationOption({
    zero: true,
    byDefault: '10 s (or `initialInterval`, if that is longer)',
    text: 'the longest wait',
  }),
} satisfies OptionsOf<PublishRetryOptions>;

/** The table of {@link PublishBufferOptions}. */
const BUFFER_OPTIONS = {
  maxMessages: wholeNumberOption({
    from: 1,
    or: 10_000,
    text: 'messages held: waiting, in flight, between attempts',
  }),
  maxBytes: wholeNumberOption({
    from: 1,
    or: 64 * 1024 * 1024,
    byDefault: '64 MiB',
    text: 'bytes of their bodies; one message above it is taken when nothing else is held',
  }),
  whenFull: wordOption(['wait', 'fail'], {
    or: 'wait',
    text: 'the call waits for room, at most `waitTimeout`; `fail` rejects at once',
  }),
  waitTimeout: durationOption({ or: '30s', text: 'how long a call is held for room' }),
} satisfies OptionsOf<PublishBufferOptions>;

/** The table of {@link PublisherOptions}, in the order of the documentation. */
export const PUBLISHER_OPTIONS = {
  confirms: wordOption(['correlated', 'simple', 'none'], {
    or: 'correlated',
    text: 'what a publish waits for, see [confirm modes](#confirm-modes) (Spring: `none`)',
  }),
  returns: flagOption({
    or: true,
    text: 'publish as mandatory: what no queue is bound for is a failure (Spring: off)',
  }),
  createMessageIds: flagOption({ or: true, text: 'a random UUID for each message that has no id (Spring: off)' }),
  persistent: flagOption({ or: true, text: 'durable queues keep the message over a restart of the broker' }),
  retry: orValue(
    false,
    publishRetry({ ...readOptions(RETRY_OPTIONS, {}, new Problems()), enabled: false }),
    groupOption<PublishRetryOptions | true, typeof RETRY_OPTIONS, PublishRetryPolicy>(RETRY_OPTIONS, {
      flag: true,
      always: true,
      byDefault: '`true`',
      text: 'repeat what failed for want of a connection, by a nack, or without an answer, see [retry](#retry)',
      make: publishRetry,
    }),
  ),
  confirmTimeout: durationOption({ or: '10s', text: 'one attempt, from writing to confirm' }),
  connectionTimeout: durationOption({ or: '10s', text: 'one attempt to get a connection and a channel' }),
  window: wholeNumberOption({
    from: 1,
    to: 65_535,
    or: 256,
    text: 'unconfirmed messages at a time, with `correlated`',
  }),
  buffer: groupOption<PublishBufferOptions, typeof BUFFER_OPTIONS>(BUFFER_OPTIONS, {
    always: true,
    byDefault: 'as below',
    text: 'what the publisher may hold in memory',
  }),
  blockedTimeout: durationOption({
    or: '30s',
    text: 'while the broker has a memory or disk alarm; consuming goes on, it has its own connection',
  }),
  closeTimeout: durationOption({
    or: '10s',
    text: '`close()` waits for what is outstanding, then rejects the rest by name',
  }),
  requestTimeout: durationOption({ or: '5s', text: 'a request waits for its reply, the sending included' }),
  validate: functionOption<NonNullable<PublisherOptions['validate']>>({
    text: 'called with each payload before it is encoded; what it throws is what the publish rejects with',
  }),
  beforePublish: functionOption<NonNullable<PublisherOptions['beforePublish']>>({
    text: 'called with each message that was built from a payload; answers what is sent',
  }),
  appId: textOption({ text: 'name of this application, on every message' }),
  defaults: customOption<PublishDefaults, PublishDefaults>({
    schema: objectSchema(PUBLISH_OPTIONS),
    text: 'options of every message that the call itself does not set, see [messages](#messages)',
    read: readDefaults,
  }),
} satisfies OptionsOf<PublisherOptions>;

/** {@link PublisherOptions} with every default filled in and checked. All times in milliseconds. */
export interface ResolvedPublisherOptions extends ReadOptions<typeof PUBLISHER_OPTIONS> {}

/** Fills in defaults and notes every fault in `problems`; a faulty value is replaced by its default. */
export function resolvePublisherOptions(
  raw: PublisherOptions | undefined,
  problems: Problems,
): ResolvedPublisherOptions {
  const given: unknown = raw ?? {};
  if (!isRecord(given)) problems.add(`the options of the publisher must be an object; got ${describeValue(given)}`);
  else checkKnown(given, Object.keys(PUBLISHER_OPTIONS), 'the publisher', problems);
  const read = readOptions(PUBLISHER_OPTIONS, isRecord(given) ? given : {}, problems);
  const { confirms, window, appId, defaults } = read;
  return Object.freeze({
    ...read,
    window: { correlated: window, simple: 1, none: Number.POSITIVE_INFINITY }[confirms],
    defaults: Object.freeze({ ...(appId === undefined ? {} : { appId }), ...defaults }),
  });
}

function publishRetry(read: ReadOptions<typeof RETRY_OPTIONS>): PublishRetryPolicy {
  const { enabled, maxAttempts, initialIntervalMs, multiplier } = read;
  const maxIntervalMs = read.maxIntervalMs ?? Math.max(USUAL_LONGEST_MS, initialIntervalMs);
  const backoff = Object.freeze({ initialIntervalMs, multiplier, maxIntervalMs, jitter: 0 });
  return Object.freeze({ maxAttempts: enabled ? maxAttempts : 1, backoff });
}

/** What {@link PublishDefaults} leaves out. */
const ONE_MESSAGE_ONLY = ['messageId', 'correlationId', 'delay', 'deliverAt'] satisfies readonly Exclude<
  keyof PublishOptions,
  keyof PublishDefaults
>[];

function readDefaults(given: unknown, name: string, problems: Problems): PublishDefaults {
  if (given === undefined) return {};
  if (isRecord(given)) {
    checkPublishOptions(given, problems, `${name}.`);
    for (const one of ONE_MESSAGE_ONLY) {
      if (given[one] !== undefined) problems.add(`${name}.${one} is said of one message: give it to the publish`);
    }
    return given;
  }
  problems.add(`the options of ${name} must be an object; got ${describeValue(given)}`);
  return {};
}
