import { type Logger, logSafely } from './logger.js';

/** Where events go. {@link EventHub} is one. */
export interface EventSink<E> {
  /** Nobody listens: an event need not even be made. */
  readonly idle: boolean;
  emit(event: E): void;
}

/**
 * Hands events to whoever subscribed. A subscriber that throws is logged and does not disturb the others, nor the
 * delivery that the event is about.
 */
export class EventHub<E extends { readonly type: string }> implements EventSink<E> {
  readonly #listeners = new Set<(event: E) => void>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Nobody listens: an event need not even be made. */
  get idle(): boolean {
    return this.#listeners.size === 0;
  }

  /** Subscribes; the result unsubscribes. */
  on(listener: (event: E) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: E): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        logSafely(this.#logger, 'error', { err: error, event: event.type }, 'an event listener threw');
      }
    }
  }
}
