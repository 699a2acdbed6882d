import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { Order, Report } from './worker-protocol.js';

/** Beside the compiled tests, where the drivers are found. */
const WORKERS = fileURLToPath(new URL('./workers', import.meta.url));
const WORKER = join(WORKERS, 'worker.mjs');

/** Makes few files of many: hundreds of processes start, and starting is most of what they do. */
export function bundleWorker(): void {
  buildSync({
    entryPoints: [fileURLToPath(new URL('./worker.js', import.meta.url))],
    outdir: WORKERS,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    external: ['pg', 'mysql2', 'libsql'],
    logLevel: 'warning',
  });
}

/** How an order ended: with the worker's word, or with its death. */
export type Ending = Exclude<Report, { type: 'ready' | 'published' }> | { readonly type: 'died' };

/** A worker process, and what it has published so far. */
export class WorkerProcess {
  readonly published: string[] = [];
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;
  readonly #died: Promise<void>;
  #onReport: (report: Report) => void = () => {};
  #errors = '';

  constructor(url: string, plant = 'nothing') {
    // Coverage of a process that is killed is lost anyway, and writing it takes its time.
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    const child = spawn(process.execPath, [WORKER, url, plant], { stdio: ['pipe', 'pipe', 'pipe'], env });
    this.#child = child;
    child.stdin?.on('error', () => {});
    child.stderr?.on('data', (data: Buffer) => {
      this.#errors += data.toString();
    });
    // 'close' comes behind the last line, 'exit' may come before.
    this.#died = new Promise((resolve) => child.once('close', () => resolve()));
    this.#ready = new Promise((resolve) => {
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        const report = JSON.parse(line) as Report;
        if (report.type === 'ready') resolve();
        else if (report.type === 'published') this.published.push(report.id);
        else this.#onReport(report);
      });
    });
  }

  /** Gives an order and waits until it is carried out, or the worker is dead. */
  async order(order: Order): Promise<Ending> {
    await Promise.race([this.#ready, this.#died]);
    const reported = new Promise<Report>((resolve) => {
      this.#onReport = resolve;
    });
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    const ending = await Promise.race([reported, this.#died.then((): Ending => ({ type: 'died' }))]);
    if (ending.type === 'died' && this.#child.signalCode !== 'SIGKILL')
      throw new Error(`a worker ended: ${this.#errors}`);
    return ending as Ending;
  }

  async end(): Promise<void> {
    this.#child.stdin?.write(`${JSON.stringify({ type: 'end' } satisfies Order)}\n`);
    await this.#died;
  }

  /** Leaves nothing behind, whatever state it is in. */
  destroy(): void {
    this.#child.kill('SIGKILL');
  }
}
