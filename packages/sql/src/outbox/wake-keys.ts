import { byIndexOnly } from '../database/by-index.js';
import { type SqlDatabase, type SqlExecutor, serviceOf } from '../database/sql-database.js';
import { idList, textLiteral, whole } from '../database/sql-text.js';

/** Of a database, what the texts of statements depend on. */
export type SqlPlace = Pick<SqlDatabase, 'dialect' | 'service'>;

/** Makes the first rows of order keys due, some `count` in all: those behind the first of a key are taken together with it. */
export async function wakeKeys(
  executor: SqlExecutor,
  place: SqlPlace,
  keys: readonly string[],
  count: number,
): Promise<void> {
  if (keys.length === 0) return;
  const { name, now } = place.dialect;
  await byIndexOnly(executor, name);
  const ids = [...(await firstRowsOf(executor, place, keys, count)).values()].flat();
  if (ids.length === 0) return;
  // By their age: they come before what was written later, and not behind all of it.
  const due = `${name === 'sqlite' ? 'min' : 'least'}(created_at, ${now})`;
  await executor.query(
    `UPDATE leveret_outbox${name === 'mysql' ? ' FORCE INDEX (PRIMARY)' : ''} SET due_at = ${due} WHERE id IN (${idList(ids)}) AND due_at IS NULL AND parked_at IS NULL`,
  );
}

/** The ids of the first rows of each key in order, some `count` in all. */
export async function firstRowsOf(
  executor: SqlExecutor,
  place: SqlPlace,
  keys: readonly string[],
  count: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  if (keys.length === 0) return new Map();
  const each = Math.max(1, Math.floor(count / keys.length));
  const { rows } = await executor.query(firstOfKeys(place, keys, each));
  const found = new Map<string, number[]>();
  for (const { k, ...columns } of rows) {
    const key = keys[Number(k)] ?? '';
    const ids = found.get(key) ?? [];
    for (const id of Object.values(columns)) if (id !== null) ids.push(Number(id));
    found.set(key, ids);
  }
  for (const ids of found.values()) ids.sort((a, b) => a - b);
  return found;
}

const MOST_UNITED = 8;
const MOST_COLUMNS = 6;

/**
 * The first rows of each key, by the index of keys and nothing else, whatever statistics say: a row for each, or for each key,
 * with the number of the key as `k`.
 */
export function firstOfKeys(place: SqlPlace, keys: readonly string[], each: number): string {
  const { name } = place.dialect;
  const service = textLiteral(name, serviceOf(place));
  const literals = name === 'postgres' ? [] : keys.map((key) => textLiteral(name, key));
  const firstOf = (index: string, key: string, columns = 'e.id') =>
    `SELECT ${columns} FROM leveret_outbox e ${index} WHERE e.service = ${service} AND e.order_key = ${key} ORDER BY e.id`;
  switch (name) {
    case 'postgres':
      // By this comparison there is only one index with this order, and no reason to sort: it may run into the next key.
      // The keys as one literal: thousands take their time to plan.
      return `SELECT k.n - 1 AS k, f.id FROM jsonb_array_elements_text(${textLiteral(name, JSON.stringify(keys))}::jsonb) WITH ORDINALITY AS k (order_key, n) CROSS JOIN LATERAL (
        SELECT o.id, o.service, o.order_key FROM leveret_outbox o
        WHERE o.order_key IS NOT NULL AND (o.service, o.order_key, o.id) >= (${service}, k.order_key, 0)
        ORDER BY o.service, o.order_key, o.id LIMIT ${whole(each)}) AS f WHERE f.order_key = k.order_key AND f.service = ${service}`;
    case 'sqlite':
      return literals
        .map((key, k) => {
          const first = firstOf('INDEXED BY leveret_outbox_order', key, `${k} AS k, e.id`);
          return `SELECT k, id FROM (${first} LIMIT ${whole(each)})`;
        })
        .join(' UNION ALL ');
    case 'mysql': {
      const index = 'FORCE INDEX (leveret_outbox_order)';
      if (keys.length <= MOST_UNITED) {
        return literals
          .map((key, k) => `(${firstOf(index, key, `${k} AS k, e.id`)} LIMIT ${whole(each)})`)
          .join(' UNION ALL ');
      }
      // MariaDB has no LATERAL, and takes its time to plan many parts of a UNION.
      const nth = Array.from(
        { length: Math.min(each, MOST_COLUMNS) },
        (_, n) => `(${firstOf(index, 'k.order_key')} LIMIT 1 OFFSET ${n}) AS id${n}`,
      );
      const list = literals.map((key, k) => `SELECT ${k} AS k, ${key} AS order_key`).join(' UNION ALL ');
      return `SELECT k.k AS k, ${nth.join(', ')} FROM (${list}) AS k`;
    }
  }
}
