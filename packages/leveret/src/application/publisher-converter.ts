import {
  contentTypeConverter,
  type EncodeHints,
  type Message,
  type MessageConverter,
  type PayloadClass,
} from '@leveret/core';
import { type PayloadReader, payloadReader, type ReadingPolicy } from '../payload/payload-reader.js';
import { targetOf } from '../payload/payload-target.js';

/**
 * The converter of the application's publisher. The publisher is there before the container has made anything (it is
 * injected into what the container makes), so a converter that is a class is only known later. Replies are read as the
 * payloads of handlers are: into an instance of the class that the caller asked for, and validated.
 */
export class PublisherConverter implements MessageConverter {
  #policy: ReadingPolicy = { converter: contentTypeConverter(), validation: {}, hints: {} };
  #readers = new Map<PayloadClass, PayloadReader>();

  use(policy: ReadingPolicy): void {
    this.#policy = policy;
    this.#readers = new Map();
  }

  /** A promise when a rule of the class may be asynchronous. */
  fromMessage(message: Message, target: PayloadClass | undefined): unknown {
    const { converter, hints } = this.#policy;
    if (target === undefined) return converter.fromMessage(message, undefined, hints);
    return this.#readerOf(target)(message);
  }

  toMessage(payload: unknown, hints: EncodeHints) {
    return this.#policy.converter.toMessage(payload, hints);
  }

  #readerOf(type: PayloadClass): PayloadReader {
    const known = this.#readers.get(type);
    if (known !== undefined) return known;
    const reader = payloadReader(targetOf(type), this.#policy);
    this.#readers.set(type, reader);
    return reader;
  }
}
