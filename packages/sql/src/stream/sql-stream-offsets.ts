import { boundedKey, type StreamOffsetStore } from '@leveret/core';
import { type SqlDatabase, type SqlExecutor, serviceOf } from '../database/sql-database.js';

/**
 * Remembers in a database table how far each listener of a service has come in its stream, so that a new process goes on
 * there. {@link save} is behind the handler: a message may come again. {@link saveIn}, called by the handler in its own
 * transaction, is exact: the effect and the place are committed together.
 *
 * ```ts
 * await offsets.saveIn(context.transaction, context.listenerId, 'payments', context.message.headers['x-stream-offset']);
 * ```
 */
export class SqlStreamOffsets<Tx = unknown> implements StreamOffsetStore {
  readonly #database: SqlDatabase<Tx>;
  readonly #service: string;

  /** @throws {ConfigurationError} when the database does not say which service uses it */
  constructor(database: SqlDatabase<Tx>) {
    this.#service = serviceOf(database);
    this.#database = database;
  }

  async load(listener: string, stream: string): Promise<number | undefined> {
    const { dialect } = this.#database;
    const find = `SELECT stream_offset AS found FROM leveret_stream_offsets WHERE service = ? AND listener = ? AND stream = ?`;
    const { rows } = await this.#database.query(dialect.placeholders(find), this.#key(listener, stream));
    return rows[0] === undefined ? undefined : Number(rows[0]['found']);
  }

  /** Never moves back. */
  save(listener: string, stream: string, offset: number): Promise<void> {
    return this.#save(this.#database, listener, stream, offset);
  }

  /**
   * The same in a transaction of the handler.
   * @throws {TypeError} when the offset is not a whole number
   */
  saveIn(tx: Tx, listener: string, stream: string, offset: unknown): Promise<void> {
    if (!Number.isSafeInteger(offset)) {
      throw new TypeError(`Expected the header x-stream-offset of a message of a stream; got ${typeof offset}`);
    }
    return this.#save(this.#database.within(tx), listener, stream, offset as number);
  }

  async #save(executor: SqlExecutor, listener: string, stream: string, offset: number): Promise<void> {
    const { dialect } = this.#database;
    const insert = `INSERT INTO leveret_stream_offsets (service, listener, stream, stream_offset, saved_at) VALUES (?, ?, ?, ?, ${dialect.now})`;
    const further =
      dialect.name === 'mysql'
        ? ' ON DUPLICATE KEY UPDATE stream_offset = GREATEST(stream_offset, VALUES(stream_offset)), saved_at = VALUES(saved_at)'
        : ' ON CONFLICT (service, listener, stream) DO UPDATE SET stream_offset = excluded.stream_offset, saved_at = excluded.saved_at WHERE leveret_stream_offsets.stream_offset < excluded.stream_offset';
    await executor.query(dialect.placeholders(insert + further), [...this.#key(listener, stream), offset]);
  }

  #key(listener: string, stream: string): readonly string[] {
    return [this.#service, boundedKey(listener), boundedKey(stream)];
  }
}
