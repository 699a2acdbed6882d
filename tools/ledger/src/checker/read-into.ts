import type { LedgerLine } from '../ledger/ledger-line.js';
import type { AgainEffect } from './again.js';
import { ACKED, ATTEMPTED, type Book, CONFIRMED, COPIED, count, ROLLED_BACK } from './book.js';
import { OverTime } from './over-time.js';
import { type FaultWindow, FirstBehind } from './timing.js';
import type { Violations } from './violations.js';

/** Each reads the lines of one kind of ledger, in order, into the book; what is wrong by itself is a violation at once. */
export interface LedgerReader {
  line(line: LedgerLine): void;
  end?(): void;
}

/** The table of effects, dumped at the end: `row n key seq committedAt process`, oldest first. */
export class EffectsReader implements LedgerReader {
  readonly #book: Book;
  readonly #violations: Violations;
  readonly #ordered: boolean;
  readonly #lastSeq = new Map<number, number>();
  total = 0;
  tooLate = 0;
  /** When effects were committed, and those beyond the first of a message. */
  readonly overTime = new OverTime();
  readonly againOverTime = new OverTime();
  readonly again: AgainEffect[] = [];
  /** Who wrote the first effect of a message. */
  readonly #firstBy = new Map<number, string>();

  constructor(book: Book, violations: Violations, ordered: boolean) {
    this.#book = book;
    this.#violations = violations;
    this.#ordered = ordered;
  }

