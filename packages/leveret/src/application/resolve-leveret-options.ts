import {
  AmqplibTransport,
  type ResolvedManagementOptions,
  resolveConnectionOptions,
  resolveManagementOptions,
} from '@leveret/amqplib';
import {
  type Clock,
  ConfigurationError,
  checkDuration,
  checkOptions,
  consoleLogger,
  describeValue,
  LISTENER_POLICY_OPTIONS,
  type Logger,
  type LogLevel,
  logSafely,
  Problems,
  type Redact,
  type ResolvedPublisherOptions,
  redactingLogger,
  redactor,
  resolvePublisherOptions,
  systemClock,
  type Topology,
  type Transport,
  topologyOf,
} from '@leveret/core';
import type { IdempotencyOptions } from '../decorators/idempotent.js';
import { readIdempotencyOptions } from '../reading/read-idempotent.js';
import { LEVERET_OPTION_NAMES, type LeveretOptions } from './leveret-options.js';
import { readShutdownHooks, type ShutdownSignal } from './shutdown-hooks.js';
import { START_MODES, type StartMode } from './start-listeners.js';

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

const DEFAULT_SHUTDOWN_MS = 25_000;

/** Checks and completes the options. Throws nothing: faults are told by the start, together with those of the listeners. */
export function resolveLeveretOptions(given: LeveretOptions): ResolvedLeveretOptions {
  const problems = new Problems();
  const raw = checkOptions(given, LEVERET_OPTION_NAMES, 'Leveret.start', problems) ? (given as LeveretOptions) : {};
  const clock = raw.clock ?? systemClock;
  if (raw.defaults !== undefined) {
    checkOptions(raw.defaults, Object.keys(LISTENER_POLICY_OPTIONS), 'defaults', problems);
  }
  if (raw.onEvent !== undefined && typeof raw.onEvent !== 'function') {
    problems.add(`onEvent must be a function; got ${describeValue(raw.onEvent)}`);
  }
  const redact = redactor(readRedact(raw.redact, problems));
  const logger = unfailing(readLogger(raw.logger, problems));
  const connection = attempt(problems, () => resolveConnectionOptions(raw.connection)) ?? resolveConnectionOptions({});
  return {
    raw,
    problems,
    clock,
    logger: raw.redact === undefined ? logger : redactingLogger(logger, redact),
    redact,
    transport: raw.transport ?? makeTransport(raw, clock, problems),
    publisher: resolvePublisherOptions(raw.publisher, problems.at('publisher')),
    management: resolveManagementOptions(raw.management, connection, problems),
    topology: topologyOf(raw.topology ?? {}, problems.at('topology')),
    idempotency: readIdempotencyOptions(raw.idempotency, problems),
    shutdownTimeoutMs:
      raw.shutdownTimeout === undefined
        ? DEFAULT_SHUTDOWN_MS
        : checkDuration(raw.shutdownTimeout, 'shutdownTimeout', DEFAULT_SHUTDOWN_MS, problems),
    shutdownSignals: readShutdownHooks(raw.shutdownHooks, problems),
    start: readStart(raw.start, problems),
    startTimeoutMs: connection.startTimeoutMs,
  };
}

function makeTransport(raw: LeveretOptions, clock: Clock, problems: Problems): Transport {
  const { connection, mismatch } = raw;
  if (mismatch !== undefined && mismatch !== 'fail' && mismatch !== 'warn') {
    problems.add(`mismatch must be 'fail' or 'warn'; got ${describeValue(mismatch)}`);
    return new AmqplibTransport({ clock });
  }
  const options = { clock, ...(connection && { connection }), ...(mismatch && { mismatch }) };
  try {
    return new AmqplibTransport(options);
  } catch (error) {
    // The faults of the connection have been noted already; a publisher needs a transport, though none is opened.
    if (error instanceof ConfigurationError) return new AmqplibTransport({ clock });
    throw error;
  }
}

function readStart(given: unknown, problems: Problems): StartMode {
  const mode = START_MODES.find((each) => each === given);
  if (mode === undefined && given !== undefined) {
    problems.add(`start must be ${START_MODES.map(describeValue).join(', ')}; got ${describeValue(given)}`);
  }
  return mode ?? 'fail';
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

const LEVELS: readonly unknown[] = ['debug', 'info', 'warn', 'error', 'silent'] satisfies LogLevel[];
const METHODS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly (keyof Logger)[];

function readRedact(given: unknown, problems: Problems): Redact | undefined {
  if (given === undefined || typeof given === 'function') return given as Redact | undefined;
  problems.add(`redact must be a function from text to text; got ${describeValue(given)}`);
  return undefined;
}

function readLogger(given: unknown, problems: Problems): Logger {
  if (given === undefined) return consoleLogger();
  if (LEVELS.includes(given)) return consoleLogger(given as LogLevel);
  const logger = given as Partial<Logger> | null;
  if (typeof logger === 'object' && METHODS.every((method) => typeof logger?.[method] === 'function')) {
    return logger as Logger;
  }
  problems.add(
    `logger must be one of ${LEVELS.map(describeValue).join(', ')}, or an object with the methods ${METHODS.join(', ')} (pino fits); got ${describeValue(given)}`,
  );
  return consoleLogger();
}

/** A logger that throws, as one does whose destination is closed, must keep nothing from being started, handled or closed. */
function unfailing(logger: Logger): Logger {
  return {
    debug: (fields, text) => logSafely(logger, 'debug', fields, text),
    info: (fields, text) => logSafely(logger, 'info', fields, text),
    warn: (fields, text) => logSafely(logger, 'warn', fields, text),
    error: (fields, text) => logSafely(logger, 'error', fields, text),
  };
}
