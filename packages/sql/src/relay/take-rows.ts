import type { SqlExecutor, SqlResult } from '../database/sql-database.js';
import type { SqlDialectName } from '../database/sql-dialect.js';
import { idList, uuid, whole } from '../database/sql-text.js';
import { EVEN_IN_SAFE_MODE, type Worked } from '../database/together.js';
import type { RawRow } from '../outbox/outbox-row.js';
import type { SqlPlace } from '../outbox/wake-keys.js';

/** Who takes rows, and for how long. */
export interface Lease {
  readonly token: string;
  readonly leaseMs: number;
}

/** Columns of a message besides those that the choice needs, and its body. */
export const REST = 'failures, properties, headers, mandatory';

/** What takes rows. */
export interface Taking {
  /** In the order in which they are to be sent, as far as they were read. */
  readonly rows: readonly RawRow[];
  readonly update: string;
  /** Reads what is missing of them; `undefined` where nothing is. */
  readonly missing: string | undefined;
  /** Which rows are meant. */
  readonly which: string;
}

/** Says how rows are taken. @param due what was read of them */
export function takeRows(
  { dialect: { name, now } }: SqlPlace,
  { token, leaseMs }: Lease,
  ids: readonly number[],
  due: readonly RawRow[],
): Taking {
  const byIds = new Map(due.map((row) => [idOf(row), row]));
  const rows = ids.map((id) => byIds.get(id) as RawRow);
  const unread = rows.filter(({ body }) => body === null || body === undefined).map(idOf);
  const which = `WHERE id IN (${idList(ids)})`;
  const body = unread.length === rows.length ? 'body' : `CASE WHEN id IN (${idList(unread)}) THEN body END AS body`;
  return {
    rows,
    update: `UPDATE leveret_outbox${byId(name)}
    SET locked_by = '${uuid(token)}', due_at = ${now} + ${whole(leaseMs)}, attempts = attempts + 1 ${which}`,
    missing: unread.length === 0 ? undefined : `id, attempts, ${REST}, ${body}`,
    which,
  };
}

/** Takes the rows. One that a trigger keeps from being changed stays where it is. */
export async function take(
  executor: SqlExecutor,
  name: SqlDialectName,
  { token }: Lease,
  { rows, update, missing, which }: Taking,
): Promise<readonly RawRow[]> {
  // MySQL cannot update and say what it updated.
  const returns = missing !== undefined && name !== 'mysql';
  const updated = await executor.query(returns ? `${update} RETURNING ${missing}` : update);
  if (missing === undefined && updated.rowCount === rows.length) return rows;
  if (returns) return completed(rows, updated.rows);
  const read = `SELECT ${missing ?? 'id'} FROM leveret_outbox${byId(name)} ${which} AND locked_by = '${uuid(token)}'`;
  return completed(rows, (await executor.query(read)).rows);
}

/** The rows are taken together with the commit. */
export function takenWithCommit<L>(
  name: SqlDialectName,
  { rows, update, missing, which }: Taking,
  leased: L,
): Worked<L & { readonly rows: readonly RawRow[] }> {
  const value = { ...leased, rows };
  const closed = (answer: SqlResult) => ({ ...leased, rows: completed(rows, answer.rows) });
  if (name !== 'mysql') return { value, closing: `${update} RETURNING ${missing ?? 'id'}`, closed };
  const closing = `${EVEN_IN_SAFE_MODE} ${update}`;
  // No row of it can be kept from being changed without an error.
  if (missing === undefined) return { value, closing };
  return { value, closing: `${closing}; SELECT ${missing} FROM leveret_outbox${byId(name)} ${which}`, closed };
}

/** What was taken of the rows, with what was read of each since. */
function completed(rows: readonly RawRow[], read: readonly RawRow[]): readonly RawRow[] {
  const byIds = new Map(read.map((row) => [idOf(row), row]));
  return rows.flatMap((row) => {
    const more = byIds.get(idOf(row));
    if (more === undefined) return [];
    return [{ ...row, ...more, body: more['body'] ?? row['body'] }];
  });
}

/** Named, so that MySQL reads no row but these. */
export function byId(name: SqlDialectName): string {
  return name === 'mysql' ? ' FORCE INDEX (PRIMARY)' : '';
}

export function idOf(row: RawRow): number {
  return Number(row['id']);
}
