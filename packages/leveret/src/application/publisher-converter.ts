import {
  contentTypeConverter,
  type EncodeHints,
  type Message,
  type MessageConverter,
  type OnePayloadType,
  type PayloadClass,
  type PayloadType,
} from '@leveret/core';
import { type PayloadReader, payloadReader, type ReadingPolicy } from '../payload/payload-reader.js';
import { targetOf } from '../payload/payload-target.js';

/**
 * The converter of the application's publisher. The publisher is there before the container has made anything (it is
 * injected into what the container makes), so a converter that is a class is only known later. Replies are read as the
 * payloads of handlers are: into what the caller asked for, and validated.
 */
export class PublisherConverter implements MessageConverter {
  #policy: ReadingPolicy = { converter: contentTypeConverter(), validation: {}, hints: {} };
  #readers = new ReplyReaders(this.#policy);

  use(policy: ReadingPolicy): void {
    this.#policy = policy;
    this.#readers = new ReplyReaders(policy);
  }

  fromMessage(message: Message, target: PayloadClass | undefined): unknown {
    const { converter, hints } = this.#policy;
    return converter.fromMessage(message, target, hints);
  }

  /** A promise when a rule may be asynchronous. */
  readReply(message: Message, type: PayloadType): unknown {
    return this.#readers.of(type)(message);
  }

  toMessage(payload: unknown, hints: EncodeHints) {
    return this.#policy.converter.toMessage(payload, hints);
  }
}

/** What reads replies, prepared once for each type. A schema may be made for one request, and is not kept. */
class ReplyReaders {
  readonly #policy: ReadingPolicy;
  readonly #one = new WeakMap<OnePayloadType, PayloadReader>();
  readonly #each = new WeakMap<OnePayloadType, PayloadReader>();

  constructor(policy: ReadingPolicy) {
    this.#policy = policy;
  }

  of(type: PayloadType): PayloadReader {
    const each = isArray(type);
    const element = each ? type[0] : type;
    const known = each ? this.#each : this.#one;
    const reader = known.get(element) ?? payloadReader(targetOf(element, each), this.#policy);
    known.set(element, reader);
    return reader;
  }
}

function isArray(type: PayloadType): type is readonly [OnePayloadType] {
  return Array.isArray(type);
}
