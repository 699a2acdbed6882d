import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ListenerOptions } from 'leveret';
import { eventually, inTime } from './eventually.js';

/** What a worker is told at its start. */
export interface WorkerOptions {
  readonly url: string;
  /** Options of its one listener; only what JSON can hold. */
  readonly listener: ListenerOptions;
  /** How long its handler takes, in milliseconds; 0: it returns in the turn that called it. */
  readonly handlerMs: number;
  /** Its handler stops the event loop at id 0, so that what follows comes in one packet, and kills the process at this id. */
  readonly diesAt?: number;
  readonly shutdownHooks?: boolean;
  readonly shutdownTimeoutMs?: number;
}

/** What a worker says. */
export type WorkerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'start' | 'done' | 'signal'; readonly id: number }
  | { readonly type: 'event'; readonly event: string };

const PROGRAM = fileURLToPath(new URL('../programs/worker.js', import.meta.url));

/** A consuming process of its own. Unhandled rejections end it, as they would in production. */
export class WorkerProcess implements AsyncDisposable {
  readonly said: WorkerMessage[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  #errors = '';

  private constructor(options: WorkerOptions) {
    this.#child = fork(PROGRAM, {
      execArgv: ['--unhandled-rejections=strict', '--enable-source-maps'],
      env: { ...process.env, WORKER_OPTIONS: JSON.stringify(options) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.on('message', (message) => this.said.push(message as WorkerMessage));
    this.#child.stderr?.on('data', (chunk) => {
      this.#errors += String(chunk);
    });
    this.#ended = once(this.#child, 'close').then(([code, signal]) => ({ code, signal }));
  }

  /** Starts one and waits until it consumes. */
  static async start(options: WorkerOptions): Promise<WorkerProcess> {
    const worker = new WorkerProcess(options);
    try {
      await eventually('the worker to consume', () => worker.heard('ready') > 0, 30_000);
    } catch (error) {
      await worker[Symbol.asyncDispose]();
      throw new Error(`the worker did not start: ${worker.errors}`, { cause: error });
    }
    return worker;
  }

  /** What it wrote to stderr: nothing, when all is well. */
  get errors(): string {
    return this.#errors;
  }

  /** How often it said so. */
  heard(type: 'ready' | 'start' | 'done' | 'signal'): number {
    return this.said.filter((message) => message.type === type).length;
  }

  /** Ids that its handler was called with, or finished. */
  ids(type: 'start' | 'done'): readonly number[] {
    return this.said.flatMap((message) => (message.type === type ? [message.id] : []));
  }

  events(type: string): number {
    return this.said.filter((message) => message.type === 'event' && message.event === type).length;
  }

  /** Closes its application by a call, not by a signal. */
  close(): void {
    this.#child.send('close');
  }

  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): void {
    this.#child.kill(name);
  }

  /** Waits until it has ended, by itself or by a signal. */
  ended(limitMs = 30_000): Promise<{ readonly code: number | null; readonly signal: string | null }> {
    return inTime('the end of the worker', this.#ended, limitMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
