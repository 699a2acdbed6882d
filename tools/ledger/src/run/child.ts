import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { monotonicMicros } from '../ledger/ledger-line.js';
import type { Order, ProcessOptions, ProxyAction, Told } from '../processes/ledger-process.js';

const READY_LIMIT_MS = 120_000;
const ANSWER_LIMIT_MS = 10_000;

/** How one life of a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One life of one process of a run. */
export class Child {
  readonly options: ProcessOptions;
  readonly bornAt = monotonicMicros();
  readonly exited: Promise<Exit>;
  counts = { attempted: 0, confirmed: 0, handled: 0, lastStart: 0 };
  ports: readonly number[] = [];
  isFinished = false;
  /** Its end is the conductor's doing. */
  mayEnd = false;
  #exit: Exit | undefined;
  readonly #process: ChildProcess;
  readonly #answers = new Map<number, () => void>();
  #questions = 0;

  constructor(
    program: string | undefined,
    options: ProcessOptions,
    {
      imports,
      environment,
    }: { readonly imports: readonly string[]; readonly environment: Readonly<Record<string, string>> },
    onExit: (child: Child, exit: Exit) => void,
  ) {
    this.options = options;
    const path = program ?? fileURLToPath(new URL(`../processes/${options.role}.js`, import.meta.url));
    this.#process = fork(path, {
      // Own, so that Node does not pass it on: coverage is written at the end, and ends are what is measured.
      env: { ...process.env, ...environment, NODE_V8_COVERAGE: undefined, LEDGER_PROCESS: JSON.stringify(options) },
      execArgv: imports.flatMap((each) => ['--import', each]),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const output = createWriteStream(join(options.folder, `${options.name}.out`));
    this.#process.stdout?.pipe(output, { end: false });
    this.#process.stderr?.pipe(output, { end: false });
    this.#process.on('message', (told: Told) => this.#told(told));
    this.exited = once(this.#process, 'exit').then(([code, signal]) => {
      this.#exit = { code, signal };
      onExit(this, this.#exit);
      return this.#exit;
    });
  }

  /** It has said that it is ready. */
  get isReady(): boolean {
    return this.#isReady;
  }

  get isAlive(): boolean {
    return this.#exit === undefined;
  }

  /** Resolves once it says that it is ready; rejects when it ends before, or takes too long. */
  async ready(): Promise<void> {
    const end = performance.now() + READY_LIMIT_MS;
    while (!this.#isReady) {
      if (!this.isAlive) {
        if (this.mayEnd) return;
        throw new Error(`${this.options.name} ended before it was ready (see ${this.options.name}.out)`);
      }
      if (performance.now() > end) throw new Error(`${this.options.name} was not ready within ${READY_LIMIT_MS} ms`);
      await delay(20);
    }
  }

  #isReady = false;

  tell(order: Order): void {
    if (this.isAlive && this.#process.connected) this.#process.send(order, () => undefined);
  }

  /** Has the proxy do something, and resolves when that is done. */
  async act(action: ProxyAction): Promise<void> {
    const id = ++this.#questions;
    const answer = new Promise<void>((resolve) => this.#answers.set(id, resolve));
    this.tell({ type: 'proxy', id, action });
    const none = Symbol('none');
    const got = await Promise.race([answer, delay(ANSWER_LIMIT_MS, none, { ref: false })]);
    if (got === none) throw new Error(`the proxy did not answer within ${ANSWER_LIMIT_MS} ms`);
  }

  signal(name: NodeJS.Signals): void {
    if (name === 'SIGKILL' || name === 'SIGTERM') this.mayEnd = true;
    this.#process.kill(name);
  }

  /** SIGTERM, and SIGKILL when it has not ended in time; answers how it ended. */
  async stop(limitMs: number): Promise<Exit | undefined> {
    this.signal('SIGTERM');
    const exit = await Promise.race([this.exited, delay(limitMs, undefined, { ref: false })]);
    if (exit === undefined) {
      this.signal('SIGKILL');
      await this.exited;
    }
    return exit;
  }

  #told(told: Told): void {
    if (told.type === 'ready') {
      this.ports = told.ports ?? [];
      this.#isReady = true;
    } else if (told.type === 'counts') this.counts = told;
    else if (told.type === 'finished') {
      this.isFinished = true;
      this.mayEnd = true;
    } else {
      this.#answers.get(told.id)?.();
      this.#answers.delete(told.id);
    }
  }
}
