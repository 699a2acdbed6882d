import {
  contentTypeConverter,
  type EncodeHints,
  type Message,
  type MessageConverter,
  type PayloadClass,
} from '@leveret/core';

/**
 * The converter of the application's publisher. The publisher is there before the container has made anything (it is
 * injected into what the container makes), so a converter that is a class is only known later.
 */
export class DeferredConverter implements MessageConverter {
  #converter: MessageConverter = contentTypeConverter();

  use(converter: MessageConverter): void {
    this.#converter = converter;
  }

  fromMessage(message: Message, target: PayloadClass | undefined): unknown {
    return this.#converter.fromMessage(message, target);
  }

  toMessage(payload: unknown, hints: EncodeHints) {
    return this.#converter.toMessage(payload, hints);
  }
}
