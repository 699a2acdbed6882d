/** One fault, as the conductor wrote it down. */
export interface FaultWindow {
  readonly id: number;
  readonly kind: string;
  readonly beganAt: number;
  /** When the cause was gone, in monotonic µs: cut connections may be made again, the broker accepts. */
  readonly endedAt: number;
  /** When every consumer had handled something again; `undefined` when that did not happen within the limit. */
  readonly recoveredAt: number | undefined;
  /** Milliseconds since the epoch at which it began. */
  readonly wallAt: number;
}

/** Milliseconds at which a share of them lies at or below. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

/**
 * The first moments behind the end of each fault, while moments come in order: one pass, whatever the length of the ledger.
 */
export class FirstBehind {
  readonly #ends: readonly { readonly id: number; readonly endedAt: number }[];
  readonly found = new Map<number, number>();
  #waiting: { readonly id: number; readonly endedAt: number }[] = [];
  #next = 0;

  constructor(faults: readonly { readonly id: number; readonly endedAt: number }[]) {
    this.#ends = [...faults].sort((left, right) => left.endedAt - right.endedAt);
  }

  /**
   * @param at a moment that counts, as a rule no earlier than the one before
   * @param found what is kept for the faults that ended before it
   */
  see(at: number, found = at): void {
    for (let end = this.#ends[this.#next]; end !== undefined && end.endedAt <= at; end = this.#ends[++this.#next]) {
      this.#waiting.push(end);
    }
    for (const { id } of this.#waiting) this.found.set(id, found);
    this.#waiting = [];
  }
}

/** Whether a fault was going on, or being recovered from, at some time between both moments. */
export function inFault(faults: readonly FaultWindow[], from: number, to: number): boolean {
  return faults.some(
    ({ beganAt, endedAt, recoveredAt }) => beganAt <= to && (recoveredAt ?? endedAt + 30_000_000) >= from,
  );
}

/** The last of the faults that had begun by then; they are given in the order of their beginnings. Wall ms. */
export function lastBegun(faults: readonly FaultWindow[], wallAt: number): FaultWindow | undefined {
  let last: FaultWindow | undefined;
  for (const fault of faults) {
    if (fault.wallAt > wallAt) break;
    last = fault;
  }
  return last;
}
