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
  const { rows } = await executor.query(firstOfKeys(place, keys, Math.max(1, Math.floor(count / keys.length))));
  const ids = rows
    .flatMap((row) => Object.values(row))
    .filter((id) => id !== null)
    .map(Number);
  if (ids.length === 0) return;
  await executor.query(
    `UPDATE leveret_outbox${name === 'mysql' ? ' FORCE INDEX (PRIMARY)' : ''} SET due_at = ${now} WHERE id IN (${idList(ids)}) AND due_at IS NULL AND parked_at IS NULL`,
  );
}

const MOST_UNITED = 8;
const MOST_COLUMNS = 6;

/** The first rows of each key, by the index of keys and nothing else, whatever statistics say. */
export function firstOfKeys(place: SqlPlace, keys: readonly string[], each: number): string {
  const { name } = place.dialect;
  const service = textLiteral(name, serviceOf(place));
  const literals = keys.map((key) => textLiteral(name, key));
  const firstOf = (index: string, key: string) =>
    `SELECT e.id FROM leveret_outbox e ${index} WHERE e.service = ${service} AND e.order_key = ${key} ORDER BY e.id`;
  switch (name) {
    case 'postgres':
      // By this comparison there is only one index with this order, and no reason to sort: it may run into the next key.
      return `SELECT f.id FROM unnest(ARRAY[${literals.join(', ')}]) AS k (order_key) CROSS JOIN LATERAL (
        SELECT o.id, o.service, o.order_key FROM leveret_outbox o
        WHERE o.order_key IS NOT NULL AND (o.service, o.order_key, o.id) >= (${service}, k.order_key, 0)
        ORDER BY o.service, o.order_key, o.id LIMIT ${whole(each)}) AS f WHERE f.order_key = k.order_key AND f.service = ${service}`;
    case 'sqlite':
      return literals
        .map((key) => `SELECT id FROM (${firstOf('INDEXED BY leveret_outbox_order', key)} LIMIT ${whole(each)})`)
        .join(' UNION ALL ');
    case 'mysql': {
      const first = (key: string) => firstOf('FORCE INDEX (leveret_outbox_order)', key);
      if (keys.length <= MOST_UNITED)
        return literals.map((key) => `(${first(key)} LIMIT ${whole(each)})`).join(' UNION ALL ');
      // MariaDB has no LATERAL, and takes its time to plan many parts of a UNION.
      const nth = Array.from(
        { length: Math.min(each, MOST_COLUMNS) },
        (_, n) => `(${first('k.order_key')} LIMIT 1 OFFSET ${n}) AS id${n}`,
      );
      return `SELECT ${nth.join(', ')} FROM (SELECT ${literals.join(' AS order_key UNION ALL SELECT ')} AS order_key) AS k`;
    }
  }
}
