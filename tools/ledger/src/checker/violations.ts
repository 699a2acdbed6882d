/** The invariants, as a report names them. */
export const INVARIANTS = {
  I1: 'nothing is lost: what was confirmed has an effect or lies in an error queue',
  I2: 'nothing is made up or damaged: what has an effect was published, and is as it was sent',
  I3: 'one effect for each message, with the inbox',
  I4: 'no more duplicates without the inbox than were on their way when something broke',
  I5: 'the order of each key is kept, where it is promised',
  I6: 'what always fails is parked after its attempts, and nothing is parked that had none',
  I7: 'nothing is acknowledged before its effect is committed, or its copy confirmed',
  I8: 'it goes on after each fault, with every consumer',
  I9: 'no publish resolves that the broker has not confirmed',
  I10: 'what waits does not come back early',
  I11: 'no unhandled rejection, no process that ends by itself, no memory that grows',
  I12: 'SIGTERM ends a process within its time, with nothing half done',
  I13: 'what was committed to the outbox is published, and nothing stays in it',
} as const;

export type Invariant = keyof typeof INVARIANTS;

/** One broken invariant. */
export interface Violation {
  readonly invariant: Invariant;
  /** The message, where it is about one. */
  readonly n?: number;
  readonly text: string;
}

const KEPT = 200;

/** Violations: the first of each invariant by name, all of them by count. */
export class Violations {
  readonly kept: Violation[] = [];
  readonly counts: Partial<Record<Invariant, number>> = {};

  add(invariant: Invariant, text: string, n?: number): void {
    const before = this.counts[invariant] ?? 0;
    this.counts[invariant] = before + 1;
    if (before < KEPT) this.kept.push({ invariant, text, ...(n !== undefined && { n }) });
  }
}
