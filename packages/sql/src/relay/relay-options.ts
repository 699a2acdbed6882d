import {
  type Clock,
  checkDuration,
  consoleLogger,
  type Duration,
  describeValue,
  durationMs,
  type Logger,
  Problems,
  systemClock,
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

/** @throws {ConfigurationError} with every option that is out of range */
export function resolveRelayOptions(options: OutboxRelayOptions): ResolvedRelayOptions {
  const problems = new Problems('outbox relay');
  const ms = (value: Duration | undefined, name: string, or: number): number => {
    const found = checkDuration(value ?? or, name, or, problems);
    if (found > 0) return found;
    problems.add(`${name} must be more than 0 ms; got ${describeValue(value)}`);
    return or;
  };
  const whole = (value: number | undefined, name: string, or: number, to: number): number => {
    if (value === undefined) return or;
    if (Number.isSafeInteger(value) && value >= 1 && value <= to) return value;
    problems.add(`${name} must be a whole number from 1 to ${to}; got ${describeValue(value)}`);
    return or;
  };
  const { retention = '7d', clock = systemClock, logger = consoleLogger(), wakeUp } = options;
  const resolved: ResolvedRelayOptions = {
    batchSize: whole(options.batchSize, 'batchSize', 250, 10_000),
    batchBytes: whole(options.batchBytes, 'batchBytes', 16_777_216, Number.MAX_SAFE_INTEGER),
    pollIntervalMs: ms(options.pollInterval, 'pollInterval', 1_000),
    wakeUp,
    leaseMs: ms(options.lease, 'lease', 30_000),
    sendTimeoutMs: ms(options.sendTimeout, 'sendTimeout', 120_000),
    refusals: {
      maxFailures: whole(options.maxFailures, 'maxFailures', 10, 1_000_000),
      backoff: {
        initialIntervalMs: ms(options.initialInterval, 'initialInterval', 1_000),
        multiplier: 2,
        maxIntervalMs: ms(options.maxInterval, 'maxInterval', 300_000),
        jitter: 0.2,
      },
    },
    retentionMs: retention === false ? undefined : durationMs(retention, 'outbox relay: retention'),
    clock,
    logger,
  };
  problems.throwIfAny();
  return Object.freeze(resolved);
}
