/** A row that is due, as far as the choice depends on it. */
export interface Candidate {
  readonly id: number;
  /** A row before it with the same order key, if there is one. */
  readonly behind: number | undefined;
  /** There is no other row in between. */
  readonly rightBehind: boolean;
  readonly destination: string;
  /** Bytes of its body. */
  readonly size: number;
}

/** How much may be taken. */
export interface Room {
  readonly rows: number;
  readonly bytes: number;
  /** Nothing is in hand: one row is taken whatever its size. */
  readonly empty: boolean;
}

/** How many rows of a destination may be sent now, and how long those beyond it wait. */
export interface Allowance {
  readonly rows: number;
  readonly deferMs: number;
}

/** What becomes of the rows that are due. Those that stand nowhere are looked at again next time. */
export interface Choice {
  readonly take: readonly number[];
  /** Wait behind another of their key, and are due again when that one is gone. */
  readonly aside: readonly number[];
  /** Wait because their destination does not answer: by the wait in milliseconds. */
  readonly defer: ReadonlyMap<number, readonly number[]>;
  /** There was no room for more. */
  readonly full: boolean;
}

/**
 * Decides which rows are taken. A row of an order key is taken when it is the first of it, or right behind one that is
 * taken as well.
 * @param candidates in the order in which they are to be taken
 * @param held rows that surely are there until the choice is written down; a row is put aside only behind one of these,
 * because whoever deletes that one wakes it
 */
export function chooseRows(
  candidates: readonly Candidate[],
  held: ReadonlySet<number>,
  room: Room,
  allowanceOf: (destination: string) => Allowance,
): Choice {
  const taken = new Set<number>();
  const aside: number[] = [];
  const defer = new Map<number, number[]>();
  const takenOf = new Map<string, number>();
  let bytes = 0;
  let full = room.rows === 0;
  for (const candidate of candidates) {
    const { id, behind, destination, size } = candidate;
    if (!hasItsTurn(candidate, taken)) {
      if (behind !== undefined && held.has(behind)) aside.push(id);
      continue;
    }
    const already = takenOf.get(destination) ?? 0;
    const { rows, deferMs } = allowanceOf(destination);
    const allowed = already < rows;
    // Nothing passes one that is too large for now, or it would never have its turn.
    full ||= allowed && bytes + size > room.bytes && !(room.empty && taken.size === 0);
    if (full || !allowed) {
      // Behind one that is taken it has no turn of its own.
      if (behind !== undefined) aside.push(id);
      else if (!allowed) listed(defer, deferMs).push(id);
      continue;
    }
    taken.add(id);
    takenOf.set(destination, already + 1);
    bytes += size;
    full = taken.size >= room.rows;
  }
  return { take: [...taken], aside, defer, full };
}

function listed(lists: Map<number, number[]>, key: number): number[] {
  const list = lists.get(key) ?? [];
  if (list.length === 0) lists.set(key, list);
  return list;
}

function hasItsTurn({ behind, rightBehind }: Candidate, taken: ReadonlySet<number>): boolean {
  return behind === undefined || (rightBehind && taken.has(behind));
}
