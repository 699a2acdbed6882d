import { contentTypeConverter, type Message } from '@leveret/core';

/** A message as it waits in a queue. */
export interface QueuedMessage extends Message {
  /** The body as its content type says: parsed JSON, text, or bytes; also the bytes when it cannot be read. */
  readonly payload: unknown;
  /** The body as UTF-8. */
  readonly text: string;
}

const converter = contentTypeConverter();

/** Adds the payload to a message. */
export function queuedMessage(message: Message): QueuedMessage {
  return { ...message, payload: payloadOf(message), text: message.body.toString('utf8') };
}

function payloadOf(message: Message): unknown {
  try {
    return converter.fromMessage(message, undefined);
  } catch {
    // A test that looks at a parked message wants to see it, not to fail because it is as broken as expected.
    return message.body;
  }
}
