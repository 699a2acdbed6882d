import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { eventually, inTime } from './eventually.js';

/** What a process that starts is told. */
export interface StartingOptions {
  readonly url: string;
  readonly queue: string;
  /** How long its container takes to make a listener, in milliseconds. */
  readonly containerMs: number;
}

const PROGRAM = fileURLToPath(new URL('../programs/starting.js', import.meta.url));

/** A process in the middle of its start. */
export class StartingProcess implements AsyncDisposable {
  readonly said: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  errors = '';

  private constructor(options: StartingOptions) {
    this.#child = fork(PROGRAM, {
      env: { ...process.env, STARTING_OPTIONS: JSON.stringify(options) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.on('message', (text) => this.said.push(String(text)));
    this.#child.stderr?.on('data', (chunk) => {
      this.errors += String(chunk);
    });
    this.#ended = once(this.#child, 'close');
  }

  /** Starts one, and waits until it has begun to start its application. */
  static async begin(options: StartingOptions): Promise<StartingProcess> {
    const starting = new StartingProcess(options);
    await eventually('the process to begin its start', () => starting.said.includes('starting'), 30_000);
    return starting;
  }

  signal(name: 'SIGTERM' | 'SIGINT'): void {
    this.#child.kill(name);
  }

  /** Waits until it has ended: its exit code, or the signal that ended it. */
  async ended(limitMs: number): Promise<number | string | null> {
    await inTime('the end of the process', this.#ended, limitMs);
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
