import { BY_INDEX_ONLY, byIndexOnly } from '../database/by-index.js';
import { type SqlDatabase, type SqlExecutor, serviceOf } from '../database/sql-database.js';
import type { SqlDialectName } from '../database/sql-dialect.js';
import { idList, textLiteral, whole } from '../database/sql-text.js';
import { type Opening, resultOfOpening, SHARES, transactionAfterAll } from '../database/together.js';
import { type RawRow, readKey } from '../outbox/outbox-row.js';
import { firstRowsOf, type SqlPlace } from '../outbox/wake-keys.js';
import { type Allowance, type Candidate, chooseRows, type Room } from './choose-rows.js';
import { byId, idOf, type Lease, REST, take, takenWithCommit, takeRows } from './take-rows.js';

/** What a look at the table gave. */
export interface Leased {
  /** In the order in which they are to be sent. */
  readonly rows: readonly RawRow[];
  /** Rows that were put aside or put off: there may be others behind them. */
  readonly moved: number;
  /** Rows that were due and looked at. */
  readonly due: number;
  /** There was no room for more. */
  readonly full: boolean;
  /** Nothing is due: milliseconds until something will be, or its lease ends; `undefined` when there is nothing. */
  readonly nextMs?: number | undefined;
}

/** What a lease needs besides the room. */
export interface LeaseOrder extends Lease {
  /** Rows to look at: those that wait behind others are put aside, more than there is room for at a time. */
  readonly lookAt: number;
  /** So many of the rows that became due last are looked at as well: they do not wait behind rows that are put aside. */
  readonly lookAtLast: number;
}

/** Until a row is looked for again that is due and could not be taken. */
const AGAIN_MS = 20;

/**
 * Leases rows that are due. What it costs depends on how many rows it takes, and not on how many wait, are held up or parked:
 * it reads the index of `due_at` from its beginning, which holds only what may be taken. A row that turns out to wait behind
 * another of its order key leaves that index (`due_at` becomes NULL) until the one before it is gone.
 * @see docs/decisions/0012-lease-by-due-time.md
 */
export async function leaseRows<Tx>(
  database: SqlDatabase<Tx>,
  lease: LeaseOrder,
  roomNow: () => Room,
  allowanceOf: (destination: string) => Allowance,
): Promise<Leased> {
  const { name, now } = database.dialect;
  const { rows: room, bytes } = roomNow();
  // A look for more rows than there is room for is not for their messages.
  const bodyBytes = lease.lookAt > room ? undefined : powerOfTwo(bytes / Math.max(1, lease.lookAt));
  const look = dueRows(database, lease.lookAt, 'first', bodyBytes);
  return transactionAfterAll(database, OPENING[name](look), async (tx, opened) => {
    const executor = database.within(tx);
    if (opened === undefined) await byIndexOnly(executor, name);
    const looked = opened === undefined ? await executor.query(look) : resultOfOpening(opened);
    const due = await withLast(executor, database, lease, looked.rows);
    if (due.length === 0) return { value: await nothingDue(executor, database) };
    const { candidates, held } = await candidatesOf(executor, database, due, roomNow().rows);
    const choice = chooseRows(candidates, held, roomNow(), allowanceOf);
    await setDue(executor, name, choice.aside, 'NULL');
    for (const [ms, ids] of choice.defer) await setDue(executor, name, ids, `${now} + ${whole(ms)}`);
    const moved = choice.aside.length + [...choice.defer.values()].reduce((sum, ids) => sum + ids.length, 0);
    const leased = { moved, due: due.length, full: choice.full };
    if (choice.take.length === 0) return { value: { ...leased, rows: [] } };
    const taking = takeRows(database, lease, choice.take, due);
    if (opened !== undefined) return takenWithCommit(name, taking, leased);
    return { value: { ...leased, rows: await take(executor, name, lease, taking) } };
  });
}

