import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { LedgerFile } from '../ledger/ledger-file.js';
import type { Row } from '../workload/row.js';

/** What the conductor tells a process at its start, as JSON in `LEDGER_PROCESS`. */
export interface ProcessOptions {
  /** Its name, such as `consumer-1.4`: the fourth life of consumer 1. */
  readonly name: string;
  readonly role: 'publisher' | 'consumer' | 'relay' | 'proxy';
  /** Which of its kind, from 0. */
  readonly slot: number;
  /** Where ledgers are. */
  readonly folder: string;
  readonly seed: number;
  readonly row: Row;
  readonly urls: readonly string[];
  readonly databaseUrl: string;
  readonly redisUrl?: string;
  readonly publishers: number;
  /** Messages that each publisher begins each second at most. */
  readonly rate: number;
  /** Consumers of each consumer process. */
  readonly concurrency: number;
  readonly prefetch: number;
  readonly heartbeatSeconds: number;
  /** Milliseconds between attempts. */
  readonly retryMs: number;
  /** One in so many more messages is slow; 0 for none more. */
  readonly slowOneIn: number;
  /** Milliseconds that a handler works at each message before it writes its effect. */
  readonly handlerMs: number;
  /** Whose handlers stop at their signal, where a client has one: every handler, none, or half of the slow ones. */
  readonly heeds: 'all' | 'none' | 'some';
  /** Brokers behind the proxy, in order; of the proxy only. */
  readonly targets?: readonly number[];
}

/** What processes tell the conductor. */
export type Told =
  | { readonly type: 'ready'; readonly ports?: readonly number[] }
  | {
      readonly type: 'counts';
      readonly attempted: number;
      readonly confirmed: number;
      readonly handled: number;
      readonly lastStart: number;
    }
  | { readonly type: 'done'; readonly id: number }
  | { readonly type: 'finished' };

/** What the conductor tells processes. */
export interface Order {
  readonly type: 'pause' | 'resume' | 'finish' | 'wrong-exchange' | 'proxy';
  readonly id?: number;
  readonly action?: ProxyAction;
}

export interface ProxyAction {
  readonly kind: 'cut' | 'cut-one' | 'cut-after' | 'freeze' | 'thaw' | 'slow' | 'fast' | 'unknown-ack';
  /** Which of them, from 0; all when left out. */
  readonly proxy?: number;
  readonly bytes?: number;
  /** From 0 up to 1: which of the connections. */
  readonly which?: number;
}

const MEMORY_EVERY_MS = 10_000;
const COUNTS_EVERY_MS = 100;

export function readProcessOptions(): ProcessOptions {
  const text = process.env['LEDGER_PROCESS'];
  if (text === undefined) throw new Error('expected LEDGER_PROCESS: the conductor starts this program');
  return JSON.parse(text);
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What every process does: its ledger, its counts for the conductor, its memory, and what it did not mean to throw. */
export class LedgerProcess {
  readonly ledger: LedgerFile;
  readonly counts = { attempted: 0, confirmed: 0, handled: 0, lastStart: 0 };

  constructor(readonly options: ProcessOptions) {
    this.ledger = new LedgerFile(join(options.folder, `${options.name}.log`));
    this.ledger.write('born', process.pid);
    process.on('unhandledRejection', (reason) => this.ledger.write('unhandled', 'rejection', oneLine(reason)));
    process.on('uncaughtException', (error) => {
      this.ledger.write('unhandled', 'exception', oneLine(error));
      process.exit(70);
    });
    process.on('exit', (code) => this.ledger.write('exit', code));
    const memory = setInterval(() => this.#memory(), MEMORY_EVERY_MS);
    const told = { ...this.counts };
    const counts = setInterval(() => {
      if (!process.connected || JSON.stringify(told) === JSON.stringify(this.counts)) return;
      Object.assign(told, this.counts);
      this.tell({ type: 'counts', ...this.counts });
    }, COUNTS_EVERY_MS);
    memory.unref();
    counts.unref();
    process.on('disconnect', () => process.exit(71));
    // What the conductor says must not keep a process alive that has nothing more to do.
    process.channel?.unref();
  }

  tell(told: Told): void {
    if (process.connected) process.send?.(told);
  }

  onOrder(listener: (order: Order) => void): void {
    process.on('message', listener);
    process.channel?.unref();
  }

  #memory(): void {
    collectGarbage();
    const { heapUsed, rss } = process.memoryUsage();
    const resources = process.getActiveResourcesInfo().length;
    this.ledger.write('memory', Math.round(heapUsed / 1024), Math.round(rss / 1024), resources);
  }
}

/** Of the folder in which this runs: reports are kept, and places in them are those of the project. */
const ROOT = new URL('../../../../', import.meta.url);

function oneLine(error: unknown): string {
  return String(error instanceof Error ? error.stack : error)
    .replaceAll(ROOT.href, '')
    .replaceAll(fileURLToPath(ROOT), '')
    .replaceAll('\n', ' | ')
    .slice(0, 2000);
}
