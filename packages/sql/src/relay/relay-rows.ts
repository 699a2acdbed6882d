import { type SqlDatabase, type SqlExecutor, serviceOf } from '../database/sql-database.js';
import { type OutboxEntry, ownMessages, PUBLICATION_COLUMNS, type RawRow } from '../outbox/outbox-row.js';

/**
 * The rows of the outbox as one relay sees them: it leases some, and changes only what is still leased to it. A lease is a
 * token that no other batch has. There is no position that is remembered: a row that commits late is found like any other.
 */
export class RelayRows<Tx> {
  readonly #database: SqlDatabase<Tx>;
  readonly #now: string;
  /** Rows of other services are not looked at: they are published with the rights of others. */
  readonly #own: string;
  readonly #firstOfItsKey: string;

  constructor(database: SqlDatabase<Tx>) {
    this.#database = database;
    const service = serviceOf(database);
    this.#own = ownMessages(service, 'o');
    this.#firstOfItsKey = firstOfItsKey(service);
    this.#now = database.dialect.now;
  }

  /** Leases up to `limit` rows that are due, the oldest first; rows that other relays are at are passed over. */
  async lease(token: string, leaseMs: number, limit: number): Promise<RawRow[]> {
    const rows = this.#database.dialect.name === 'mysql' ? this.#leaseInTwo : this.#leaseInOne;
    return (await rows.call(this, token, leaseMs, limit)).sort((a, b) => Number(a['id']) - Number(b['id']));
  }

  /** Lets the leases run from now. Answers how many still were the caller's. */
  renew(token: string, ids: readonly number[], leaseMs: number): Promise<number> {
    return this.#changed(`UPDATE leveret_outbox SET locked_until = ${this.#now} + ${whole(leaseMs)}`, token, ids);
  }

  /** Confirmed: deletes the rows that still are the caller's, and answers how many were. */
  remove(token: string, ids: readonly number[]): Promise<number> {
    return this.#changed('DELETE FROM leveret_outbox', token, ids);
  }

  /** Not tried: gives the rows back as they were. */
  release(token: string, ids: readonly number[]): Promise<number> {
    return this.#changed('UPDATE leveret_outbox SET locked_by = NULL, locked_until = 0', token, ids);
  }

  /** Refused: due again after `delayMs`. */
  backOff(token: string, entry: OutboxEntry, delayMs: number, error: string): Promise<number> {
    const set = `available_at = ${this.#now} + ${whole(delayMs)}`;
    return this.#refused(set, token, entry, error);
  }

  /** Refused for good: stays, and is left alone. */
  park(token: string, entry: OutboxEntry, error: string): Promise<number> {
    return this.#refused(`parked_at = ${this.#now}`, token, entry, error);
  }

  #due(limit: number): string {
    return `SELECT o.id, o.order_key FROM leveret_outbox o
      WHERE o.parked_at IS NULL AND o.available_at <= ${this.#now} AND o.locked_until <= ${this.#now}
        AND ${this.#own} AND ${this.#firstOfItsKey}
      ORDER BY o.id LIMIT ${whole(limit)}`;
  }

  #leased(token: string, leaseMs: number): string {
    return `UPDATE leveret_outbox
      SET locked_by = '${uuid(token)}', locked_until = ${this.#now} + ${whole(leaseMs)}, attempts = attempts + 1`;
  }

  async #leaseInOne(token: string, leaseMs: number, limit: number): Promise<RawRow[]> {
    const { name } = this.#database.dialect;
    // SQLite has one writer at a time: nothing to pass over. Elsewhere the choice is made once, not again for each row.
    const due = name === 'sqlite' ? this.#due(limit) : `${this.#due(limit)} FOR UPDATE OF o SKIP LOCKED`;
    const once = name === 'sqlite' ? '' : 'MATERIALIZED';
    const { rows } = await this.#database.query(
      `WITH due AS ${once} (${due}) ${this.#leased(token, leaseMs)}
       WHERE id IN (SELECT id FROM due) RETURNING id, attempts, failures, ${PUBLICATION_COLUMNS}`,
    );
    return [...rows];
  }

  /** MySQL cannot update and say what it updated. */
  #leaseInTwo(token: string, leaseMs: number, limit: number): Promise<RawRow[]> {
    return this.#database.transaction(async (tx) => {
      const executor = this.#database.within(tx);
      const due = await executor.query(`${this.#due(limit)} FOR UPDATE SKIP LOCKED`);
      const first = await this.#stillFirst(executor, due.rows);
      if (first.length === 0) return [];
      const ids = idList(first.map((row) => Number(row['id'])));
      await executor.query(`${this.#leased(token, leaseMs)} WHERE id IN (${ids})`);
      const { rows } = await executor.query(
        `SELECT id, attempts, failures, ${PUBLICATION_COLUMNS} FROM leveret_outbox WHERE id IN (${ids})`,
      );
      return [...rows];
    });
  }

  /**
   * A statement of MySQL that locks reads rows as they are now, and in its subquery as they were when it began: of two that
   * were committed in between it takes both, or only the second. Another look sees them all.
   */
  async #stillFirst(executor: SqlExecutor, due: readonly RawRow[]): Promise<readonly RawRow[]> {
    if (due.every((row) => row['order_key'] === null)) return due;
    const ids = idList(due.map((row) => Number(row['id'])));
    const first = `SELECT o.id FROM leveret_outbox o WHERE o.id IN (${ids}) AND ${this.#firstOfItsKey}`;
    return (await executor.query(first)).rows;
  }

  // Ids and tokens stand in the text: as parameters they would make a new prepared statement for each count of them.

  async #changed(statement: string, token: string, ids: readonly number[]): Promise<number> {
    if (ids.length === 0) return 0;
    const executor: SqlExecutor = this.#database;
    const text = `${statement} WHERE locked_by = '${uuid(token)}' AND id IN (${idList(ids)})`;
    return (await executor.query(text)).rowCount;
  }

  async #refused(set: string, token: string, { id }: OutboxEntry, error: string): Promise<number> {
    const text = `UPDATE leveret_outbox SET ${set}, locked_by = NULL, locked_until = 0, failures = failures + 1, error = ?
      WHERE id = ? AND locked_by = ?`;
    return (await this.#database.query(this.#database.dialect.placeholders(text), [error, id, token])).rowCount;
  }
}

/** The first of its order key, whatever its state: the next one waits until it is gone. */
function firstOfItsKey(service: string): string {
  return `(o.order_key IS NULL OR NOT EXISTS (
    SELECT 1 FROM leveret_outbox e WHERE e.order_key = o.order_key AND e.id < o.id AND ${ownMessages(service, 'e')}))`;
}

function idList(ids: readonly number[]): string {
  return ids.map(whole).join(', ');
}

function whole(value: number): string {
  const rounded = Math.ceil(value);
  if (Number.isSafeInteger(rounded) && rounded >= 0) return String(rounded);
  throw new RangeError(`expected a whole number from 0, received ${value}`);
}

function uuid(token: string): string {
  if (/^[0-9a-f-]{36}$/.test(token)) return token;
  throw new RangeError(`expected a UUID, received ${token}`);
}
