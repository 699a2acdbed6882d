/** Asks a worker (worker.mjs) in a process of its own, with a bound: a mutant may never end, or end the process. */
import { fork } from 'node:child_process';

const WORKER = new URL('worker.mjs', import.meta.url).pathname;

export class WorkerProcess {
  #child;
  #asked = new Map();
  #id = 0;
  #output = '';

  constructor(cwd, env) {
    // A process group of its own: tests start processes, which are to end with it.
    this.#child = fork(WORKER, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on('data', (chunk) => {
        this.#output = (this.#output + chunk).slice(-4_000);
      });
    }
    this.#child.on('message', ({ id, ...answer }) => {
      this.#asked.get(id)?.(answer);
    });
    this.#child.on('exit', () => {
      this.#child = undefined;
      for (const settle of this.#asked.values()) settle({ gone: true });
    });
    this.#child.on('error', () => undefined);
  }

  /** The answer, or `{ gone: true }` where the process ended or was ended for taking longer than `limitMs`. */
  async ask(told, given, limitMs) {
    if (this.#child === undefined) return { gone: true };
    const id = ++this.#id;
    let timer;
    const { answer, error, gone } = await new Promise((resolve) => {
      this.#asked.set(id, resolve);
      timer = setTimeout(() => this.kill(), limitMs);
      this.#child.send({ id, told, ...given });
    });
    clearTimeout(timer);
    this.#asked.delete(id);
    if (error !== undefined) throw new Error(`${told}: ${error}\n${this.#output}`);
    return gone ? { gone: true, output: this.#output } : answer;
  }

  kill() {
    if (this.#child === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}
