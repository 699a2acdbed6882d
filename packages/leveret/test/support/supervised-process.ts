import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type ListenerOptions, MemoryIdempotencyStore } from 'leveret';
import type { IdempotencyStore } from 'leveret/adapters';

/** What a supervised process is told at its start. */
export interface SupervisedOptions {
  readonly url: string;
  /** Options of its one listener; only what JSON can hold. */
  readonly listener: ListenerOptions;
  /** Where what is parked goes. */
  readonly parked: string;
  /** The order that ends the process when its handler begins. */
  readonly poison: number;
}

/** A question to the store of the supervisor, and its answer. */
export interface StoreQuestion {
  readonly id: number;
  readonly method: 'claim' | 'complete' | 'release' | 'renew';
  readonly args: readonly unknown[];
}

export interface StoreAnswer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** What a supervised process says, besides questions. */
export type SupervisedNews = { readonly begun: number } | { readonly handled: number } | { readonly event: string };

const PROGRAM = fileURLToPath(new URL('../programs/supervised.js', import.meta.url));

/** Starts processes again when they end, and has the store that outlives them. */
export class Supervisor implements AsyncDisposable {
  readonly handled: number[] = [];
  readonly events: string[] = [];
  /** Starts of each order's handler. */
  readonly begun = new Map<number, number>();
  crashes = 0;
  /** The store refuses every question. */
  isStoreDown = false;
  readonly #store: IdempotencyStore = new MemoryIdempotencyStore();
  readonly #options: SupervisedOptions;
  readonly #children = new Set<ChildProcess>();
  #isOver = false;

  constructor(options: SupervisedOptions, processes: number) {
    this.#options = options;
    for (let n = 0; n < processes; n++) this.#start();
  }

  count(event: string): number {
    return this.events.filter((each) => each === event).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await Promise.all(
      [...this.#children].map((child) => {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        return ended;
      }),
    );
  }

  #start(): void {
    const child = fork(PROGRAM, {
      env: { ...process.env, SUPERVISED_OPTIONS: JSON.stringify(this.#options) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#children.add(child);
    child.on('message', (message) => this.#heard(child, message as StoreQuestion | SupervisedNews));
    child.once('exit', () => {
      this.#children.delete(child);
      if (this.#isOver) return;
      this.crashes++;
      this.#start();
    });
  }

  #heard(child: ChildProcess, message: StoreQuestion | SupervisedNews): void {
    if ('method' in message) void this.#answer(child, message);
    else if ('handled' in message) this.handled.push(message.handled);
    else if ('begun' in message) this.begun.set(message.begun, (this.begun.get(message.begun) ?? 0) + 1);
    else this.events.push(message.event);
  }

  async #answer(child: ChildProcess, { id, method, args }: StoreQuestion): Promise<void> {
    let answer: StoreAnswer;
    if (this.isStoreDown) answer = { id, error: 'the store is down' };
    else {
      const ask = this.#store[method] as (...args: unknown[]) => Promise<unknown>;
      answer = { id, value: await ask.apply(this.#store, [...args]) };
    }
    if (child.connected) child.send(answer);
  }
}