async function nothingDue(executor: SqlExecutor, place: SqlPlace): Promise<Leased> {
  const { rows } = await executor.query(nextDue(place));
  const ms = rows[0] === undefined ? undefined : Number(rows[0]['ms']);
  // One that became due behind the look is not to wait for the next poll; nor is one that another relay holds to be asked for
  // without a pause.
  const nextMs = ms !== undefined && ms <= 0 ? AGAIN_MS : ms;
  return { rows: [], moved: 0, due: 0, full: false, nextMs };
}

/** What is due as the choice needs it, and the rows that surely are there until it is written down. */
async function candidatesOf(
  executor: SqlExecutor,
  place: SqlPlace,
  due: readonly RawRow[],
  room: number,
): Promise<{ readonly candidates: readonly Candidate[]; readonly held: ReadonlySet<number> }> {
  const before = await predecessors(executor, place, due, room);
  const held = new Set(due.map(idOf));
  const others = [...before.values()].map(({ behind }) => behind).filter((id) => id !== undefined && !held.has(id));
  for (const id of await stillThere(executor, place.dialect.name, others as number[])) held.add(id);
  const candidates = due.map((row): Candidate => {
    const id = idOf(row);
    const { behind, rightBehind = true } = before.get(id) ?? {};
    return { id, behind, rightBehind, destination: destinationOf(row), size: Number(row['size']) };
  });
  return { candidates, held };
}

/** A look that is sent together with the begin of its transaction; SQLite has no way to the server that would be saved. */
const OPENING: Readonly<Record<SqlDialectName, (look: string) => Opening>> = {
  postgres: (look) => ({ text: `${BY_INDEX_ONLY}; ${look}` }),
  mysql: (text) => ({ text }),
  sqlite: () => SHARES,
};

/** Also the rows that became due last, where there are more than were looked at. */
async function withLast(
  executor: SqlExecutor,
  place: SqlPlace,
  lease: LeaseOrder,
  first: readonly RawRow[],
): Promise<readonly RawRow[]> {
  if (lease.lookAtLast === 0 || first.length < lease.lookAt) return first;
  const { rows: last } = await executor.query(dueRows(place, lease.lookAtLast, 'last'));
  const known = new Set(first.map(idOf));
  return [...first, ...last.filter((row) => !known.has(idOf(row))).reverse()];
}

/** Where a row goes. */
export function destinationOf(row: RawRow): string {
  return `${String(row['exchange'])}\0${String(row['routing_key'])}`;
}

/**
 * What is due: what has been for the longest, or what became so last, from there on.
 * @param bodyBytes longest body that is read at once, if the messages are; a longer one is NULL
 */
export function dueRows(place: SqlPlace, limit: number, from: 'first' | 'last' = 'first', bodyBytes?: number): string {
  const { name, now } = place.dialect;
  const order = (columns: readonly string[]) =>
    columns.map((column) => (from === 'first' ? column : `${column} DESC`)).join(', ');
  const service = textLiteral(name, serviceOf(place));
  const message =
    bodyBytes === undefined
      ? ''
      : `, attempts + 1 AS attempts, ${REST}, CASE WHEN size <= ${whole(bodyBytes)} THEN body END AS body`;
  const columns = `SELECT ${ENTRY}${message} FROM leveret_outbox`;
  switch (name) {
    case 'postgres':
      // The time is asked once: it would be compared with each row, those that are due in an hour included. And by this
      // comparison there is only one index with this order; another plan would sort all that waits.
      return `${columns} WHERE due_at IS NOT NULL AND (service, due_at) >= (${service}, 0) AND (service, due_at) <= (${service}, (SELECT ${now}))
        ORDER BY ${order(['service', 'due_at', 'id'])} LIMIT ${whole(limit)} FOR UPDATE SKIP LOCKED`;
    case 'mysql':
      return `${columns} FORCE INDEX (leveret_outbox_due) WHERE service = ${service} AND due_at <= ${now}
        ORDER BY ${order(['due_at', 'id'])} LIMIT ${whole(limit)} FOR UPDATE SKIP LOCKED`;
    // It has one writer at a time: nothing to pass over.
    case 'sqlite':
      return `${columns} INDEXED BY leveret_outbox_due WHERE service = ${service} AND due_at <= ${now}
        ORDER BY ${order(['due_at', 'id'])} LIMIT ${whole(limit)}`;
  }
}

