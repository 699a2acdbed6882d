import { describeValue } from '../errors/configuration-error.js';
import type { ErrorCode } from '../errors/error-codes.js';
import { LeveretError } from '../errors/leveret-error.js';
import type { HandlerRoute } from '../handler/handler.js';
import type { Publication } from '../message/message.js';
import type { Delivery } from '../transport/transport.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import { buildErrorReply, buildReply, requestedAddress } from './reply.js';
import { replyNotAllowed } from './reply-addresses.js';

/**
 * Sends what a handler returned. The reply is with the broker before the request is acknowledged. A reply that nobody can get,
 * for whatever reason, is dropped: the work is done, and doing it again would not bring the requester back.
 * @throws {PublishError} when there is no broker to take it
 */
export async function replyWithValue(
  env: DeliveryEnvironment,
  delivery: Delivery,
  route: HandlerRoute,
  value: unknown,
): Promise<void> {
  if (value === undefined) return;
  await send(env, delivery, () => buildReply(delivery.message, value, route.reply));
}

/**
 * With `returnExceptions`, a requester that is still there gets the error instead of a retry: answers whether it did.
 * Never rejects: with a reply that cannot be sent, the failure goes the way of one that nobody asked about.
 */
export async function replyWithError(env: DeliveryEnvironment, delivery: Delivery, error: unknown): Promise<boolean> {
  if (!env.definition.returnExceptions) return false;
  try {
    return await send(env, delivery, () => buildErrorReply(delivery.message, error, env.redact));
  } catch (fault) {
    env.reporter.report(delivery, { type: 'reply-dropped', error: fault });
    return false;
  }
}

/** Answers whether a reply was wanted and has reached its queue. */
async function send(
  env: DeliveryEnvironment,
  delivery: Delivery,
  build: () => Publication | undefined,
): Promise<boolean> {
  let reply: Publication | undefined;
  try {
    const requested = requestedAddress(delivery.message);
    if (requested !== undefined && !env.definition.replies.allows(requested)) throw replyNotAllowed(requested);
    reply = build();
    if (reply !== undefined) refuseLongNames(reply);
  } catch (error) {
    env.reporter.report(delivery, { type: 'reply-dropped', error });
    return false;
  }
  if (reply === undefined) return false;
  try {
    await env.publisher.reply(reply);
  } catch (error) {
    if (!isRefused(error)) throw error;
    env.reporter.report(delivery, { type: 'reply-dropped', error });
    return false;
  }
  const { exchange, routingKey } = reply;
  env.reporter.report(delivery, { type: 'replied', exchange, routingKey });
  return true;
}

/** What depends on where the request wants its reply, or on the reply itself. The want of a broker says nothing about either. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'LEV_PUBLISH_UNROUTABLE',
  'LEV_PUBLISH_EXCHANGE_MISSING',
  'LEV_PUBLISH_REFUSED',
  'LEV_PUBLISH_NACKED',
  'LEV_PUBLISH_UNENCODABLE',
  'LEV_PUBLISH_CONFIRM_TIMEOUT',
  'LEV_PUBLISH_BUFFER_FULL',
]);

function isRefused(error: unknown): boolean {
  return LeveretError.is(error) && REFUSALS.has(error.code);
}

const MAX_NAME_BYTES = 255;

/** Bytes that are not UTF-8 grow when they are read: no queue has such a name, and the reply could not even be written. */
function refuseLongNames({ exchange, routingKey }: Publication): void {
  if (Math.max(Buffer.byteLength(exchange), Buffer.byteLength(routingKey)) <= MAX_NAME_BYTES) return;
  throw new LeveretError(
    'LEV_PUBLISH_UNROUTABLE',
    `The request asks for its reply at ${describeValue(exchange)} with the key ${describeValue(routingKey)}; names have ${MAX_NAME_BYTES} bytes at most.`,
  );
}
