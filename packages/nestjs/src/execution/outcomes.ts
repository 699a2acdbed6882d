import { isFatalMessageError, isMessageRefused, MessageRefusedError } from '@leveret/core';
import { ForbiddenException, HttpException } from '@nestjs/common';
import { LeveretError } from 'leveret';

/** Where an error of an attempt was thrown. */
export type Origin = 'guard' | 'pipe' | 'other';

/**
 * What an error that left Nest means for the message.
 *
 * | error | from | the message |
 * |---|---|---|
 * | `RejectMessage` and the like in its chain of causes | anywhere | what it says |
 * | `ForbiddenException` | anywhere | refused |
 * | `HttpException` of 400 to 499, but 408 and 429 | guard, pipe | refused |
 * | one with a `code`, as those of drivers and sockets have; status 408, 429, 500 and above; a time-out | guard, pipe | failed: may be tried again |
 * | any other | pipe | refused |
 * | any other | guard, interceptor, handler, filter | failed |
 *
 * Refused: rejected at once, to the dead letter exchange (or recovered, with `invalid: 'recover'`), never retried.
 */
export function outcomeOf(error: unknown, origin: Origin): unknown {
  if (asksForOutcome(error) || isMessageRefused(error)) return error;
  const refused = error instanceof ForbiddenException || (origin !== 'other' && isMessagesFault(error, origin));
  return refused ? new MessageRefusedError(`${PLACES[origin]}: ${textOf(error)}`, { cause: error }) : error;
}

const PLACES: Readonly<Record<Origin, string>> = {
  guard: 'A guard refused the message',
  pipe: 'A pipe refused the message',
  other: 'The message was refused',
};

function isMessagesFault(error: unknown, origin: Origin): boolean {
  if (isFatalMessageError(error)) return true;
  if (error instanceof HttpException) {
    const status = error.getStatus();
    return status >= 400 && status < 500 && status !== 408 && status !== 429;
  }
  return origin === 'pipe' && !isTrouble(error);
}

/** Trouble of somebody who was asked, such as a database, says nothing about the message. */
function isTrouble(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return code !== undefined || name === 'TimeoutError' || name === 'AbortError';
}

const OUTCOMES: ReadonlySet<string> = new Set([
  'LEV_REJECT_MESSAGE',
  'LEV_REQUEUE_MESSAGE',
  'LEV_ACKNOWLEDGE_MESSAGE',
  'LEV_RETRY_AFTER',
]);

/** Whether a value is `RejectMessage`, `RequeueMessage`, `AcknowledgeMessage` or `RetryAfter`. */
export function isOutcome(value: unknown): value is LeveretError {
  return LeveretError.is(value) && OUTCOMES.has(value.code);
}

function asksForOutcome(error: unknown): boolean {
  let current: unknown = error;
  for (let depth = 0; depth < 32 && typeof current === 'object' && current !== null; depth++) {
    if (isOutcome(current)) return true;
    current = (current as { readonly cause?: unknown }).cause;
  }
  return false;
}

/** With what `ValidationPipe` found, which its message does not say. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const response = error instanceof HttpException ? error.getResponse() : undefined;
  const details = typeof response === 'object' ? (response as { readonly message?: unknown }).message : undefined;
  return Array.isArray(details) ? `${error.message}: ${details.slice(0, 20).join('; ')}` : error.message;
}
