import {
  contentTypeConverter,
  type EncodeHints,
  type Message,
  type MessageConverter,
  ofAnotherMessage,
  type PayloadClass,
} from '@leveret/core';

/**
 * The converter of the application's publisher. The publisher is there before the container has made anything (it is
 * injected into what the container makes), so a converter that is a class is only known later. What it cannot do is no
 * fault of the delivery whose handler publishes.
 */
export class DeferredConverter implements MessageConverter {
  #converter: MessageConverter = contentTypeConverter();

  use(converter: MessageConverter): void {
    this.#converter = converter;
  }

  fromMessage(message: Message, target: PayloadClass | undefined): unknown {
    try {
      return this.#converter.fromMessage(message, target);
    } catch (error) {
      throw ofAnotherMessage(error);
    }
  }

  toMessage(payload: unknown, hints: EncodeHints) {
    try {
      return this.#converter.toMessage(payload, hints);
    } catch (error) {
      throw ofAnotherMessage(error);
    }
  }
}
