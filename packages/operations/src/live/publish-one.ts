import type { MessageHeaders, MessageProperties } from '@leveret/core';
import { ConfirmedWriter } from '../moving/confirmed-writer.js';
import type { OperationsSession } from '../session/operations-session.js';

/** A message that a person sends. */
export interface HandMadeMessage {
  /** `''` is the default exchange, where the routing key names a queue. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly headers?: MessageHeaders;
  readonly properties?: MessageProperties;
}

/**
 * Publishes one message, persistent unless it says otherwise; resolves when the broker has it in every queue it is routed to.
 * @throws {LeveretError} LEV_PUBLISH_UNROUTABLE, LEV_PUBLISH_EXCHANGE_MISSING, LEV_PUBLISH_NACKED, LEV_PUBLISH_REFUSED, …
 */
export async function publishOne(session: OperationsSession, message: HandMadeMessage): Promise<void> {
  const { exchange, routingKey, body, headers = {}, properties } = message;
  const writer = new ConfirmedWriter(await session.broker.openPublishChannel(), session.clock);
  try {
    await writer.send({
      exchange,
      routingKey,
      body,
      headers,
      mandatory: true,
      properties: { deliveryMode: 2, ...properties },
    });
  } finally {
    await writer.close();
  }
}
