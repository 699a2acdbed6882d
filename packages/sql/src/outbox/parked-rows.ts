import { byIndexOnly } from '../database/by-index.js';
import { type SqlDatabase, type SqlExecutor, type SqlResult, serviceOf } from '../database/sql-database.js';
import { idList, textLiteral, whole } from '../database/sql-text.js';
import { readKey } from './outbox-row.js';
import { type ParkedMessage, readParked } from './parked-message.js';

/** Rows that are changed in one transaction. */
const PAGE_ROWS = 500;
/** Bytes of bodies that are read at a time. */
const PAGE_BYTES = 16_777_216;

const BY_PARKED = {
  postgres: '',
  mysql: ' FORCE INDEX (leveret_outbox_parked)',
  sqlite: ' INDEXED BY leveret_outbox_parked',
} as const;

/** A parked row, as far as it has to be known to change it. */
export interface ParkedRow {
  readonly id: number;
  readonly key: string | undefined;
}

/** The parked rows of a service, page by page: there may be any number of them, of any size. */
export class ParkedRows<Tx> {
  readonly #database: SqlDatabase<Tx>;
  /** Rows of other services are not looked at. */
  readonly #own: string;

  constructor(database: SqlDatabase<Tx>) {
    this.#database = database;
    this.#own = `service = ${textLiteral(database.dialect.name, serviceOf(database))}`;
  }

  page(limit: number, afterId: number): Promise<readonly ParkedMessage[]> {
    return this.#database.transaction(async (tx) => {
      const executor = this.#database.within(tx);
      const ids = await this.#ids(executor, afterId, limit);
      if (ids.length === 0) return [];
      const sizes = await executor.query(
        `SELECT id, size FROM leveret_outbox WHERE id IN (${idList(ids)}) ORDER BY id`,
      );
      const { rows } = await executor.query(
        `SELECT id, message_id, exchange, routing_key, properties, headers, mandatory, body, order_key, created_at, parked_at, attempts, failures, error
         FROM leveret_outbox WHERE id IN (${idList(upTo(PAGE_BYTES, sizes.rows))}) ORDER BY id`,
      );
      return rows.map(readParked);
    });
  }

  /** Does something with parked rows, a page of them in each transaction. Answers how many there were. */
  async each(
    ids: readonly number[] | 'all',
    act: (executor: SqlExecutor, page: readonly ParkedRow[]) => Promise<void>,
  ): Promise<number> {
    const lock = this.#database.dialect.name === 'sqlite' ? '' : ' FOR UPDATE';
    let done = 0;
    for (let afterId = -1, from = 0; ; from += PAGE_ROWS) {
      const more = await this.#database.transaction(async (tx) => {
        const executor = this.#database.within(tx);
        const some = ids === 'all' ? await this.#ids(executor, afterId, PAGE_ROWS) : ids.slice(from, from + PAGE_ROWS);
        if (some.length === 0) return false;
        const { rows } = await executor.query(
          `SELECT id, order_key FROM leveret_outbox WHERE id IN (${idList(some)}) AND parked_at IS NOT NULL AND ${this.#own} ORDER BY id${lock}`,
        );
        const page = rows.map((row) => ({ id: Number(row['id']), key: readKey(row) }));
        if (page.length > 0) await act(executor, page);
        done += page.length;
        afterId = some.at(-1) ?? afterId;
        return true;
      });
      if (!more) return done;
    }
  }

  /** By the index of parked rows, however many others there are. */
  async #ids(executor: SqlExecutor, afterId: number, limit: number): Promise<number[]> {
    await byIndexOnly(executor, this.#database.dialect.name);
    const { rows } = await executor.query(
      `SELECT id FROM leveret_outbox${BY_PARKED[this.#database.dialect.name]}
       WHERE parked_at IS NOT NULL AND ${this.#own} AND id > ${afterId} ORDER BY id LIMIT ${whole(limit)}`,
    );
    return rows.map((row) => Number(row['id']));
  }
}

/** The first rows whose bodies are so large together; one at least. */
function upTo(bytes: number, rows: SqlResult['rows']): number[] {
  const ids: number[] = [];
  let sum = 0;
  for (const row of rows) {
    sum += Number(row['size']);
    if (ids.length > 0 && sum > bytes) break;
    ids.push(Number(row['id']));
  }
  return ids;
}
