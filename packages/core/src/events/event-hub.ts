import { type Logger, logSafely } from './logger.js';
import { inContext } from './own-context.js';

/** Where events go. {@link EventHub} is one. */
export interface EventSink<E> {
  /** Nobody listens: an event need not even be made. */
  readonly idle: boolean;
  emit(event: E): void;
}

/**
 * Hands events to whoever subscribed. A subscriber that throws, or whose promise rejects, is logged and does not disturb
 * the others, nor the delivery that the event is about.
 */
export class EventHub<E extends { readonly type: string }> implements EventSink<E> {
  /** Replaced, not changed: a subscriber may come and go while an event is handed out. */
  #listeners: ReadonlySet<(event: E) => unknown> = new Set();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Nobody listens: an event need not even be made. */
  get idle(): boolean {
    return this.#listeners.size === 0;
  }

  /** Subscribes, in the async context of this call whoever raises an event; the result unsubscribes. */
  on(listener: (event: E) => unknown): () => void {
    const bound = inContext(listener);
    this.#listeners = new Set([...this.#listeners, bound]);
    return () => {
      this.#listeners = new Set([...this.#listeners].filter((each) => each !== bound));
    };
  }

  emit(event: E): void {
    for (const listener of this.#listeners) {
      // Left while the event was handed out.
      if (!this.#listeners.has(listener)) continue;
      try {
        const answer = listener(event);
        if (answer instanceof Promise) answer.catch((error: unknown) => this.#failed(error, event));
      } catch (error) {
        this.#failed(error, event);
      }
    }
  }

  #failed(error: unknown, event: E): void {
    logSafely(this.#logger, 'error', { err: error, event: event.type }, 'an event listener threw');
  }
}
