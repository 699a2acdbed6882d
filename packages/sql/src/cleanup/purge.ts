import {
  type Clock,
  checkKnown,
  customOption,
  type Duration,
  durationOption,
  type OptionsOf,
  Problems,
  pause,
  readOptions,
  systemClock,
  wholeNumberOption,
} from '@leveret/core';
import { byIndexOnly } from '../database/by-index.js';
import type { SqlDatabase, SqlExecutor, SqlResult } from '../database/sql-database.js';
import type { SqlDialect } from '../database/sql-dialect.js';
import { recordRetention } from '../schema/services.js';

/** What is deleted, and how much at a time. */
export interface PurgeOptions {
  /** How long the inbox remembers, at least. Has to be longer than the longest way back of a message. Default 7 days. */
  readonly retention?: Duration;
  /** Rows of one transaction. From 1; default 500. */
  readonly batchSize?: number;
  /** Transactions for each table; what is left waits for the next call. From 1; default: until nothing is left. */
  readonly maxBatches?: number;
  /** Ends it between two transactions. */
  readonly signal?: AbortSignal;
}

/** How many rows were deleted. */
export interface PurgeReport {
  readonly inbox: number;
  readonly claims: number;
}

/** A table whose rows end by themselves. */
interface Purged {
  readonly table: string;
  readonly key: readonly string[];
  /** The column, with an index, that says when. */
  readonly endsBy: string;
}

const INBOX: Purged = { table: 'leveret_inbox', key: ['listener', 'message_id'], endsBy: 'handled_at' };
const CLAIMS: Purged = { table: 'leveret_idempotency', key: ['claim_key'], endsBy: 'ends_at' };

/** MySQL takes its time to plan long lists of keys. */
const KEYS_AT_A_TIME = 100;

/** Times as long as a transaction took it rests before the next: handlers have the database nearly to themselves. */
const REST = 4;

const PURGE_OPTIONS = {
  retention: durationOption({
    or: '7d',
    zero: true,
    unbounded: true,
    text: 'how long the inbox remembers handled messages',
  }),
  batchSize: wholeNumberOption({ from: 1, or: 500, text: 'rows in each transaction' }),
  maxBatches: wholeNumberOption({ from: 1, byDefault: 'no limit', text: 'transactions for each table' }),
  signal: customOption<AbortSignal>({ text: 'ends it behind the running transaction' }),
} satisfies OptionsOf<PurgeOptions>;

/**
 * Deletes what the inbox has remembered for long enough, and claims that are past their time: a few rows in each transaction,
 * with a rest behind it that is four times as long. Rows that somebody has locked are passed over, and deleted another time.
 * A relay does this by itself; call it where none runs. What is parked in the outbox is never deleted. Of services that share a
 * database, the longest `retention` counts for all.
 */
export function purge<Tx>(database: SqlDatabase<Tx>, options: PurgeOptions = {}): Promise<PurgeReport> {
  return purgeBy(systemClock, database, options);
}

/** As {@link purge}, by another clock. @param onDeleted is told of each transaction's rows */
export async function purgeBy<Tx>(
  clock: Clock,
  database: SqlDatabase<Tx>,
  options: PurgeOptions,
  onDeleted: (rows: number) => void = () => {},
): Promise<PurgeReport> {
  const problems = new Problems('purge');
  checkKnown(options, Object.keys(PURGE_OPTIONS), '', problems);
  const { batchSize, maxBatches = Number.POSITIVE_INFINITY, ...read } = readOptions(PURGE_OPTIONS, options, problems);
  problems.throwIfAny();
  const retentionMs = Math.ceil(read.retentionMs);
  const { dialect } = database;
  const drain = async (purged: Purged, past: string): Promise<number> => {
    let deleted = 0;
    for (let batch = 0; batch < maxBatches && options.signal?.aborted !== true; batch++) {
      const startedAt = clock.monotonic();
      const count = await database.transaction((tx) =>
        deleteSome(database.within(tx), dialect, purged, past, batchSize),
      );
      deleted += count;
      onDeleted(count);
      if (count < batchSize) break;
      await pause(clock, REST * (clock.monotonic() - startedAt), options.signal);
    }
    return deleted;
  };
  // The inbox is shared: what one service would forget, another may still need.
  const longestMs = await recordRetention(database, retentionMs);
  const inbox = await drain(INBOX, `${dialect.now} - ${longestMs}`);
  const claims = await drain(CLAIMS, dialect.now);
  return { inbox, claims };
}

async function deleteSome(
  executor: SqlExecutor,
  dialect: SqlDialect,
  { table, key, endsBy }: Purged,
  past: string,
  limit: number,
): Promise<number> {
  const columns = key.join(', ');
  await byIndexOnly(executor, dialect.name);
  // PostgreSQL would ask for the time again at each row, and read all of them.
  const some = (what: string) =>
    `SELECT ${what} FROM ${table} WHERE ${endsBy} <= ${dialect.name === 'postgres' ? `(SELECT ${past})` : past} ORDER BY ${endsBy} LIMIT ${limit}`;
  switch (dialect.name) {
    case 'sqlite':
      return (await executor.query(`DELETE FROM ${table} WHERE (${columns}) IN (${some(columns)})`)).rowCount;
    // By the place of the rows: a join with their keys might read the whole table. What a crash brings back is deleted again:
    // no wait for the disk, which handlers need for theirs.
    case 'postgres':
      await executor.query(`SELECT set_config('synchronous_commit', 'off', true)`);
      return (
        await executor.query(`DELETE FROM ${table} WHERE ctid = ANY (ARRAY(${some('ctid')} FOR UPDATE SKIP LOCKED))`)
      ).rowCount;
    // A DELETE of MySQL can pass over nothing: it would wait for the handler of a row, and others for it.
    case 'mysql': {
      const { rows } = await executor.query(`${some(columns)} FOR UPDATE SKIP LOCKED`);
      let deleted = 0;
      for (let from = 0; from < rows.length; from += KEYS_AT_A_TIME) {
        const some = rows.slice(from, from + KEYS_AT_A_TIME);
        deleted += (await executor.query(deleteByKeys(table, key, some))).rowCount;
      }
      return deleted;
    }
  }
}

/**
 * Row by row by the whole key, whatever the optimizer thinks of it: by a part of the key it would read, and wait for, rows that
 * are not to be deleted.
 */
function deleteByKeys(table: string, key: readonly string[], rows: SqlResult['rows']): string {
  const literal = (value: unknown) => `X'${Buffer.from(value as Uint8Array).toString('hex')}'`;
  const list = rows.map((row) => `SELECT ${key.map((name) => `${literal(row[name])} AS ${name}`).join(', ')}`);
  const same = key.map((name) => `t.${name} = k.${name}`).join(' AND ');
  return `DELETE t FROM (${list.join(' UNION ALL ')}) AS k STRAIGHT_JOIN ${table} AS t FORCE INDEX (PRIMARY) ON ${same}`;
}
