import type { SqlDatabase, SqlResult } from '../database/sql-database.js';
import type { SqlDialectName } from '../database/sql-dialect.js';
import { idList, uuid, whole } from '../database/sql-text.js';
import { EVEN_IN_SAFE_MODE, type Opening, resultOfOpening, transactionAfterAll } from '../database/together.js';
import { wakeKeys } from '../outbox/wake-keys.js';

/** What became of rows, to be written down at once. */
export interface Settlement {
  /** Confirmed: they are deleted. */
  readonly confirmed: readonly number[];
  /** Order keys of which nothing is in hand any more: their next rows become due. */
  readonly keys: readonly string[];
  /** Given back, due after so many milliseconds. */
  readonly released: readonly { readonly id: number; readonly delayMs: number }[];
  /** Given back, and waiting behind another of their key. */
  readonly aside: readonly number[];
  /** Refused: due again after a wait, or parked. */
  readonly refused: readonly { readonly id: number; readonly delayMs: number | 'never'; readonly error: string }[];
}

/** How many rows still were the caller's. */
export interface Settled {
  readonly deleted: number;
  readonly parked: number;
}

/**
 * Writes down what became of rows, in one transaction. Only what is leased with this token is changed: a lease may have
 * ended, and another relay has the row.
 */
export async function settleRows<Tx>(
  database: SqlDatabase<Tx>,
  token: string,
  settlement: Settlement,
  batchSize: number,
): Promise<Settled> {
  const { dialect } = database;
  const { name, now } = dialect;
  const mine = `locked_by = '${uuid(token)}'`;
  const { confirmed, keys, released, aside, refused } = settlement;
  const removal = `${remove(name)} WHERE id IN (${idList(confirmed)}) AND ${mine}`;
  const opening = confirmed.length === 0 ? undefined : REMOVING[name](removal);
  return transactionAfterAll(database, opening, async (tx, opened) => {
    const executor = database.within(tx);
    const change = async (set: string, ids: readonly number[]): Promise<void> => {
      if (ids.length > 0) await executor.query(`${update(name)} SET ${set} WHERE id IN (${idList(ids)}) AND ${mine}`);
    };
    let deleted = 0;
    if (opened !== undefined) deleted = removedBy(resultOfOpening(opened));
    else if (confirmed.length > 0) deleted = (await executor.query(removal)).rowCount;
    // Behind the delete, which has the locks: who puts a row of the key aside meanwhile has seen that, or comes before this.
    await wakeKeys(executor, database, keys, batchSize);
    for (const [delayMs, ids] of byDelay(released)) {
      await change(`locked_by = NULL, due_at = ${now} + ${whole(delayMs)}`, ids);
    }
    await change('locked_by = NULL, due_at = NULL', aside);
    let parked = 0;
    for (const { id, delayMs, error } of refused) {
      const due = delayMs === 'never' ? `due_at = NULL, parked_at = ${now}` : `due_at = ${now} + ${whole(delayMs)}`;
      const text = `${update(name)} SET ${due}, locked_by = NULL, failures = failures + 1, error = ? WHERE id = ${whole(id)} AND ${mine}`;
      const { rowCount } = await executor.query(dialect.placeholders(text), [error]);
      if (delayMs === 'never') parked += rowCount;
    }
    return { value: { deleted, parked } };
  });
}

/** Lets the leases run from now. Answers which rows still are the caller's. */
export async function renewLeases<Tx>(
  database: SqlDatabase<Tx>,
  token: string,
  ids: readonly number[],
  leaseMs: number,
): Promise<readonly number[]> {
  const { name, now } = database.dialect;
  const mine = `WHERE id IN (${idList(ids)}) AND locked_by = '${uuid(token)}'`;
  return database.transaction(async (tx) => {
    const executor = database.within(tx);
    const text = `${update(name)} SET due_at = ${now} + ${whole(leaseMs)} ${mine}`;
    const { rowCount } = await executor.query(text);
    if (rowCount === ids.length) return ids;
    const { rows } = await executor.query(`SELECT id FROM leveret_outbox ${mine}`);
    return rows.map((row) => Number(row['id']));
  });
}

/** Named, so that MySQL reads (and with a DELETE waits for) no row but these. */
function update(name: SqlDialectName): string {
  return name === 'mysql' ? 'UPDATE leveret_outbox FORCE INDEX (PRIMARY)' : 'UPDATE leveret_outbox';
}

function remove(name: SqlDialectName): string {
  return name === 'mysql'
    ? 'DELETE leveret_outbox FROM leveret_outbox FORCE INDEX (PRIMARY)'
    : 'DELETE FROM leveret_outbox';
}

/** A removal that is sent together with the begin of its transaction. */
const REMOVING: Readonly<Record<SqlDialectName, (removal: string) => Opening>> = {
  postgres: (text) => ({ text }),
  mysql: (removal) => ({ text: `${EVEN_IN_SAFE_MODE} ${removal}; SELECT ROW_COUNT() AS removed` }),
  sqlite: (text) => ({ text }),
};

function removedBy({ rows, rowCount }: SqlResult): number {
  const [row] = rows;
  return row === undefined ? rowCount : Number(row['removed']);
}

function byDelay(released: Settlement['released']): Map<number, number[]> {
  const ids = new Map<number, number[]>();
  for (const { id, delayMs } of released) ids.set(delayMs, [...(ids.get(delayMs) ?? []), id]);
  return ids;
}
