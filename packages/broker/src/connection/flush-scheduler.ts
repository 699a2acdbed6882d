import { afterThisTurn } from '../clock/timers.js';

/** Something with output to send. */
export interface Flushable {
  flush(): void;
}

/** Lets everything that was written to in one turn of the event loop be sent at its end. */
export class FlushScheduler {
  #waiting: Flushable[] = [];
  #scheduled = false;

  add(target: Flushable): void {
    this.#waiting.push(target);
    if (this.#scheduled) return;
    this.#scheduled = true;
    afterThisTurn(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    const targets = this.#waiting;
    this.#waiting = [];
    for (const target of targets) target.flush();
  }
}
