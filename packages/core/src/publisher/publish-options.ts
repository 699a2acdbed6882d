import { checkKnown } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import type { MessageHeaders } from '../message/message.js';
import { isPlainObject } from '../message/wire-table.js';
import type { OptionsOf } from '../options/option.js';
import {
  customOption,
  DURATION_SCHEMA,
  durationOption,
  flagOption,
  wholeNumberOption,
} from '../options/option-kinds.js';
import type { Duration } from '../time/duration.js';

/** What can be said about one message besides its payload. What is left out comes from the publisher's `defaults`. */
export interface PublishOptions {
  /** Id of the message, kept over every retry. Default: a random UUID, unless `createMessageIds` is off. */
  readonly messageId?: string | undefined;
  readonly correlationId?: string | undefined;
  /** Queue that a reply is wanted on. */
  readonly replyTo?: string | undefined;
  /** MIME type the payload is written as. Default: what the converter makes of the payload. */
  readonly contentType?: string | undefined;
  /** Charset or compression of the body. Default: what the converter used; none for JSON, which is UTF-8. */
  readonly contentEncoding?: string | undefined;
  /** Kind of the message, for consumers that choose a handler by it. */
  readonly type?: string | undefined;
  readonly appId?: string | undefined;
  /** Must be the user of the connection: the broker refuses the message otherwise. */
  readonly userId?: string | undefined;
  /** When the message was made: a date, or whole seconds since the epoch. */
  readonly timestamp?: Date | number | undefined;
  /** Time to live in the queues, such as `'30s'`; at its end the message is dropped or dead-lettered. */
  readonly expiration?: Duration | undefined;
  /** 0 to 255; only priority queues look at it. */
  readonly priority?: number | undefined;
  /** Whether durable queues keep the message over a restart of the broker. */
  readonly persistent?: boolean | undefined;
  readonly headers?: MessageHeaders | undefined;
  /** Further routing keys that the exchange routes by; consumers see them in the header `CC`. */
  readonly cc?: string | readonly string[] | undefined;
  /** Further routing keys that consumers do not see. */
  readonly bcc?: string | readonly string[] | undefined;
  /** Fail when no queue is bound for the message. Default: the publisher's `returns`. */
  readonly mandatory?: boolean | undefined;
  /**
   * How long the message waits at the broker before it is routed, such as `'15m'`; up to 8.5 years. In whole seconds, rounded up;
   * above 68 minutes up to 0.05 % longer. 0 is at once. The confirm says that it waits there safely.
   */
  readonly delay?: Duration | undefined;
  /** When it is routed, instead of `delay`: a date up to 8.5 years ahead; one that is past is now. */
  readonly deliverAt?: Date | undefined;
}

/** Options that may be set once for all messages of a publisher. */
export type PublishDefaults = Omit<PublishOptions, 'messageId' | 'correlationId' | 'delay' | 'deliverAt'>;

