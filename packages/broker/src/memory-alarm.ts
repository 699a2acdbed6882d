import { getHeapStatistics } from 'node:v8';
import { type RealTimer, startTimer, stopTimer } from './clock/timers.js';

const LARGEST_DEFAULT_BYTES = 1024 ** 3;
const SHARE_OF_HEAP = 0.4;
/** How often the alarm looks whether it is over. */
const LOOK_MS = 50;

/** 40 % of what this process may have, at most 1 GiB. */
export function defaultMemoryLimit(): number {
  return Math.floor(Math.min(LARGEST_DEFAULT_BYTES, SHARE_OF_HEAP * getHeapStatistics().heap_size_limit));
}

/**
 * Raised while messages weigh more than the limit: connections that publish are then not read, so that a flood ends with
 * them and not with the process. What weighs is added up again after so many bytes have come that it could matter.
 *
 * @see https://www.rabbitmq.com/docs/alarms
 */
export class MemoryAlarm {
  readonly #limitBytes: number;
  readonly #held: () => number;
  readonly #ended: () => void;
  /** How much may still come before it has to look again. */
  #credit = 0;
  #timer: RealTimer | undefined;

  /**
   * @param held adds up what messages weigh now
   * @param ended told when the alarm is over
   */
  constructor(limitBytes: number, held: () => number, ended: () => void) {
    this.#limitBytes = limitBytes;
    this.#held = held;
    this.#ended = ended;
  }

  get raised(): boolean {
    return this.#timer !== undefined;
  }

  /** So many bytes came in, or were copied. */
  added(bytes: number): void {
    this.#credit -= bytes;
    if (this.#credit < 0 && !this.raised && this.#isOver()) this.#watch();
  }

  /** Ends it, whatever is held. */
  stop(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
  }

  #isOver(): boolean {
    const room = this.#limitBytes - this.#held();
    this.#credit = Math.max(room / 4, this.#limitBytes / 256);
    return room < 0;
  }

  #watch(): void {
    this.#timer = startTimer(() => {
      if (this.#isOver()) {
        this.#watch();
        return;
      }
      this.#timer = undefined;
      this.#ended();
    }, LOOK_MS);
    this.#timer.unref();
  }
}
