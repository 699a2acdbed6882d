import { type Clock, systemClock } from '@leveret/core';
import type { Io } from './io.js';

const EVERY_MS = 2000;
const TERMINAL_EVERY_MS = 100;

/** One line about how far long work is: written again on a terminal, now and then elsewhere. */
export class ProgressLine {
  readonly #io: Pick<Io, 'err' | 'isTerminal'>;
  readonly #clock: Clock;
  #saidAt = Number.NEGATIVE_INFINITY;
  #isOpen = false;

  constructor(io: Pick<Io, 'err' | 'isTerminal'>, clock: Clock = systemClock) {
    this.#io = io;
    this.#clock = clock;
  }

  say(text: string): void {
    const now = this.#clock.monotonic();
    if (now - this.#saidAt < (this.#io.isTerminal ? TERMINAL_EVERY_MS : EVERY_MS)) return;
    this.#saidAt = now;
    this.#isOpen = this.#io.isTerminal;
    this.#io.err(this.#io.isTerminal ? `\r\u001b[K${text}` : `${text}\n`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isOpen) this.#io.err('\r\u001b[K');
    this.#isOpen = false;
  }
}
