import {
  type Clock,
  checkKnown,
  consoleLogger,
  customOption,
  type Duration,
  durationOption,
  type Logger,
  type OptionsOf,
  orValue,
  Problems,
  readOptions,
  systemClock,
  wholeNumberOption,
} from '@leveret/core';
import type { RefusalPolicy } from './decide-refusal.js';
import type { WakeUp } from './wake-up.js';

/** How a relay works. Every option may be left out. */
export interface OutboxRelayOptions {
  /** Messages on their way at a time; what has had no answer for 2 s does not count. From 1 to 10,000; default 250. */
  readonly batchSize?: number;
  /** Bytes of bodies on their way at a time; a larger one goes alone. From 1; default 16 MiB. */
  readonly batchBytes?: number;
  /** Longest wait between two looks at the table, give or take a quarter. Default 1 s. */
  readonly pollInterval?: Duration;
  /** Who says that there is something to do before the next look, such as {@link postgresWakeUp}. */
  readonly wakeUp?: WakeUp;
  /** After a crash, other relays take over what this one had once this has passed. Renewed while it works. Default 30 s. */
  readonly lease?: Duration;
  /** How long one publish may take, retries of the publisher included. Default 2 minutes. */
  readonly sendTimeout?: Duration;
  /** Refusals (nack, unroutable, no such exchange), and publishes without an answer while others get theirs, before a message is parked. From 1; default 10. */
  readonly maxFailures?: number;
  /** Wait after the first refusal; it doubles from one to the next. Default 1 s. */
  readonly initialInterval?: Duration;
  /** Longest wait between two refusals. Default 5 minutes. */
  readonly maxInterval?: Duration;
  /**
   * How long the inbox remembers handled messages; what is older is deleted every ten minutes, a few rows at a time, beside
   * the publishing. It has to be longer than the longest way back of a message, an error queue over a weekend included.
   * Default 7 days; `false`: this relay deletes nothing.
   */
  readonly retention?: Duration | false;
  readonly clock?: Clock;
  /** Default: that of the application it is attached to, else the console. */
  readonly logger?: Logger;
}

/** The table of {@link OutboxRelayOptions}, in the order of the documentation. */
export const RELAY_OPTIONS = {
  batchSize: wholeNumberOption({ from: 1, to: 10_000, or: 250, text: 'messages on their way at a time, 1 to 10,000' }),
  batchBytes: wholeNumberOption({
    from: 1,
    or: 16_777_216,
    byDefault: '16 MiB',
    text: 'bytes of bodies on their way at a time; a larger one goes alone',
  }),
  pollInterval: durationOption({
    or: '1s',
    text: 'longest wait between two looks at the table, give or take a quarter',
  }),
  wakeUp: customOption<WakeUp>({ text: 'who says that there is something to do before the next look' }),
  lease: durationOption({ or: '30s', text: 'how soon after a crash other relays take over; renewed while it works' }),
  sendTimeout: durationOption({ or: '2m', text: 'one publish, retries of the publisher included' }),
  maxFailures: wholeNumberOption({
    from: 1,
    to: 1_000_000,
    or: 10,
    text: 'refusals (nack, unroutable, no such exchange), and publishes without an answer while others get theirs, before a message is parked',
  }),
  initialInterval: durationOption({ or: '1s', text: 'wait after the first refusal; it doubles from one to the next' }),
  maxInterval: durationOption({ or: '5m', text: 'longest wait between two refusals' }),
  retention: orValue(
    false,
    undefined,
    durationOption({
      or: '7d',
      zero: true,
      unbounded: true,
      text: 'how long the inbox remembers handled messages: longer than the longest way back of a message; `false` deletes nothing',
    }),
  ),
  clock: customOption<Clock>({ byDefault: 'the time of this process', text: 'another time, for tests' }),
  logger: customOption<Logger>({ byDefault: "the application's, else the console", text: 'where log lines go' }),
} satisfies OptionsOf<OutboxRelayOptions>;

/** {@link OutboxRelayOptions} with every default filled in and checked. */
export interface ResolvedRelayOptions {
  readonly batchSize: number;
  readonly batchBytes: number;
  readonly pollIntervalMs: number;
  readonly wakeUp: WakeUp | undefined;
  readonly leaseMs: number;
  readonly sendTimeoutMs: number;
  readonly refusals: RefusalPolicy;
  readonly retentionMs: number | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** @throws {ConfigurationError} with every option that is unknown or out of range */
export function resolveRelayOptions(options: OutboxRelayOptions): ResolvedRelayOptions {
  const problems = new Problems('outbox relay');
  checkKnown(options, Object.keys(RELAY_OPTIONS), '', problems);
  const read = readOptions(RELAY_OPTIONS, options, problems);
  const {
    maxFailures,
    initialIntervalMs,
    maxIntervalMs,
    clock = systemClock,
    logger = consoleLogger(),
    ...rest
  } = read;
  problems.throwIfAny();
  const backoff = { initialIntervalMs, multiplier: 2, maxIntervalMs, jitter: 0.2 };
  return Object.freeze({ ...rest, refusals: { maxFailures, backoff }, clock, logger });
}
