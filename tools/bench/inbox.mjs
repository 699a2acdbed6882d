/**
 * Messages that take effect once, beside the same written by hand: in turn, in one process, over one pool of connections.
 *
 *   node tools/bench/inbox.mjs [--messages 2000] [--rounds 5] [--at-once 10] [--cases postgres,...] [--json]
 *
 *   postgres, mariadb, sqlite    the inbox, beside the same statements by hand: the row of the message, written with a bounded
 *                                wait, that of the handler, and a look whether the first is still there, in one transaction
 *   postgres-least, mariadb-least, sqlite-least  beside the least that can be written: two inserts in a transaction
 *   relay-postgres, relay-mariadb, relay-sqlite  the relay of an outbox with a sender that confirms at once, ten rows for a message; by hand:
 *                                lock 250 and lease them in a transaction, send, delete in another
 *   redis, memory                the guard with leases; by hand: claim, and complete what is still claimed with the same token
 *   relay-postgres-least, relay-mariadb-least, relay-sqlite-least  beside one transaction that is open while messages are sent: lock 250, send, delete
 *
 * With --json the last line is the ratios of throughput, by case. Prints messages per second of both, and the median of the ratios of neighbours with its range: above 1, leveret is faster;
 * and the same of the CPU time of this process for each message, which the load of the machine hits less: below 1, leveret takes less.
 */

import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { readArguments } from '../scripts/arguments.mjs';
import { inTurn, median, ratio, showRatio } from './lib/pairs.mjs';
import { privateDatabase } from './lib/private-database.mjs';

const { values: options } = readArguments(import.meta.url, {
  messages: { type: 'number', default: 2000 },
  rounds: { type: 'number', default: 5 },
  'at-once': { type: 'number', default: 10 },
  json: { type: 'boolean', default: false },
  cases: {
    type: 'string',
    default:
      'postgres,mariadb,sqlite,postgres-least,mariadb-least,sqlite-least,relay-postgres,relay-mariadb,relay-sqlite,redis,memory',
  },
});
const { messages, rounds, 'at-once': atOnce } = options;

const { claimGuard, MemoryIdempotencyStore, NEEDS_NO_SIGNAL, silentLogger } = await import(
  '../../packages/core/dist/index.js'
);
const { migrate, mysqlDatabase, OutboxRelay, postgresDatabase, sqliteDatabase, TransactionalInbox } = await import(
  '../../packages/sql/dist/index.js'
);
const { RedisIdempotencyStore } = await import('../../packages/redis/dist/index.js');
const fromRedis = createRequire(new URL('../../packages/redis/package.json', import.meta.url));
const fromSql = createRequire(new URL('../../packages/sql/package.json', import.meta.url));

const LEASE_MS = 300_000;
const TTL_MS = 7 * 24 * 3_600_000;

const COLUMNS = 'id, attempts, failures, order_key, size, exchange, routing_key, properties, headers, mandatory, body';
const idsOf = (rows) => rows.map(({ id }) => id).join(', ');

const CASES = {
  postgres: () => onServer('postgres', postgresPool, inboxes),
  mariadb: () => onServer('mariadb', mysqlPool, inboxes),
  sqlite: () => onServer('sqlite', sqliteConnection, inboxes),
  'postgres-least': () => onServer('postgres', postgresPool, inboxesBesideLeast),
  'mariadb-least': () => onServer('mariadb', mysqlPool, inboxesBesideLeast),
  'sqlite-least': () => onServer('sqlite', sqliteConnection, inboxesBesideLeast),
  'relay-postgres': () => onServer('postgres', postgresPool, relays),
  'relay-mariadb': () => onServer('mariadb', mysqlPool, relays),
  'relay-sqlite': () => onServer('sqlite', sqliteConnection, relays),
  redis,
  memory,
  'relay-postgres-least': () => onServer('postgres', postgresPool, relaysBesideLeast),
  'relay-mariadb-least': () => onServer('mariadb', mysqlPool, relaysBesideLeast),
  'relay-sqlite-least': () => onServer('sqlite', sqliteConnection, relaysBesideLeast),
};

