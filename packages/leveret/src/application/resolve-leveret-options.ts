import {
  AmqplibTransport,
  type ConnectionOptions,
  type ResolvedManagementOptions,
  resolveConnectionOptions,
  resolveManagementOptions,
} from '@leveret/amqplib';
import {
  type Clock,
  ConfigurationError,
  checkOptions,
  type Logger,
  Problems,
  type Redact,
  type ResolvedPublisherOptions,
  readOptions,
  redactingLogger,
  redactor,
  resolvePublisherOptions,
  systemClock,
  type Topology,
  type Transport,
  topologyOf,
} from '@leveret/core';
import type { IdempotencyOptions } from '../decorators/idempotent.js';
import { LEVERET_OPTIONS, type LeveretOptions } from './leveret-options.js';
import type { ShutdownSignal } from './shutdown-hooks.js';
import type { StartMode } from './start-listeners.js';

/** {@link LeveretOptions} as far as they can be resolved without the container; what is at fault has its default. */
export interface ResolvedLeveretOptions {
  readonly raw: LeveretOptions;
  /** Every fault found so far. */
  readonly problems: Problems;
  readonly transport: Transport;
  readonly publisher: ResolvedPublisherOptions;
  readonly management: ResolvedManagementOptions;
  readonly topology: Topology;
  readonly idempotency: IdempotencyOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What texts of errors go through before they leave the process. */
  readonly redact: Redact;
  readonly shutdownTimeoutMs: number;
  readonly shutdownSignals: readonly ShutdownSignal[];
  readonly start: StartMode;
  /** How long the start waits for the consumers of its listeners. */
  readonly startTimeoutMs: number;
}

/** Checks and completes the options. Throws nothing: faults are told by the start, together with those of the listeners. */
export function resolveLeveretOptions(given: LeveretOptions): ResolvedLeveretOptions {
  const problems = new Problems();
  const known = Object.keys(LEVERET_OPTIONS);
  const raw = checkOptions(given, known, 'Leveret.start', problems) ? (given as LeveretOptions) : {};
  const read = readOptions(LEVERET_OPTIONS, raw, problems);
  const { clock = systemClock, idempotency, logger, shutdownTimeoutMs, start } = read;
  const redact = redactor(read.redact);
  const connection = attempt(problems, () => resolveConnectionOptions(raw.connection)) ?? resolveConnectionOptions({});
  return {
    raw,
    problems,
    clock,
    logger: raw.redact === undefined ? logger : redactingLogger(logger, redact),
    redact,
    transport: raw.transport ?? makeTransport(raw.connection, read.mismatch, clock),
    publisher: resolvePublisherOptions(raw.publisher, problems.at('publisher')),
    management: resolveManagementOptions(raw.management, connection, problems),
    topology: topologyOf(raw.topology ?? {}, problems.at('topology')),
    idempotency,
    shutdownTimeoutMs,
    shutdownSignals: read.shutdownHooks,
    start,
    startTimeoutMs: connection.startTimeoutMs,
  };
}

function makeTransport(connection: ConnectionOptions | undefined, mismatch: 'fail' | 'warn', clock: Clock): Transport {
  try {
    return new AmqplibTransport({ clock, mismatch, ...(connection && { connection }) });
  } catch (error) {
    // The faults of the connection have been noted already; a publisher needs a transport, though none is opened.
    if (error instanceof ConfigurationError) return new AmqplibTransport({ clock });
    throw error;
  }
}

function attempt<T>(problems: Problems, resolve: () => T): T | undefined {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const problem of error.problems) problems.add(problem);
    return undefined;
  }
}
