import type { Clock, ScheduledCall } from '../clock/virtual-clock.js';

/** What happens when a time has come. */
export interface QueueTimerActions {
  /** The head of the queue may have expired. */
  headDue(): void;
  /** Nobody has used the queue for as long as it may stand idle. */
  idle(): void;
}

/** When a queue has to look after itself: its head expires, or it was left unused for too long. */
export class QueueTimers {
  readonly #clock: Clock;
  readonly #actions: QueueTimerActions;
  #headTimer: ScheduledCall | undefined;
  #headTimerAt = 0;
  #idleTimer: ScheduledCall | undefined;
  #usedAt: number;

  constructor(clock: Clock, actions: QueueTimerActions) {
    this.#clock = clock;
    this.#actions = actions;
    this.#usedAt = clock.now();
  }

  /**
   * Looks again when the head expires. A timer that is too early stays: it finds nothing and the next look sets another.
   *
   * @param expiresAt clock time; -1 when the head does not expire, or there is none
   */
  watchHead(expiresAt: number): void {
    if (expiresAt < 0 || (this.#headTimer !== undefined && this.#headTimerAt <= expiresAt)) return;
    this.#headTimer?.cancel();
    this.#headTimerAt = expiresAt;
    this.#headTimer = this.#clock.schedule(() => {
      this.#headTimer = undefined;
      this.#actions.headDue();
    }, expiresAt - this.#clock.now());
  }

  /** Notes that the queue was used now. */
  touch(): void {
    this.#usedAt = this.#clock.now();
  }

  /** @param expiresMs how long the queue may stand unused, counted from its last use; `undefined` for ever */
  watchIdle(expiresMs: number | undefined): void {
    this.#idleTimer?.cancel();
    this.#idleTimer = undefined;
    if (expiresMs === undefined) return;
    this.#idleTimer = this.#clock.schedule(() => this.#actions.idle(), this.#usedAt + expiresMs - this.#clock.now());
  }

  stop(): void {
    this.#headTimer?.cancel();
    this.#idleTimer?.cancel();
  }
}