  line({ event, words }: LedgerLine): void {
    if (event !== 'row') return;
    const [n = 0, key = 0, seq = 0, committedAt = 0] = words.slice(0, 4).map(Number);
    const [, , , , process = ''] = words;
    const book = this.#book;
    book.see(n);
    this.total++;
    if (seq < 0) {
      this.tooLate++;
      this.#violations.add('I3', `m${n}: ${process} wrote behind the end of its attempt, and it was committed`, n);
      return;
    }
    const isFirst = book.effects[n] === 0;
    this.overTime.see(committedAt);
    if (isFirst) this.#firstBy.set(n, process);
    else {
      this.againOverTime.see(committedAt);
      this.again.push({ n, committedAt, inPlace: this.#firstBy.get(n) === process });
    }
    count(book.effects, n);
    book.committedAt[n] = Math.min(book.committedAt[n] ?? 0, committedAt);
    if (!this.#ordered || !isFirst) return;
    const last = this.#lastSeq.get(key) ?? -1;
    if (seq < last)
      this.#violations.add('I5', `m${n}: number ${seq} of key ${key} took effect behind number ${last}`, n);
    else this.#lastSeq.set(key, seq);
  }
}

/** What the conductor did: faults, processes that ended by themselves, and what was on a queue that it deleted. */
export class ConductorReader implements LedgerReader {
  readonly faults: FaultWindow[] = [];
  /** Moments at which a queue was gone with what was on it: nobody is to blame for what was attempted before. */
  readonly deletedAt: number[] = [];
  readonly brokerKilledAt: number[] = [];
  publisherKills = 0;
  /** Faults that could not be made. */
  failedFaults = 0;
  /** From when to when publishers were held back: what they do not publish then says nothing. */
  readonly held: { readonly from: number; to: number }[] = [];
  readonly #violations: Violations;
  readonly #open = new Map<number, { kind: string; beganAt: number; wallAt: number; endedAt?: number }>();
  /** Consumers that were killed. */
  consumerKills = 0;

  constructor(violations: Violations) {
    this.#violations = violations;
  }

  line({ at, wallAt, event, words }: LedgerLine): void {
    const id = Number(words[0]);
    const kind = words[1] ?? '';
    switch (event) {
      case 'fault-begin':
        this.#open.set(id, { kind, beganAt: at, wallAt });
        if (kind === 'publisher-kill') this.publisherKills++;
        return;
      case 'fault-end':
        Object.assign(this.#open.get(id) ?? {}, { endedAt: at });
        return;
      case 'fault-recovered':
      case 'fault-stuck': {
        const { kind: of = kind, beganAt = at, endedAt = at, wallAt: began = wallAt } = this.#open.get(id) ?? {};
        const recoveredAt = event === 'fault-recovered' ? at : undefined;
        this.faults.push({ id, kind: of, beganAt, endedAt, recoveredAt, wallAt: began });
        if (recoveredAt === undefined)
          this.#violations.add('I8', `after fault ${id} (${of}): ${words.slice(2).join(' ')}`);
        return;
      }
      case 'fault-failed':
        this.failedFaults++;
        return;
      case 'queue-deleted':
        this.deletedAt.push(at);
        return;
      case 'held-back':
        this.held.push({ from: at, to: Number.POSITIVE_INFINITY });
        return;
      case 'let-go':
        Object.assign(this.held.at(-1) ?? {}, { to: at });
        return;
      case 'killed':
        this.consumerKills++;
        return;
      case 'broker-killed':
        this.brokerKilledAt.push(at);
        return;
      case 'ended-by-itself':
        this.#violations.add('I11', words.join(' '));
        return;
      case 'not-ended':
        this.#violations.add('I12', words.join(' '));
        return;
      case 'not-drained':
        this.#violations.add('I8', words.join(' '));
        return;
      default:
    }
  }
}

/** What passed on the wire. */
export class WireReader implements LedgerReader {
  readonly #book: Book;
  readonly #violations: Violations;
  readonly #kills: readonly number[];
  readonly #deliveries: FirstBehind;
  /** Deliveries and publishes that were on their way when a connection or channel ended. */
  openAtEnds = 0;
  /** Acks shortly before a broker was killed, which may not have kept them. */
  acksBeforeKills = 0;
  deliveries = 0;
  redeliveries = 0;
  drops = 0;
  readonly #acks: number[] = [];
  #kill = 0;

  constructor(book: Book, violations: Violations, faults: readonly FaultWindow[], kills: readonly number[]) {
    this.#book = book;
    this.#violations = violations;
    this.#kills = kills;
    this.#deliveries = new FirstBehind(faults);
  }

  /** By fault: when the first delivery behind its end passed. */
  get firstDelivery(): ReadonlyMap<number, number> {
    return this.#deliveries.found;
  }

  line({ at, wallAt, event, words }: LedgerLine): void {
    const n = Number(words[0]);
    const book = this.#book;
    switch (event) {
      case 'deliver':
      case 'redeliver':
        this.#deliveries.see(at);
        book.see(n);
        book.deliveredAt[n] = at;
        if (event === 'deliver') this.deliveries++;
        else this.redeliveries++;
        return;
      case 'publish':
        book.see(n);
        count(book.publishes, n);
        return;
      case 'confirm':
        book.see(n);
        if (book.wireConfirmedAt[n] === Number.POSITIVE_INFINITY) book.wireConfirmedAt[n] = at;
        return;
      case 'copied':
        book.mark(n, COPIED);
        return;
      case 'ack':
        book.mark(n, ACKED);
        this.#acked(at);
        // Both clocks are the machine's, in whole milliseconds.
        if (Math.floor(book.committedAt[n] ?? 0) > wallAt && !book.is(n, COPIED)) {
          this.#violations.add('I7', `m${n} was acknowledged before anything of it was committed`, n);
        }
        return;
      case 'drop':
        this.drops++;
        return;
      case 'end':
      case 'channel-end':
        this.openAtEnds += Number(words[1]) + Number(words[2]);
        return;
      default:
    }
  }

  end(): void {
    while (this.#kill < this.#kills.length) this.#killed();
  }

  #acked(at: number): void {
    while ((this.#kills[this.#kill] ?? Number.POSITIVE_INFINITY) <= at) this.#killed();
    this.#acks.push(at);
    if (this.#acks.length > 4 * FORGETFUL_ACKS) this.#acks.splice(0, this.#acks.length - FORGETFUL_ACKS);
  }

  #killed(): void {
    const killedAt = this.#kills[this.#kill++] ?? 0;
    this.acksBeforeKills += this.#acks.filter((at) => at <= killedAt && at > killedAt - FORGETFUL_MICROS).length;
  }
}

/** A broker that is killed may forget the acks of the last moments: they are written in batches. */
const FORGETFUL_MICROS = 1_000_000;
const FORGETFUL_ACKS = 20_000;

/** One life of a publisher. */
export class PublisherReader implements LedgerReader {
  readonly #book: Book;
  readonly #violations: Violations;
  readonly #viaOutbox: boolean;
  readonly #confirms: FirstBehind;
  attempts = 0;
  again = 0;
  readonly overTime = new OverTime();
  readonly memory = new MemoryReader();

  constructor(book: Book, violations: Violations, viaOutbox: boolean, faults: readonly FaultWindow[]) {
    this.#book = book;
    this.#violations = violations;
    this.#viaOutbox = viaOutbox;
    this.#confirms = new FirstBehind(faults);
  }

  get firstConfirm(): ReadonlyMap<number, number> {
    return this.#confirms.found;
  }

  line(line: LedgerLine): void {
    const { at, event, words } = line;
    const n = Number(words[0]);
    const book = this.#book;
    switch (event) {
      case 'attempt':
        this.attempts++;
        book.mark(n, ATTEMPTED);
        book.attemptedAt[n] = Math.min(book.attemptedAt[n] ?? 0, at);
        return;
      case 'again':
        this.again++;
        return;
      case 'confirm':
        this.#confirms.see(at);
        this.overTime.see(line.wallAt);
        book.mark(n, CONFIRMED);
        if (!this.#viaOutbox && (book.wireConfirmedAt[n] ?? 0) > at) {
          this.#violations.add('I9', `m${n}: its publish resolved before the broker confirmed it`, n);
        }
        return;
      case 'rolled-back':
        book.mark(n, ROLLED_BACK);
        return;
      case 'unhandled':
        this.#violations.add('I11', words.join(' '));
        return;
      case 'memory':
        this.memory.line(line);
        return;
      default:
    }
  }
}

/** What a process said of its memory. */
export class MemoryReader {
  /** KiB of heap in use, and when: the first once it had settled, and the last. */
  first: { readonly at: number; readonly heapKib: number; readonly rssKib: number } | undefined;
  last: { readonly at: number; readonly heapKib: number; readonly rssKib: number } | undefined;
  #seen = 0;

  line({ at, words }: LedgerLine): void {
    const [heapKib = 0, rssKib = 0] = words.map(Number);
    const now = { at, heapKib, rssKib };
    // The first two come while code is still being compiled.
    if (++this.#seen === 3) this.first = now;
    this.last = now;
  }
}
