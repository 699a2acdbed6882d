import { errorText } from '../errors/error-text.js';
import { LeveretError } from '../errors/leveret-error.js';
import { isFatalMessageError, MessageConversionError } from '../errors/message-error.js';
import type { HandlerRoute } from '../handler/handler.js';
import { decideKey } from '../idempotency/decide-key.js';
import type { Message } from '../message/message.js';
import { refuseUnreadable } from '../message/verbatim.js';
import { within } from '../time/clock.js';
import type { OnceCall } from './attempt-once.js';
import type { DeliveryEnvironment } from './delivery-environment.js';

/** A message that was read: who handles it, with what, and how it takes effect once (`undefined` when it need not). */
export interface ReadCall {
  readonly route: HandlerRoute;
  readonly payload: unknown;
  readonly once: OnceCall | undefined;
}

/**
 * The reading stage: finds the handler, reads the payload, finds the key. A promise only when a rule of the payload is one.
 * @throws {FatalMessageError} when the message is at fault, which everything is that reading throws without having waited:
 * it had nothing but the message to go by, and would throw it again
 */
export function readCall(env: DeliveryEnvironment, message: Message): ReadCall | Promise<ReadCall> {
  let route: HandlerRoute;
  let payload: unknown;
  try {
    refuseUnreadable(message);
    route = env.definition.handler.route(message);
    payload = route.convert(message);
  } catch (error) {
    throw isFatalMessageError(error) ? error : new MessageConversionError(unreadable(error), { cause: error });
  }
  if (!isThenable(payload)) return withKey(env, message, route, payload);
  return inTime(env, payload).then((value) => withKey(env, message, route, value));
}

function withKey(env: DeliveryEnvironment, message: Message, route: HandlerRoute, payload: unknown): ReadCall {
  const idempotency = env.definition.idempotency?.get(route);
  if (idempotency === undefined) return { route, payload, once: undefined };
  const decision = decideKey(message, payload, idempotency.policy);
  if (decision.kind === 'reject') throw decision.error;
  return { route, payload, once: decision.kind === 'guard' ? { idempotency, key: decision.key } : undefined };
}

/**
 * A rule that asks a database, say, may take as long as the handler; one that never answers holds up no consumer for ever.
 * Behind its time it counts as a failed attempt, for that says nothing about the message.
 */
async function inTime({ clock, definition }: DeliveryEnvironment, reading: PromiseLike<unknown>): Promise<unknown> {
  const limitMs = definition.timeoutMs ?? READING_LIMIT_MS;
  return within(clock, limitMs, Promise.resolve(reading), () => {
    throw new LeveretError(
      'LEV_VALIDATION_TIMEOUT',
      `Validating the payload took longer than ${limitMs} ms: a rule waits for something that does not come. Bound what it asks, or raise the listener's timeout.`,
    );
  });
}

const READING_LIMIT_MS = 30_000;

function unreadable(error: unknown): string {
  return `Reading the message failed: ${errorText(error)}`;
}

/** As `await` sees it: query builders and the like are thenables that can be called. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const mayBe = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return mayBe && typeof (value as { then?: unknown }).then === 'function';
}
