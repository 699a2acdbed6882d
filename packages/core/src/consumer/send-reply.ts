import { describeValue } from '../errors/configuration-error.js';
import { LeveretError } from '../errors/leveret-error.js';
import type { HandlerRoute } from '../handler/handler.js';
import type { Publication } from '../message/message.js';
import type { Delivery } from '../transport/transport.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import { buildErrorReply, buildReply } from './reply.js';

/** Sends what a handler returned. The reply is with the broker before the request is acknowledged. */
export async function replyWithValue(
  env: DeliveryEnvironment,
  delivery: Delivery,
  route: HandlerRoute,
  value: unknown,
): Promise<void> {
  if (value === undefined) return;
  const reply = buildReply(delivery.message, value, route.reply);
  // When the requester is gone, the work is done all the same: doing it again would not bring the requester back.
  if (reply !== undefined) await send(env, delivery, reply);
}

/**
 * With `returnExceptions`, a requester that is still there gets the error instead of a retry: answers whether it did.
 * Never rejects: with a reply that cannot be sent, the failure goes the way of one that nobody asked about.
 */
export async function replyWithError(env: DeliveryEnvironment, delivery: Delivery, error: unknown): Promise<boolean> {
  if (!env.definition.returnExceptions) return false;
  try {
    const reply = buildErrorReply(delivery.message, error);
    return reply !== undefined && (await send(env, delivery, reply));
  } catch (fault) {
    env.reporter.report(delivery, { type: 'reply-dropped', error: fault });
    return false;
  }
}

/** Answers whether the reply has reached its queue; `false` when nobody is there to get it. */
async function send(env: DeliveryEnvironment, delivery: Delivery, reply: Publication): Promise<boolean> {
  const { exchange, routingKey } = reply;
  try {
    if (!isShort(exchange) || !isShort(routingKey)) throw nobodyThere(reply);
    await env.publisher.send(reply);
  } catch (error) {
    if (!isNobodyThere(error)) throw error;
    env.reporter.report(delivery, { type: 'reply-dropped', error });
    return false;
  }
  env.reporter.report(delivery, { type: 'replied', exchange, routingKey });
  return true;
}

function isNobodyThere(error: unknown): boolean {
  return (
    LeveretError.is(error) && (error.code === 'LEV_PUBLISH_UNROUTABLE' || error.code === 'LEV_PUBLISH_EXCHANGE_MISSING')
  );
}

const MAX_NAME_BYTES = 255;

function isShort(name: string): boolean {
  return Buffer.byteLength(name) <= MAX_NAME_BYTES;
}

/** Bytes that are not UTF-8 grow when they are read: no queue has such a name, and the reply could not even be written. */
function nobodyThere({ exchange, routingKey }: Publication): LeveretError {
  return new LeveretError(
    'LEV_PUBLISH_UNROUTABLE',
    `The request asks for its reply at ${describeValue(exchange)} with the key ${describeValue(routingKey)}; names have ${MAX_NAME_BYTES} bytes at most.`,
  );
}
