import { fateOf, KEYS_PER_PUBLISHER } from '../workload/order.js';
import { attemptsOf, type Row } from '../workload/row.js';
import { ACKED, ATTEMPTED, type Book, CONFIRMED, EXCUSED, ROLLED_BACK } from './book.js';
import type { Violations } from './violations.js';

/** What the end of the run says of each message, beside what its ledgers say of single events. */
export interface Totals {
  attempted: number;
  confirmed: number;
  handled: number;
  parked: number;
  parkedGood: number;
  deadLettered: number;
  excluded: number;
  lost: number;
  phantom: number;
  left: number;
  effectsAgain: number;
  parkedAgain: number;
}

export interface Circumstances {
  readonly row: Row;
  readonly seed: number;
  /** When the queue was deleted with what was on it; monotonic µs. */
  readonly deletedAt: readonly number[];
  /** The queue itself counts waits, and counts what a killed process had in hand among them. */
  readonly countsAtBroker: boolean;
}

/**
 * Longer than any message lies on the queue before it is delivered, first or again: publishers are held back. Of what is gone and was
 * heard of last before that, nobody knows where it was.
 */
const ON_QUEUE_MICROS = 60_000_000;
/** So much later a slow network may still bring what the queue had handed out. */
const ON_THE_WAY_MICROS = 10_000_000;

/** Judges every message by the book: I1, I2, I3, I6 and I13. */
export function judgeMessages(book: Book, violations: Violations, circumstances: Circumstances): Totals {
  const totals: Totals = {
    attempted: 0,
    confirmed: 0,
    handled: 0,
    parked: 0,
    parkedGood: 0,
    deadLettered: 0,
    excluded: 0,
    lost: 0,
    phantom: 0,
    left: 0,
    effectsAgain: 0,
    parkedAgain: 0,
  };
  for (let n = 0; n < book.size; n++) judgeMessage(n, book, violations, circumstances, totals);
  return totals;
}

/** Where one message was found. */
interface Found {
  readonly n: number;
  readonly effects: number;
  readonly parked: number;
  readonly dead: number;
  readonly left: number;
}

function judgeMessage(n: number, book: Book, violations: Violations, where: Circumstances, totals: Totals): void {
  const found = {
    n,
    effects: book.effects[n] ?? 0,
    parked: book.parked[n] ?? 0,
    dead: book.dead[n] ?? 0,
    left: book.left[n] ?? 0,
  };
  const isHeardOf = found.effects + found.parked + found.dead + found.left > 0;
  addUp(found, book, totals);
  if (isHeardOf) judgeOrigin(found, book, violations, totals);
  else if (book.is(n, CONFIRMED)) judgeAbsence(n, book, violations, where, totals);
  if (found.effects > 1 && isDoubled(n, book, where.row)) violations.add('I3', `m${n} had ${found.effects} effects`, n);
  judgeParking(found, book, violations, where, totals);
}

/** With an inbox nothing excuses a second effect; with a store, a process that was killed between effect and memory. */
function isDoubled(n: number, book: Book, { guard }: Row): boolean {
  return guard === 'inbox' || (guard === 'redis' && !book.is(n, EXCUSED));
}

function addUp({ n, effects, parked, dead, left }: Found, book: Book, totals: Totals): void {
  totals.attempted += Number(book.is(n, ATTEMPTED));
  totals.confirmed += Number(book.is(n, CONFIRMED));
  totals.handled += Number(effects > 0);
  totals.parked += Number(parked > 0);
  totals.deadLettered += Number(dead > 0);
  totals.left += Number(left > 0);
  totals.effectsAgain += Math.max(0, effects - 1);
  totals.parkedAgain += Math.max(0, parked - 1);
}

function judgeOrigin({ n, effects, parked }: Found, book: Book, violations: Violations, totals: Totals): void {
  const isAttempted = book.is(n, ATTEMPTED);
  if (isAttempted && !book.is(n, ROLLED_BACK)) return;
  totals.phantom++;
  const why = isAttempted ? 'its transaction was rolled back' : 'nobody published it';
  violations.add('I2', `m${n}: ${effects} effects, ${parked} parked, and ${why}`, n);
}

function judgeAbsence(n: number, book: Book, violations: Violations, where: Circumstances, totals: Totals): void {
  const { row, deletedAt } = where;
  const attemptedAt = book.attemptedAt[n] ?? 0;
  const deliveredAt = book.deliveredAt[n] ?? Number.NEGATIVE_INFINITY;
  const mayHaveBeenThere = (at: number) =>
    attemptedAt <= at &&
    Math.max(attemptedAt, deliveredAt) > at - ON_QUEUE_MICROS &&
    deliveredAt <= at + ON_THE_WAY_MICROS;
  if (!book.is(n, ACKED) && deletedAt.some(mayHaveBeenThere)) {
    totals.excluded++;
    return;
  }
  totals.lost++;
  const [invariant, what] = row.outbox ? (['I13', 'committed'] as const) : (['I1', 'confirmed'] as const);
  violations.add(invariant, `m${n} was ${what}, and is nowhere`, n);
}

function judgeParking(found: Found, book: Book, violations: Violations, where: Circumstances, totals: Totals): void {
  const { n, effects, parked } = found;
  const { row, seed, countsAtBroker } = where;
  const fate = fateOf(seed, n);
  if (fate === 'poison' && effects > 0) violations.add('I6', `m${n} always fails, and had ${effects} effects`, n);
  if (parked === 0) return;
  const starts = book.starts[n] ?? 0;
  const needed = countsAtBroker ? 1 : attemptsOf(row);
  if (starts < needed) violations.add('I6', `m${n} was parked after ${starts} calls of its handler, of ${needed}`, n);
  const mayFail = fate === 'poison' || (row.failure === 'republish' && (fate === 'once' || fate === 'twice'));
  if (!mayFail) totals.parkedGood++;
}

/**
 * How many duplicates the breaks of a run explain at most: what was on its way on each connection that ended, what each killed
 * publisher had confirmed and not yet noted, and the acks that a killed broker may have forgotten.
 */
export function duplicatesAtMost(openAtEnds: number, publisherKills: number, acksBeforeKills: number): number {
  return openAtEnds + publisherKills * KEYS_PER_PUBLISHER + acksBeforeKills;
}