const ratios = {};
for (const name of options.cases.split(',')) {
  const { leveret, byHand, end } = await CASES[name]();
  try {
    await measured(leveret);
    await measured(byHand);
    const { a, b } = await inTurn(
      rounds,
      () => measured(leveret),
      () => measured(byHand),
    );
    const rate = ({ perSecond }) => perSecond;
    const cpu = ({ cpuUs }) => cpuUs;
    ratios[name] = { ...ratio(a, b, rate), rounds };
    const middle = (runs, of) => median(runs.map(of)).toFixed(0);
    console.log(
      `${name}: ${middle(a, rate)} messages per second, by hand ${middle(b, rate)}; ratio ${showRatio(ratio(a, b, rate))}; ` +
        `CPU ${middle(a, cpu)} us, by hand ${middle(b, cpu)}; ratio ${showRatio(ratio(a, b, cpu))}`,
    );
  } finally {
    await end?.();
  }
}
if (options.json) console.log(JSON.stringify(ratios));

/** Rows of a batch are handled in one call, single messages in so many lanes. */
async function measured({ prepare, handle, batch = false }) {
  const count = batch ? 10 * messages : messages;
  await prepare?.(count);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  if (batch) await handle(count);
  else {
    let next = 0;
    const run = `${startedAt}`;
    const lane = async () => {
      while (next < messages) await handle(`${run}-${next++}`);
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return { perSecond: (count / (performance.now() - startedAt)) * 1000, cpuUs: (user + system) / count };
}

async function onServer(name, open, make) {
  const made = await privateDatabase(name);
  await migrate(made.database);
  const opened = open(made.url);
  await opened.query('CREATE TABLE effects (id varchar(60) NOT NULL)');
  const end = async () => {
    await opened.end();
    await made.drop();
  };
  return { ...make(opened), end };
}

function postgresPool(url) {
  const pool = new (fromSql('pg').Pool)({ connectionString: url, max: 20 });
  const within = async (work) => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
      const result = await work((text, values) => client.query(text, values));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  };
  return {
    database: postgresDatabase(pool, { service: 'bench' }),
    within,
    query: (text) => pool.query(text),
    end: () => pool.end(),
    insertOnce: `INSERT INTO leveret_inbox (listener, message_id, handled_at) VALUES ('by-hand', $1, 1) ON CONFLICT DO NOTHING`,
    written: ({ rowCount }) => rowCount === 1,
    insertSoon: (query, id) =>
      query(
        `WITH setting AS MATERIALIZED (SELECT current_setting('lock_timeout') AS before, set_config('lock_timeout', '2000', true))
         INSERT INTO leveret_inbox (listener, message_id, handled_at) SELECT 'by-hand', $1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM setting
         ON CONFLICT DO NOTHING RETURNING set_config('lock_timeout', (SELECT before FROM setting), true)`,
        [id],
      ),
    present: `SELECT 1 FROM leveret_inbox WHERE listener = 'by-hand' AND message_id = $1`,
    effect: 'INSERT INTO effects (id) VALUES ($1)',
    rowsOf: ({ rows }) => rows,
    lease: async (query, ids) =>
      (
        await query(
          `UPDATE leveret_outbox SET locked_by = 'me', due_at = due_at + 30000, attempts = attempts + 1 WHERE id IN (${ids}) RETURNING ${COLUMNS}`,
          [],
        )
      ).rows,
    fill: (count) =>
      `INSERT INTO leveret_outbox (message_id, exchange, routing_key, properties, headers, mandatory, body, size, service, created_at, due_at)
       SELECT 'm' || n, 'e', 'k', '{}', '{}', 1, convert_to(repeat('x', 200), 'UTF8'), 200, 'bench', n, n FROM generate_series(1, ${count}) AS s (n)`,
  };
}

function mysqlPool(url) {
  const pool = fromSql('mysql2/promise').createPool({ uri: url, connectionLimit: 20 });
  const within = async (work) => {
    const connection = await pool.getConnection();
    try {
      await connection.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
      await connection.query('START TRANSACTION');
      const result = await work((text, values) => connection.execute(text, values));
      await connection.query('COMMIT');
      return result;
    } catch (error) {
      await connection.query('ROLLBACK');
      throw error;
    } finally {
      connection.release();
    }
  };
  return {
    database: mysqlDatabase(pool, { service: 'bench' }),
    within,
    query: (text) => pool.query(text),
    end: () => pool.end(),
    insertOnce: `INSERT IGNORE INTO leveret_inbox (listener, message_id, handled_at) VALUES ('by-hand', ?, 1)`,
    written: ([{ affectedRows }]) => affectedRows === 1,
    insertSoon: async (query, id) => {
      await query('SET @lock_wait = @@SESSION.innodb_lock_wait_timeout, SESSION innodb_lock_wait_timeout = 2', []);
      const inserted = await query(
        `INSERT INTO leveret_inbox (listener, message_id, handled_at) VALUES ('by-hand', ?, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000)`,
        [id],
      );
      await query('SET SESSION innodb_lock_wait_timeout = @lock_wait', []);
      return inserted;
    },
    present: `SELECT 1 FROM leveret_inbox WHERE listener = 'by-hand' AND message_id = ? LOCK IN SHARE MODE`,
    effect: 'INSERT INTO effects (id) VALUES (?)',
    rowsOf: ([rows]) => rows,
    lease: async (query, ids) => {
      await query(
        `UPDATE leveret_outbox SET locked_by = 'me', due_at = due_at + 30000, attempts = attempts + 1 WHERE id IN (${ids})`,
        [],
      );
      const [rows] = await query(`SELECT ${COLUMNS} FROM leveret_outbox WHERE id IN (${ids})`, []);
      return rows;
    },
    fill: (count) =>
      `INSERT INTO leveret_outbox (message_id, exchange, routing_key, properties, headers, mandatory, body, size, service, created_at, due_at)
       SELECT CONCAT('m', seq), 'e', 'k', '{}', '{}', 1, REPEAT('x', 200), 200, 'bench', seq, seq FROM seq_1_to_${count}`,
  };
}

function sqliteConnection(url) {
  const connection = new (fromSql('libsql'))(url.slice('sqlite:'.length));
  const statements = new Map();
  const query = (text, values = []) => {
    const statement = statements.get(text) ?? connection.prepare(text);
    statements.set(text, statement);
    return statement.reader ? statement.all(...values) : statement.run(...values);
  };
  const within = async (work) => {
    connection.exec('BEGIN IMMEDIATE');
    const result = await work(query);
    connection.exec('COMMIT');
    return result;
  };
  // One transaction at a time: it is one connection.
  let last = Promise.resolve();
  const inTurns = (work) => {
    last = last.then(() => within(work));
    return last;
  };
  return {
    database: sqliteDatabase(connection, { service: 'bench' }),
    within: inTurns,
    query: async (text) => connection.exec(text),
    end: async () => connection.close(),
    insertOnce: `INSERT INTO leveret_inbox (listener, message_id, handled_at) VALUES ('by-hand', ?, 1) ON CONFLICT DO NOTHING`,
    written: ({ changes }) => Number(changes) === 1,
    insertSoon: (query, id) =>
      query(
        `INSERT INTO leveret_inbox (listener, message_id, handled_at) VALUES ('by-hand', ?, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)) ON CONFLICT DO NOTHING`,
        [id],
      ),
    present: `SELECT count(*) FROM leveret_inbox WHERE listener = 'by-hand' AND message_id = ?`,
    effect: 'INSERT INTO effects (id) VALUES (?)',
    skipLocked: '',
    rowsOf: (rows) => rows,
    lease: (query, ids) =>
      query(
        `UPDATE leveret_outbox SET locked_by = 'me', due_at = due_at + 30000, attempts = attempts + 1 WHERE id IN (${ids}) RETURNING ${COLUMNS}`,
      ),
    fill: (count) =>
      `WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${count})
       INSERT INTO leveret_outbox (message_id, exchange, routing_key, properties, headers, mandatory, body, size, service, created_at, due_at)
       SELECT 'm' || n, 'e', 'k', '{}', '{}', 1, CAST('${'x'.repeat(200)}' AS BLOB), 200, 'bench', n, n FROM s`,
  };
}

async function redis() {
  const { Redis } = fromRedis('ioredis');
  const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
  const client = new Redis(url);
  const prefix = `bench:${randomUUID()}:`;
  const store = new RedisIdempotencyStore(client, { service: 'bench', prefix });
  const complete = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('SET', KEYS[1], 'done', 'PX', ARGV[2]) end return false`;
  const byHand = async (id) => {
    const key = `${prefix}by-hand:${id}`;
    const token = randomUUID();
    if ((await client.set(key, token, 'PX', LEASE_MS, 'NX')) !== 'OK') return;
    await null;
    if ((await client.eval(complete, 1, key, token, TTL_MS)) !== 'OK') throw new Error(`${id} was lost`);
  };
  const end = async () => {
    for await (const keys of client.scanStream({ match: `${prefix}*`, count: 1000 })) {
      if (keys.length > 0) await client.unlink(...keys);
    }
    await client.quit();
  };
  return { leveret: guarded(store), byHand: { handle: byHand }, end };
}

function memory() {
  const claims = new Map();
  const byHand = async (id) => {
    const now = performance.now();
    const known = claims.get(id);
    if (known !== undefined && known.until > now) return;
    const claim = { token: {}, until: now + LEASE_MS };
    claims.set(id, claim);
    await null;
    if (claims.get(id) !== claim) throw new Error(`${id} was lost`);
    claim.until = performance.now() + TTL_MS;
  };
  return { leveret: guarded(new MemoryIdempotencyStore({ maxKeys: 1e7 })), byHand: { handle: byHand } };
}

function guarded(store) {
  const guard = claimGuard(store);
  const attempt = async () => null;
  attempt[NEEDS_NO_SIGNAL] = true;
  return { handle: (id) => guard.run('bench', id, attempt) };
}

function leveretInbox({ database, effect }) {
  const inbox = new TransactionalInbox(database);
  const handle = (id) => {
    const attempt = (tx) => database.within(tx).query(effect, [id]);
    // As leveret's own attempts.
    attempt[NEEDS_NO_SIGNAL] = true;
    return inbox.run('bench', id, attempt);
  };
  return { handle };
}

function inboxes(opened) {
  const { within, insertSoon, written, effect, present } = opened;
  const byHand = {
    handle: (id) =>
      within(async (query) => {
        if (!written(await insertSoon(query, id))) return;
        await query(effect, [id]);
        await query(present, [id]);
      }),
  };
  return { leveret: leveretInbox(opened), byHand };
}

function inboxesBesideLeast(opened) {
  const { within, insertOnce, written, effect } = opened;
  const byHand = {
    handle: (id) =>
      within(async (query) => {
        if (written(await query(insertOnce, [id]))) await query(effect, [id]);
      }),
  };
  return { leveret: leveretInbox(opened), byHand };
}

function relays({ database, within, query, rowsOf, fill, lease, skipLocked = 'FOR UPDATE SKIP LOCKED' }) {
  const byHand = async (count) => {
    for (let sent = 0; sent < count; ) {
      const rows = await within(async (inTransaction) => {
        const due = await inTransaction(
          `SELECT id, exchange, routing_key, order_key, size FROM leveret_outbox WHERE service = 'bench' AND due_at <= ${database.dialect.now} ORDER BY due_at, id LIMIT 250 ${skipLocked}`,
          [],
        );
        return lease(inTransaction, idsOf(rowsOf(due)));
      });
      await Promise.all(rows.map(async ({ properties }) => JSON.parse(properties)));
      await within((inTransaction) =>
        inTransaction(`DELETE FROM leveret_outbox WHERE id IN (${idsOf(rows)}) AND locked_by = 'me'`, []),
      );
      sent += rows.length;
    }
  };
  return relaysBeside({ database, query, fill }, byHand);
}

function relaysBesideLeast({ database, within, query, rowsOf, fill, skipLocked = 'FOR UPDATE SKIP LOCKED' }) {
  const some = `SELECT ${COLUMNS} FROM leveret_outbox ORDER BY id LIMIT 250 ${skipLocked}`;
  const byHand = async (count) => {
    for (let sent = 0; sent < count; ) {
      sent += await within(async (inTransaction) => {
        const rows = rowsOf(await inTransaction(some, []));
        await Promise.all(rows.map(async ({ properties }) => JSON.parse(properties)));
        await inTransaction(`DELETE FROM leveret_outbox WHERE id IN (${idsOf(rows)})`, []);
        return rows.length;
      });
    }
  };
  return relaysBeside({ database, query, fill }, byHand);
}

function relaysBeside({ database, query, fill }, byHand) {
  const prepare = (count) => query(fill(count));
  const relay = async (count) => {
    let sent = 0;
    let done = () => {};
    const all = new Promise((resolve) => {
      done = resolve;
    });
    const sender = {
      send: async () => {
        if (++sent === count) done();
      },
    };
    const running = new OutboxRelay(database, sender, { retention: false, logger: silentLogger }).start();
    await all;
    await running.stop();
  };
  return { leveret: { prepare, handle: relay, batch: true }, byHand: { prepare, handle: byHand, batch: true } };
}
