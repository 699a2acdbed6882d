import type { SqlDialect } from '../database/sql-dialect.js';

/** The statements of the store. Where a database can say what it wrote, `claim` and `complete` give a row exactly then. */
export interface ClaimSql {
  /** Parameters: key, token, lease in ms. */
  readonly claim: string;
  /** Parameters: key, token, time to live in ms. */
  readonly complete: string;
  /** Parameters: key, token. */
  readonly release: string;
  /** Parameters: lease in ms, key, token. */
  readonly renew: string;
  /** Parameters: key. Gives `token`, `completed` and `left_ms`. */
  readonly find: string;
}

/** Writes the statements for a dialect. */
export function claimSql(dialect: SqlDialect): ClaimSql {
  const { now } = dialect;
  const written = dialect.name === 'mysql' ? mysqlUpsert : upsert;
  const statements = {
    claim: written(now, 0, `ends_at <= ${now}`),
    complete: written(now, 1, `(ends_at <= ${now} OR token = $new)`),
    release: 'DELETE FROM leveret_idempotency WHERE claim_key = ? AND token = ? AND completed = 0',
    renew: `UPDATE leveret_idempotency SET ends_at = ${now} + ? WHERE claim_key = ? AND token = ? AND completed = 0 AND ends_at > ${now}`,
    find: `SELECT token, completed, ends_at - ${now} AS left_ms FROM leveret_idempotency WHERE claim_key = ?`,
  };
  return {
    claim: dialect.placeholders(statements.claim),
    complete: dialect.placeholders(statements.complete),
    release: dialect.placeholders(statements.release),
    renew: dialect.placeholders(statements.renew),
    find: dialect.placeholders(statements.find),
  };
}

function insert(now: string, completed: 0 | 1): string {
  return `INSERT INTO leveret_idempotency (claim_key, token, completed, ends_at) VALUES (?, ?, ${completed}, ${now} + ?)`;
}

/** Writes over what is there if `mine`, in which `$new` stands for the token that is written. */
function upsert(now: string, completed: 0 | 1, mine: string): string {
  const kept = mine.replace(/\b(ends_at|token)\b/g, 'leveret_idempotency.$1').replace('$new', 'excluded.token');
  return `${insert(now, completed)}
    ON CONFLICT (claim_key) DO UPDATE SET token = excluded.token, completed = excluded.completed, ends_at = excluded.ends_at
    WHERE ${kept} RETURNING token`;
}

/** MySQL assigns from left to right: once the token is written, it says whether the rest is to be written too. */
function mysqlUpsert(now: string, completed: 0 | 1, mine: string): string {
  const kept = mine.replace('$new', 'VALUES(token)');
  return `${insert(now, completed)}
    ON DUPLICATE KEY UPDATE token = IF(${kept}, VALUES(token), token),
    completed = IF(token = VALUES(token), VALUES(completed), completed),
    ends_at = IF(token = VALUES(token), VALUES(ends_at), ends_at)`;
}
