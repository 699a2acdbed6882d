import type { Message, Verbatim } from '@leveret/core';
import type { Message as AmqplibMessage } from 'amqplib';
import { NO_HEADERS } from '../wire/read-properties.js';

/** A message of amqplib as leveret sees it: flat, and always of the same shape, so that reading it stays fast. */
export function readMessage(received: AmqplibMessage): Message {
  const { fields, properties } = received;
  return {
    body: received.content,
    headers: properties.headers ?? NO_HEADERS,
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    redelivered: fields.redelivered === true,
    contentType: properties.contentType,
    contentEncoding: properties.contentEncoding,
    deliveryMode: properties.deliveryMode,
    priority: properties.priority,
    correlationId: properties.correlationId,
    replyTo: properties.replyTo,
    expiration: properties.expiration,
    messageId: properties.messageId,
    timestamp: properties.timestamp,
    type: properties.type,
    userId: properties.userId,
    appId: properties.appId,
    // Set by guardDecoding(); amqplib's types know nothing of it.
    verbatim: (properties as { readonly verbatim?: Verbatim }).verbatim,
  };
}
