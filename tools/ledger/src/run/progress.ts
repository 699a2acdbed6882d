/** What a run says while it goes on: one line that is renewed on a terminal, a line every ten seconds elsewhere. */
export class Progress {
  readonly #began = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #isTerminal = process.stdout.isTTY === true;
  readonly #say: () => string;

  constructor(say: () => string) {
    this.#say = say;
    this.#timer = setInterval(() => this.#show(), this.#isTerminal ? 500 : 10_000);
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#isTerminal) process.stdout.write('\r\x1b[K');
  }

  #show(): void {
    const seconds = Math.floor((performance.now() - this.#began) / 1000);
    const line = `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}  ${this.#say()}`;
    process.stdout.write(
      this.#isTerminal ? `\r\x1b[K${line.slice(0, (process.stdout.columns ?? 80) - 1)}` : `${line}\n`,
    );
  }
}
