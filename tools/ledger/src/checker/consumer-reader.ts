import type { LedgerLine } from '../ledger/ledger-line.js';
import { REDELIVER_MS } from '../workload/row.js';
import { type Book, count, EXCUSED } from './book.js';
import { type LedgerReader, MemoryReader } from './read-into.js';
import { type FaultWindow, inFault } from './timing.js';
import type { Violations } from './violations.js';

const SHUTDOWN_LIMIT_MS = 22_000;
/** A store is told of an effect within so long, as a rule. */
const APART_MICROS = 2_000_000;

/** When messages of a row with waits failed and came back, over all consumers. */
export class Waits {
  /** By message and redelivery, from 1: monotonic µs. */
  readonly #failedAt = new Map<string, number>();
  readonly #startedAt = new Map<string, number>();

  failed(n: number, redeliveries: number, at: number): void {
    const key = `${n} ${redeliveries + 1}`;
    this.#failedAt.set(key, Math.min(at, this.#failedAt.get(key) ?? at));
  }

  started(n: number, redeliveries: number, at: number): void {
    const key = `${n} ${redeliveries}`;
    this.#startedAt.set(key, Math.min(at, this.#startedAt.get(key) ?? at));
  }

  /** Milliseconds that each wait was too long, outside of faults; those that were too short are violations. */
  judge(violations: Violations, faults: readonly FaultWindow[]): number[] {
    const late: number[] = [];
    for (const [key, startedAt] of this.#startedAt) {
      const failedAt = this.#failedAt.get(key);
      const [n = 0, redeliveries = 0] = key.split(' ').map(Number);
      if (failedAt === undefined) continue;
      const lateMs = (startedAt - failedAt) / 1000 - (REDELIVER_MS[redeliveries - 1] ?? 0);
      if (lateMs < 0) violations.add('I10', `m${n} came back ${Math.round(-lateMs)} ms early`, n);
      else if (!inFault(faults, failedAt, startedAt)) late.push(lateMs);
    }
    return late;
  }
}

/** One life of a consumer. */
export class ConsumerReader implements LedgerReader {
  readonly name: string;
  readonly memory = new MemoryReader();
  readonly #book: Book;
  readonly #violations: Violations;
  readonly #waits: Waits | undefined;
  readonly #inHand = new Set<number>();
  readonly #startedAt = new Map<number, number>();
  readonly #first: (startedAt: number, at: number) => void;
  readonly #storeAway: (at: number) => boolean;
  #sigtermAt: number | undefined;
  #lastAt = 0;
  #hasExited = false;
  /** Effects of the last moments. */
  #recent: { readonly n: number; readonly at: number }[] = [];

  /**
   * @param first is told of every effect, in order, with the moment at which its handler began
   * @param storeAway whether the store of claims was away at a moment, or had just been
   */
  constructor(
    name: string,
    book: Book,
    violations: Violations,
    waits: Waits | undefined,
    first: (startedAt: number, at: number) => void,
    storeAway: (at: number) => boolean = () => false,
  ) {
    this.#storeAway = storeAway;
    this.name = name;
    this.#book = book;
    this.#violations = violations;
    this.#waits = waits;
    this.#first = first;
  }

  line(line: LedgerLine): void {
    const { at, event, words } = line;
    const n = Number(words[0]);
    this.#lastAt = at;
    switch (event) {
      case 'start':
        this.#book.see(n);
        count(this.#book.starts, n);
        this.#inHand.add(n);
        this.#startedAt.set(n, at);
        if (Number(words[3]) > 0) this.#waits?.started(n, Number(words[3]), at);
        return;
      case 'effect':
        this.#inHand.delete(n);
        this.#first(this.#startedAt.get(n) ?? at, at);
        this.#startedAt.delete(n);
        this.#recent.push({ n, at });
        if (this.#recent.length > 2000) this.#recent = this.#recent.filter((each) => each.at > at - APART_MICROS);
        if (this.#storeAway(at)) this.#book.mark(n, EXCUSED);
        return;
      case 'fail':
        this.#inHand.delete(n);
        this.#startedAt.delete(n);
        this.#waits?.failed(n, Number(words[2]), at);
        return;
      case 'corrupt':
        this.#violations.add('I2', `m${n} is not as it was sent`, n);
        return;
      case 'unhandled':
        this.#violations.add('I11', `${this.name}: ${words.join(' ')}`);
        return;
      case 'memory':
        this.memory.line(line);
        return;
      case 'sigterm':
        this.#sigtermAt = at;
        return;
      case 'exit':
        this.#exited(at, Number(words[0]));
        return;
      default:
    }
  }

  /**
   * No store closes the gap between an effect and the memory of it: what a killed process had just done may come again, and what
   * it had in hand, for it may have been killed between the commit and its hearing of that.
   */
  excuse(): void {
    if (this.#hasExited) return;
    for (const n of this.#inHand) this.#book.mark(n, EXCUSED);
    for (const { n, at } of this.#recent) if (at > this.#lastAt - APART_MICROS) this.#book.mark(n, EXCUSED);
  }

  #exited(at: number, code: number): void {
    this.#hasExited = true;
    if (this.#sigtermAt === undefined) return;
    const tookMs = (at - this.#sigtermAt) / 1000;
    if (code !== 0) this.#violations.add('I12', `${this.name} ended with code ${code} at SIGTERM`);
    if (tookMs > SHUTDOWN_LIMIT_MS)
      this.#violations.add('I12', `${this.name} took ${Math.round(tookMs)} ms to end at SIGTERM`);
    for (const n of this.#inHand)
      this.#violations.add('I12', `m${n} was begun by ${this.name} and not ended at its SIGTERM`, n);
  }
}
