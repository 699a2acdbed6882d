import { randomUUID } from 'node:crypto';
import type { Redact } from '../errors/redact.js';
import type { ReplyAddress, ReplyPolicy } from '../handler/handler.js';
import type { Message, Publication } from '../message/message.js';
import { remoteFailureReply } from '../publisher/remote-failure.js';
import { DIRECT_REPLY_TO } from '../publisher/requester.js';

/**
 * The reply to a message, or `undefined` when nobody wants one: the handler returned nothing, or there is neither a
 * `replyTo` on the message nor a `@SendTo` on the handler.
 */
export function buildReply(request: Message, value: unknown, policy: ReplyPolicy): Publication | undefined {
  if (value === undefined) return undefined;
  const address = requestedAddress(request) ?? policy.sendTo;
  if (address === undefined) return undefined;
  const { body, contentType, contentEncoding, headers } = policy.encode(value);
  return replyTo(request, address, { body, contentType, contentEncoding, headers: headers ?? {} });
}

/** The reply that says that the handler failed, in the form that Spring's `returnExceptions` has. */
export function buildErrorReply(request: Message, error: unknown, redact?: Redact): Publication | undefined {
  const address = requestedAddress(request);
  return address === undefined ? undefined : replyTo(request, address, remoteFailureReply(error, redact));
}

/** Where a request wants its reply, if it says so. */
export function requestedAddress(request: Message): ReplyAddress | undefined {
  return request.replyTo === undefined || request.replyTo === '' ? undefined : parseReplyAddress(request.replyTo);
}

/**
 * Reads `exchange/routingKey`, `routingKey` or `/routingKey` (the default exchange), `exchange/` (an empty key). What
 * starts with `amq.rabbitmq.reply-to` is a routing key as a whole.
 * @see https://www.rabbitmq.com/docs/direct-reply-to
 */
export function parseReplyAddress(text: string): ReplyAddress {
  const slash = text.startsWith(DIRECT_REPLY_TO) ? -1 : text.indexOf('/');
  return slash === -1
    ? { exchange: '', routingKey: text }
    : { exchange: text.slice(0, slash), routingKey: text.slice(slash + 1) };
}

function replyTo(
  request: Message,
  { exchange, routingKey }: ReplyAddress,
  content: Pick<Publication, 'body' | 'headers'> & {
    contentType?: string | undefined;
    contentEncoding?: string | undefined;
  },
): Publication {
  // An id that is no text goes back as it came, or the requester would not know it again.
  const id = request.verbatim?.properties[request.correlationId === undefined ? 'messageId' : 'correlationId'];
  return {
    ...(id === undefined ? {} : { verbatim: { properties: { correlationId: id }, headers: [] } }),
    exchange,
    routingKey,
    body: content.body,
    headers: content.headers,
    // Brokers before 4.3 return a mandatory direct reply although they delivered it.
    mandatory: !routingKey.startsWith(DIRECT_REPLY_TO),
    properties: {
      contentType: content.contentType,
      contentEncoding: content.contentEncoding,
      deliveryMode: 2,
      messageId: randomUUID(),
      correlationId: writableId(request.correlationId ?? request.messageId),
    },
  };
}

/** Bytes that are not UTF-8 grow when they are read: such an id can neither be written nor be the requester's any more. */
function writableId(id: string | undefined): string | undefined {
  return id !== undefined && Buffer.byteLength(id) <= 255 ? id : undefined;
}
