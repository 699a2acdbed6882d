import { type Clock, pause } from '@leveret/core';
import { byIndexOnly } from '../database/by-index.js';
import { type SqlDatabase, serviceOf } from '../database/sql-database.js';
import { idList, textLiteral } from '../database/sql-text.js';
import { type RawRow, readKey } from '../outbox/outbox-row.js';
import type { SqlPlace } from '../outbox/wake-keys.js';

const PAGE = 500;
/** Times as long as a page took it rests before the next. */
const REST = 4;

/**
 * Wakes the first rows of order keys that wait although nothing is before them, as when somebody deleted a parked row by hand.
 * Goes over the keys page by page, resting for longer than it works. Answers how many rows it woke.
 */
export async function wakeStrandedKeys<Tx>(
  database: SqlDatabase<Tx>,
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  let woken = 0;
  for (let after = ''; !signal.aborted; ) {
    const startedAt = clock.monotonic();
    const rows = await database.transaction(async (tx) => {
      const executor = database.within(tx);
      await byIndexOnly(executor, database.dialect.name);
      const page = (await executor.query(rowsOfKeys(database, after))).rows;
      const ids = firstOfEach(page)
        .filter((row) => row['due_at'] === null && row['parked_at'] === null)
        .map((row) => Number(row['id']));
      if (ids.length === 0) return page;
      const stranded = `id IN (${idList(ids)}) AND due_at IS NULL AND parked_at IS NULL`;
      const set = `SET due_at = ${database.dialect.now}`;
      woken += (await executor.query(`UPDATE leveret_outbox ${set} WHERE ${stranded}`)).rowCount;
      return page;
    });
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return woken;
    after = readKey(last) ?? after;
    await pause(clock, REST * (clock.monotonic() - startedAt), signal);
  }
  return woken;
}

function rowsOfKeys(place: SqlPlace, after: string): string {
  const { name } = place.dialect;
  const [service, key] = [textLiteral(name, serviceOf(place)), textLiteral(name, after)];
  const columns = 'SELECT order_key, id, due_at, parked_at FROM leveret_outbox';
  if (name === 'postgres') {
    // What comes behind the service's keys is cut off outside, so that only one index has this order.
    return `SELECT * FROM (SELECT order_key, id, due_at, parked_at, service FROM leveret_outbox
      WHERE order_key IS NOT NULL AND (service, order_key) > (${service}, ${key})
      ORDER BY service, order_key, id LIMIT ${PAGE}) AS k WHERE service = ${service}`;
  }
  const index = name === 'mysql' ? 'FORCE INDEX (leveret_outbox_order)' : 'INDEXED BY leveret_outbox_order';
  return `${columns} ${index} WHERE service = ${service} AND order_key > ${key} ORDER BY order_key, id LIMIT ${PAGE}`;
}

function firstOfEach(rows: readonly RawRow[]): RawRow[] {
  return rows.filter((row, index) => {
    const before = rows[index - 1];
    return before === undefined || readKey(before) !== readKey(row);
  });
}
