import { closeSync, openSync, writeSync } from 'node:fs';
import { monotonicMicros } from './ledger-line.js';

/** The ledger of one process: lines are only ever appended, and are with the kernel before `write` returns. */
export class LedgerFile {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  /** A process that is killed behind it has still said so. */
  write(event: string, ...words: readonly (string | number)[]): void {
    writeSync(this.#file, `${monotonicMicros()} ${Date.now()} ${event} ${words.join(' ')}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The same for a process that nobody kills: lines of one turn of the event loop are written together. */
export class BufferedLedgerFile {
  readonly #file: number;
  #waiting: string[] = [];

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  write(event: string, words: string): void {
    if (this.#waiting.length === 0) setImmediate(() => this.flush());
    this.#waiting.push(`${monotonicMicros()} ${Date.now()} ${event} ${words}\n`);
  }

  flush(): void {
    if (this.#waiting.length > 0) writeSync(this.#file, this.#waiting.join(''));
    this.#waiting = [];
  }
}