/** The table of {@link PublishOptions}. */
export const PUBLISH_OPTIONS = {
  messageId: text('a random UUID', 'id of the message, kept over every retry'),
  correlationId: text('none', 'what a reply bears again'),
  replyTo: text('none', 'queue that a reply is wanted on'),
  contentType: text('what the converter makes of the payload', 'MIME type the payload is written as'),
  contentEncoding: text('what the converter used; none for JSON', 'charset or compression of the body'),
  type: text('what `@PublishTo` says', 'kind of the message, for consumers that choose a handler by it'),
  appId: text("the publisher's", 'name of the application'),
  userId: text('none', 'must be the user of the connection: the broker refuses the message otherwise'),
  timestamp: customOption<Date | number>({
    schema: { type: 'integer', minimum: 0 },
    text: 'when the message was made: a date, or whole seconds since 1970',
    read: (value, name, problems) => {
      const seconds = value instanceof Date ? epochSeconds(value) : value;
      if (value === undefined || (Number.isSafeInteger(seconds) && (seconds as number) >= 0)) {
        return value as Date | number | undefined;
      }
      problems.add(`${name} must be a Date or whole seconds since 1970; got ${describeValue(value)}`);
      return undefined;
    },
  }),
  expiration: durationOption({
    zero: true,
    unbounded: true,
    text: "time to live in the queues, such as `'30s'`; at its end the message is dropped or dead-lettered",
  }),
  priority: wholeNumberOption({ from: 0, to: 255, text: '0 to 255; only priority queues look at it' }),
  persistent: flagOption({ byDefault: "the publisher's", text: 'durable queues keep it over a restart of the broker' }),
  headers: customOption<MessageHeaders>({
    schema: { type: 'object' },
    text: 'see [below](#messages) what they may hold',
    read: (value, name, problems) => {
      // Spread, a Map would silently be nothing.
      if (value === undefined || isPlainObject(value)) return value as MessageHeaders | undefined;
      problems.add(`${name} must be a plain object; got ${describeValue(value)}`);
      return undefined;
    },
  }),
  cc: routingKeys('further routing keys that the exchange routes by; consumers see them in the header `CC`'),
  bcc: routingKeys('further routing keys that consumers do not see'),
  mandatory: flagOption({
    byDefault: "the publisher's `returns`",
    text: 'fail when no queue is bound for the message',
  }),
  delay: customOption<Duration>({
    byDefault: 'at once',
    schema: DURATION_SCHEMA,
    text: "how long the message waits at the broker before it is routed, such as `'15m'`; up to 8.5 years",
  }),
  deliverAt: customOption<Date>({ byDefault: 'at once', text: 'when it is routed, instead of `delay`: a date' }),
} satisfies OptionsOf<PublishOptions>;

const TABLE: Readonly<Record<string, (typeof PUBLISH_OPTIONS)[keyof typeof PUBLISH_OPTIONS]>> = PUBLISH_OPTIONS;

/**
 * Notes what is wrong with the options of one message. Only what is given is looked at: this is done for each message.
 * @param prefix put before each name in the text of a fault
 */
export function checkPublishOptions(given: PublishOptions, problems: Problems, prefix = 'publish option '): void {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const option = Object.hasOwn(TABLE, name) ? TABLE[name] : undefined;
    if (option === undefined) checkKnown({ [name]: value }, Object.keys(TABLE), 'a publish', problems);
    else option.read(value, `${prefix}${name}`, problems);
  }
}

/** Timestamps of AMQP are whole seconds since 1970. */
export function epochSeconds(timestamp: Date | number | undefined): number | undefined {
  return timestamp instanceof Date ? Math.floor(timestamp.getTime() / 1000) : timestamp;
}

function text(byDefault: string, meaning: string) {
  return customOption<string>({
    byDefault,
    schema: { type: 'string' },
    text: meaning,
    read: (value, name, problems) => {
      if (value === undefined || typeof value === 'string') return value;
      problems.add(`${name} must be a text; got ${describeValue(value)}`);
      return undefined;
    },
  });
}

/** The broker closes the channel on a CC or BCC that is no array of texts. */
function routingKeys(meaning: string) {
  return customOption<string | readonly string[]>({
    schema: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
    text: meaning,
    read: (value, name, problems) => {
      const keys: readonly unknown[] = Array.isArray(value) ? value : [value];
      for (const key of keys) {
        if (key === undefined || typeof key === 'string') continue;
        problems.add(`${name} must be a routing key or an array of routing keys; got ${describeValue(key)}`);
      }
      return value as string | readonly string[] | undefined;
    },
  });
}

/** The broker has the message. */
export interface PublishReceipt {
  readonly messageId: string | undefined;
  /** `false` only with `confirms: 'none'`: written to the connection, and nothing more is known. */
  readonly confirmed: boolean;
  /** Milliseconds from the last time it was written to its confirm. */
  readonly confirmMs: number;
  /** 1 when the first attempt succeeded. */
  readonly attempts: number;
}
