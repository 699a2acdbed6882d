import type { Clock, DelayedPublishes, ListenerContainer, Logger } from '@leveret/core';

const LOOK_EVERY_MS = 10_000;

/** Looks from time to time how many messages wait at the broker, so that `inspect()` and health can tell. */
export class WaitingWatch {
  readonly #delayed: DelayedPublishes;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #cancel: () => void = () => {};
  #stranded = 0;

  constructor(delayed: DelayedPublishes, logger: Logger, clock: Clock) {
    this.#delayed = delayed;
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Nothing is looked for where nothing waits. */
  start(listeners: readonly ListenerContainer[]): void {
    if (!listeners.some(({ waitingQueues }) => waitingQueues.length > 0)) return;
    void this.#look(listeners);
    this.#cancel = this.#clock.after(LOOK_EVERY_MS, () => this.start(listeners));
  }

  stop(): void {
    this.#cancel();
  }

  async #look(listeners: readonly ListenerContainer[]): Promise<void> {
    const lookedAt = this.#clock.now();
    await this.#delayed.look(
      listeners.flatMap(({ waitingQueues }) => waitingQueues),
      lookedAt,
    );
    const stranded = listeners
      .map((listener) => listener.inspect().redelivery?.stranded)
      .find((each) => each !== undefined);
    if (stranded === undefined) return;
    if (stranded.messages > this.#stranded) {
      this.#logger.error(
        stranded,
        'messages came back from a wait whose queue was gone; they are kept in this queue, and release() of the listener of their queue brings them back',
      );
    }
    this.#stranded = stranded.messages;
  }
}
