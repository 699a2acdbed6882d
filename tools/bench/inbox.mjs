/**
 * Messages that take effect once, beside the same written by hand: in turn, in one process, over one pool of connections.
 *
 *   node tools/bench/inbox.mjs [--messages 2000] [--rounds 5] [--at-once 10] [--cases postgres,mariadb,sqlite,relay-postgres,relay-mariadb,memory,redis]
 *
 *   postgres, mariadb, sqlite    the inbox: a row for the message and one of the handler, in one transaction
 *   relay-postgres, relay-mariadb  the relay of an outbox with a sender that confirms at once; by hand: lock 250, send, delete
 *   memory, redis                the stores of claims beside a Map, and beside SET NX and a second SET
 *
 * Prints messages per second of both, and the median of the ratios of neighbours with its range: above 1, leveret is faster.
 */
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { inTurn, median, ratio, showRatio } from './lib/pairs.mjs';
import { privateDatabase } from './lib/private-database.mjs';

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '5' },
    'at-once': { type: 'string', default: '10' },
    cases: { type: 'string', default: 'postgres,mariadb,sqlite,relay-postgres,relay-mariadb,memory,redis' },
  },
});
const [messages, rounds, atOnce] = ['messages', 'rounds', 'at-once'].map((name) => Number(options[name]));

const { claimGuard, MemoryIdempotencyStore, silentLogger } = await import('../../packages/core/dist/index.js');
const { migrate, mysqlDatabase, OutboxRelay, postgresDatabase, sqliteDatabase, TransactionalInbox } = await import(
  '../../packages/sql/dist/index.js'
);
const fromSql = createRequire(new URL('../../packages/sql/package.json', import.meta.url));

const CASES = {
  postgres: () => onServer('postgres', postgresPool, inboxes),
  mariadb: () => onServer('mariadb', mysqlPool, inboxes),
  sqlite: () => onServer('sqlite', sqliteConnection, inboxes),
  'relay-postgres': () => onServer('postgres', postgresPool, relays),
  'relay-mariadb': () => onServer('mariadb', mysqlPool, relays),
  memory,
  redis,
};

for (const name of options.cases.split(',')) {
  const { leveret, byHand, end } = await CASES[name]();
  try {
    const measured = (handle) => () => perSecond(handle);
    await perSecond(leveret);
    await perSecond(byHand);
    const { a, b } = await inTurn(rounds, measured(leveret), measured(byHand));
    const of = (rate) => rate;
    console.log(
      `${name}: ${median(a).toFixed(0)} messages per second, by hand ${median(b).toFixed(0)}; ratio ${showRatio(ratio(a, b, of))}`,
    );
  } finally {
    await end?.();
  }
}

/** Rows of a batch are handled in one call, single messages in so many lanes. */
async function perSecond({ prepare, handle, batch = false }) {
  await prepare?.(messages);
  const startedAt = performance.now();
  if (batch) await handle(messages);
  else {
    let next = 0;
    const run = `${startedAt}`;
    const lane = async () => {
      while (next < messages) await handle(`${run}-${next++}`);
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
  }
  return (messages / (performance.now() - startedAt)) * 1000;
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
      await client.query('BEGIN');
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
    effect: 'INSERT INTO effects (id) VALUES ($1)',
    rowsOf: ({ rows }) => rows,
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
    effect: 'INSERT INTO effects (id) VALUES (?)',
    rowsOf: ([rows]) => rows,
    fill: (count) =>
      `INSERT INTO leveret_outbox (message_id, exchange, routing_key, properties, headers, mandatory, body, size, service, created_at, due_at)
       SELECT CONCAT('m', seq), 'e', 'k', '{}', '{}', 1, REPEAT('x', 200), 200, 'bench', seq, seq FROM seq_1_to_${count}`,
  };
}

function sqliteConnection(url) {
  const connection = new (fromSql('libsql'))(url.slice('sqlite:'.length));
  const query = (text, values = []) => connection.prepare(text).run(...values);
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
    effect: 'INSERT INTO effects (id) VALUES (?)',
  };
}

function inboxes({ database, within, insertOnce, written, effect }) {
  const inbox = new TransactionalInbox(database);
  return {
    leveret: { handle: (id) => inbox.run('bench', id, (tx) => database.within(tx).query(effect, [id])) },
    byHand: {
      handle: (id) =>
        within(async (query) => {
          if (written(await query(insertOnce, [id]))) await query(effect, [id]);
        }),
    },
  };
}

function relays({ database, within, query, rowsOf, fill }) {
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
  const columns = 'id, exchange, routing_key, properties, headers, mandatory, body';
  const some = `SELECT ${columns} FROM leveret_outbox ORDER BY id LIMIT 250 FOR UPDATE SKIP LOCKED`;
  const byHand = async (count) => {
    for (let sent = 0; sent < count; ) {
      sent += await within(async (inTransaction) => {
        const rows = rowsOf(await inTransaction(some, []));
        await Promise.all(rows.map(async ({ properties }) => JSON.parse(properties)));
        await inTransaction(`DELETE FROM leveret_outbox WHERE id IN (${rows.map(({ id }) => id).join(', ')})`, []);
        return rows.length;
      });
    }
  };
  return { leveret: { prepare, handle: relay, batch: true }, byHand: { prepare, handle: byHand, batch: true } };
}

async function memory() {
  const guard = claimGuard(new MemoryIdempotencyStore());
  const known = new Map();
  return {
    leveret: { handle: (id) => guard.run('bench', id, async () => undefined) },
    byHand: {
      handle: async (id) => {
        if (known.has(id)) return;
        known.set(id, 'claimed');
        await undefined;
        known.set(id, 'done');
      },
    },
  };
}

async function redis() {
  const { RedisIdempotencyStore } = await import('../../packages/redis/dist/index.js');
  const { Redis } = createRequire(new URL('../../packages/redis/package.json', import.meta.url))('ioredis');
  const client = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
  const guard = claimGuard(new RedisIdempotencyStore(client, { service: `bench-${process.pid}`, keep: '1m' }));
  return {
    leveret: { handle: (id) => guard.run('bench', id, async () => undefined) },
    byHand: {
      handle: async (id) => {
        const key = `bench-by-hand:${process.pid}:${id}`;
        if ((await client.set(key, 'claimed', 'PX', 30_000, 'NX')) !== 'OK') return;
        await client.set(key, 'done', 'PX', 60_000);
      },
    },
    end: () => client.quit(),
  };
}
