import type { SessionSink } from '@leveret/amqplib';
import { type Clock, type Delivery, LeveretError } from '@leveret/core';

/** What has come, and is being worked on. */
export class Hand implements SessionSink {
  busy = 0;
  taken = 0;
  readonly #work: (delivery: Delivery) => Promise<void>;
  readonly #clock: Clock;
  readonly #failures: unknown[] = [];
  #movedAt: number;
  #isStopped = false;
  #ended: { readonly error: Error | undefined } | undefined;

  constructor(work: (delivery: Delivery) => Promise<void>, clock: Clock) {
    this.#work = work;
    this.#clock = clock;
    this.#movedAt = clock.monotonic();
  }

  get quietMs(): number {
    return this.#clock.monotonic() - this.#movedAt;
  }

  delivered(delivery: Delivery): void {
    if (this.#isStopped || this.#failures.length > 0) return;
    this.taken++;
    this.busy++;
    this.#work(delivery)
      .catch((error: unknown) => {
        this.#failures.push(error);
      })
      .finally(() => {
        this.busy--;
        this.#movedAt = this.#clock.monotonic();
      });
  }

  /** Begins nothing more. */
  stop(): void {
    this.#isStopped = true;
  }

  ended(error: Error | undefined): void {
    this.#ended ??= { error };
  }

  /** @throws what the first work that failed threw, or LEV_OPERATION_INTERRUPTED when no more can come */
  throwIfEnded(queue: string): void {
    if (this.#failures.length > 0) throw this.#failures[0];
    if (this.#ended === undefined) return;
    const why = this.#ended.error?.message ?? 'its consumer was cancelled';
    throw new LeveretError('LEV_OPERATION_INTERRUPTED', `Queue ${JSON.stringify(queue)} could not be emptied: ${why}`);
  }
}
