import { createInterface, type Interface } from 'node:readline';

/** Waits for Enter before each scene. Where nobody can press it any more, nothing is waited for. */
export class EnterKey implements Disposable {
  readonly #lines: Interface;
  #pressed = 0;
  #ended = false;
  #wake: () => void = () => {};

  constructor(input: NodeJS.ReadableStream = process.stdin) {
    this.#lines = createInterface({ input });
    this.#lines.on('line', () => {
      this.#pressed++;
      this.#wake();
    });
    this.#lines.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  async wait(): Promise<void> {
    while (this.#pressed === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#pressed > 0) this.#pressed--;
  }

  [Symbol.dispose](): void {
    this.#lines.close();
  }
}
