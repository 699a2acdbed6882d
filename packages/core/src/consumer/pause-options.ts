import { describeValue, Problems } from '../errors/configuration-error.js';
import { checkDuration, type Duration } from '../time/duration.js';

/** How a listener is paused. */
export interface PauseOptions {
  /** For people: shown in the log, in `inspect()` and in the health of the application. Default `paused by hand`. */
  readonly reason?: string;
  /** It goes on by itself after this long. Above 0; default: only `resume()` ends the pause. */
  readonly for?: Duration;
  /** How long the call waits for handlers at work. Default 25 s; they are not interrupted when it is over. */
  readonly timeout?: Duration;
}

/** What a pause found. */
export interface PauseReport {
  /** Handlers that were still at work when the wait was over. They go on. */
  readonly atWork: number;
}

/** Why a listener takes nothing at the moment. */
export interface PauseState {
  /** A person, by `pause()`, or its own kill switch. */
  readonly by: 'person' | 'kill-switch';
  readonly reason: string;
  /** In milliseconds since the epoch. */
  readonly pausedAt: number;
  /** When it goes on by itself, or the kill switch tries a message; `undefined` when only `resume()` ends it. */
  readonly resumesAt: number | undefined;
}

const DEFAULT_REASON = 'paused by hand';
const DEFAULT_WAIT_MS = 25_000;
/** It stands in log lines and health checks. */
const LONGEST_REASON = 500;

/** {@link PauseOptions} with every default. */
export interface ResolvedPause {
  readonly reason: string;
  readonly forMs: number | undefined;
  readonly timeoutMs: number;
}

/** @throws {ConfigurationError} with every fault */
export function resolvePause(options: PauseOptions = {}): ResolvedPause {
  const problems = new Problems();
  const { reason, for: span, timeout } = options;
  if (reason !== undefined && (typeof reason !== 'string' || reason.trim() === '' || reason.length > LONGEST_REASON)) {
    problems.add(`reason must be a text of 1 to ${LONGEST_REASON} characters; got ${describeValue(reason)}`);
  }
  const forMs = span === undefined ? undefined : checkDuration(span, 'for', 1, problems);
  if (forMs === 0) problems.add('for must be longer than 0; leave it out to pause until resume()');
  const timeoutMs = timeout === undefined ? DEFAULT_WAIT_MS : checkDuration(timeout, 'timeout', 0, problems);
  problems.throwIfAny();
  return { reason: reason ?? DEFAULT_REASON, forMs, timeoutMs };
}
