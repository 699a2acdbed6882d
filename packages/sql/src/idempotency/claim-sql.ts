import type { SqlDialect } from '../database/sql-dialect.js';

/**
 * The statements of the store. Where a database can say what it wrote, `claim` and `complete` give a row exactly then.
 * `before` is the key that a version without services would have written: while what it says counts, the key is not free.
 */
export interface ClaimSql {
  /** Parameters: key, token, lease in ms, key before. */
  readonly claim: string;
  /** Parameters: key, token, time to live in ms. */
  readonly complete: string;
  /** Parameters: key, token. */
  readonly release: string;
  /** Parameters: lease in ms, key, token. */
  readonly renew: string;
  /** Parameters: key, key before. Gives `token`, `completed` and `left_ms` of each that is there. */
  readonly find: string;
}

/** Writes the statements for a dialect. */
export function claimSql(dialect: SqlDialect): ClaimSql {
  const { now } = dialect;
  const written = dialect.name === 'mysql' ? mysqlUpsert : upsert;
  const from = dialect.name === 'mysql' ? 'FROM DUAL ' : '';
  const free = `SELECT ?, ?, 0, ${now} + ? ${from}WHERE NOT EXISTS
    (SELECT 1 FROM leveret_idempotency b WHERE b.claim_key = ? AND b.ends_at > ${now})`;
  const statements = {
    claim: written(free, `ends_at <= ${now}`),
    complete: written(`VALUES (?, ?, 1, ${now} + ?)`, `(ends_at <= ${now} OR token = $new)`),
    release: 'DELETE FROM leveret_idempotency WHERE claim_key = ? AND token = ? AND completed = 0',
    renew: `UPDATE leveret_idempotency SET ends_at = ${now} + ? WHERE claim_key = ? AND token = ? AND completed = 0 AND ends_at > ${now}`,
    find: `SELECT token, completed, ends_at - ${now} AS left_ms FROM leveret_idempotency WHERE claim_key IN (?, ?)`,
  };
  return {
    claim: dialect.placeholders(statements.claim),
    complete: dialect.placeholders(statements.complete),
    release: dialect.placeholders(statements.release),
    renew: dialect.placeholders(statements.renew),
    find: dialect.placeholders(statements.find),
  };
}

const INTO = 'INSERT INTO leveret_idempotency (claim_key, token, completed, ends_at)';

/** Writes over what is there if `mine`, in which `$new` stands for the token that is written. */
function upsert(row: string, mine: string): string {
  const kept = mine.replace(/\b(ends_at|token)\b/g, 'leveret_idempotency.$1').replace('$new', 'excluded.token');
  return `${INTO} ${row}
    ON CONFLICT (claim_key) DO UPDATE SET token = excluded.token, completed = excluded.completed, ends_at = excluded.ends_at
    WHERE ${kept} RETURNING token`;
}

/** MySQL assigns from left to right: once the token is written, it says whether the rest is to be written too. */
function mysqlUpsert(row: string, mine: string): string {
  const kept = mine.replace(/\b(ends_at|token)\b/g, 'leveret_idempotency.$1').replace('$new', 'VALUES(token)');
  const mineNow = 'leveret_idempotency.token = VALUES(token)';
  return `${INTO} ${row}
    ON DUPLICATE KEY UPDATE token = IF(${kept}, VALUES(token), leveret_idempotency.token),
    completed = IF(${mineNow}, VALUES(completed), leveret_idempotency.completed),
    ends_at = IF(${mineNow}, VALUES(ends_at), leveret_idempotency.ends_at)`;
}