/** How many milliseconds it takes until the first row is due; not more than 0 when one became due meanwhile. */
export function nextDue(place: SqlPlace): string {
  const { name, now } = place.dialect;
  const service = textLiteral(name, serviceOf(place));
  const select = `SELECT due_at - ${now} AS ms FROM leveret_outbox`;
  switch (name) {
    case 'postgres':
      return `${select} WHERE due_at IS NOT NULL AND (service, due_at) >= (${service}, 0) AND (service, due_at) <= (${service}, ${Number.MAX_SAFE_INTEGER})
        ORDER BY service, due_at, id LIMIT 1`;
    case 'mysql':
      return `${select} FORCE INDEX (leveret_outbox_due) WHERE service = ${service} AND due_at >= 0 ORDER BY due_at, id LIMIT 1`;
    case 'sqlite':
      return `${select} INDEXED BY leveret_outbox_due WHERE service = ${service} AND due_at >= 0 ORDER BY due_at, id LIMIT 1`;
  }
}

/**
 * A row before each that has one with the same key: the one right before it as far as its key was read, else the first of its
 * key. Read from the beginning of each key, wherever in it the rows stand.
 */
async function predecessors(
  executor: SqlExecutor,
  place: SqlPlace,
  due: readonly RawRow[],
  room: number,
): Promise<ReadonlyMap<number, Pick<Candidate, 'behind' | 'rightBehind'>>> {
  const keyed = due.flatMap((row) => {
    const key = readKey(row);
    return key === undefined ? [] : [{ id: idOf(row), key }];
  });
  const keys = [...new Set(keyed.map(({ key }) => key))];
  // Twice as many as there are on average, keys have more and fewer rows; and no more than could be taken.
  const firsts = await firstRowsOf(executor, place, keys, 2 * Math.min(keyed.length, room));
  const before = new Map<number, Pick<Candidate, 'behind' | 'rightBehind'>>();
  for (const { id, key } of keyed) before.set(id, { behind: firsts.get(key)?.[0], rightBehind: false });
  for (const rows of firsts.values()) {
    rows.forEach((id, index) => {
      if (before.has(id)) before.set(id, { behind: rows[index - 1], rightBehind: true });
    });
  }
  return before;
}

/** So that rows stay, and other relays can see to the same. Behind the first two: what only MariaDB reads, and only MySQL. */
const STAYING: Readonly<Record<SqlDialectName, string>> = {
  postgres: ' FOR KEY SHARE SKIP LOCKED',
  mysql: ' /*M! LOCK IN SHARE MODE */ /*!80001 FOR SHARE */ SKIP LOCKED',
  sqlite: '',
};

/** Those that are there and that nobody is deleting: they stay until this transaction ends. */
async function stillThere(executor: SqlExecutor, name: SqlDialectName, ids: readonly number[]): Promise<number[]> {
  if (ids.length === 0) return [];
  const unique = [...new Set(ids)].sort((a, b) => a - b);
  const { rows } = await executor.query(
    `SELECT id FROM leveret_outbox${byId(name)} WHERE id IN (${idList(unique)})${STAYING[name]}`,
  );
  return rows.map(idOf);
}

async function setDue(executor: SqlExecutor, name: SqlDialectName, ids: readonly number[], due: string): Promise<void> {
  if (ids.length === 0) return;
  await executor.query(`UPDATE leveret_outbox${byId(name)} SET due_at = ${due} WHERE id IN (${idList(ids)})`);
}

const ENTRY = 'id, exchange, routing_key, order_key, size';

/** Not above a number: few texts of statements, for many numbers. */
function powerOfTwo(value: number): number {
  return value < 1 ? 0 : 2 ** Math.floor(Math.log2(value));
}
