import type { Message } from '@leveret/core';
import type { DeliveryContext } from 'leveret';
import type { ConsumeMessage } from './amqp-message.js';

/** A delivery as amqplib gives it. */
export function consumeMessage({ message, consumerTag, deliveryTag, redelivered }: DeliveryContext): ConsumeMessage {
  return { ...bareMessage(message), fields: { ...bareMessage(message).fields, consumerTag, deliveryTag, redelivered } };
}

/** A message of which no delivery is known, as a converter sees it. */
export function bareMessage(message: Message): ConsumeMessage {
  const { body, headers, exchange, routingKey, redelivered } = message;
  return {
    content: body,
    fields: { consumerTag: '', deliveryTag: 0, exchange, routingKey, redelivered },
    properties: {
      headers,
      contentType: message.contentType,
      contentEncoding: message.contentEncoding,
      deliveryMode: message.deliveryMode,
      priority: message.priority,
      correlationId: message.correlationId,
      replyTo: message.replyTo,
      expiration: message.expiration,
      messageId: message.messageId,
      timestamp: message.timestamp,
      type: message.type,
      userId: message.userId,
      appId: message.appId,
      clusterId: undefined,
    },
  };
}
