import { contentTypeConverter } from 'leveret';
import type { MessageConverter } from 'leveret/adapters';
import { bareMessage } from './consume-message.js';
import type { MessageDeserializer, MessageSerializer } from './rabbit-types.js';

/** How bodies are read and written. */
export interface JsonConverterOptions {
  readonly deserializer?: MessageDeserializer | undefined;
  readonly serializer?: MessageSerializer | undefined;
  /** What cannot be read is a text. */
  readonly allowNonJsonMessages?: boolean | undefined;
}

/**
 * Reads and writes bodies as golevelup does: JSON, whatever the content type says, unless there are functions for it. Bytes are
 * written as they are, nothing as nothing; an empty body is read as nothing.
 */
export function jsonConverter(options: JsonConverterOptions): MessageConverter {
  const { deserializer, serializer, allowNonJsonMessages = false } = options;
  const inner = contentTypeConverter();
  return {
    fromMessage(message, _target, hints) {
      try {
        if (deserializer !== undefined) return deserializer(message.body, bareMessage(message));
        if (message.body.length === 0) return undefined;
        const { contentType: _, ...json } = message;
        return inner.fromMessage(json, Object, hints);
      } catch (error) {
        if (allowNonJsonMessages) return message.body.toString();
        throw error;
      }
    },
    toMessage(payload, hints) {
      if (payload === undefined || payload === null) return { body: Buffer.alloc(0) };
      if (payload instanceof Uint8Array) return { body: Buffer.from(payload) };
      // A text is JSON, too: whoever reads it parses it.
      const json = { ...hints, contentType: hints.contentType ?? 'application/json' };
      return serializer === undefined ? inner.toMessage(payload, json) : { body: serializer(payload) };
    },
  };
}
