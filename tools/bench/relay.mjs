/**
 * The relay of an outbox with a sender that confirms at once: what the database costs, whatever waits in it.
 *
 *   node tools/bench/relay.mjs [--rows 1000000] [--body 200] [--seconds 10] [--databases postgres,mariadb,sqlite] [--cases mixed,one-key,...]
 *
 * Each case has a private database, filled without gathering statistics, and prints messages per second over the given time,
 * the time that `outbox.counts()` takes, and the plan by which rows are leased.
 *
 *   mixed          two fifths without a key, one fifth with keys, one fifth held up behind parked rows, one fifth parked
 *   one-key        20,000 rows of one order key
 *   no-statistics  100,000 rows of no key
 *   held-up        50,000 rows of one key behind a parked one, due as they were written; fresh rows come meanwhile
 *   held-up-among-others  four fifths are rows of many keys behind parked ones, due as they were written; the others are free
 *   outage         half of the rows wait for an hour, as after an outage; the others are due
 */
import { readArguments } from '../scripts/arguments.mjs';
import { privateDatabase } from './lib/private-database.mjs';

const { values: options } = readArguments(import.meta.url, {
  rows: { type: 'number', default: 1000000 },
  body: { type: 'number', default: 200 },
  seconds: { type: 'number', default: 10 },
  databases: { type: 'string', default: 'postgres,mariadb,sqlite' },
  cases: { type: 'string', default: 'mixed,one-key,no-statistics,held-up,held-up-among-others,outage' },
});

const { silentLogger } = await import('../../packages/core/dist/index.js');
const { migrate, Outbox, OutboxRelay } = await import('../../packages/sql/dist/index.js');
const { byIndexOnly } = await import('../../packages/sql/dist/database/by-index.js');
const { dueRows } = await import('../../packages/sql/dist/relay/lease-rows.js');

const SECOND_MS = 1000;
const ROWS = options.rows;
const BODY = options.body;

/** Columns that differ from case to case: order_key, whether it is parked, when it is due. `n` is the number of the row. */
const CASES = {
  mixed: {
    rows: ROWS,
    publishable: Math.floor(ROWS * 0.6),
    key: (sql) =>
      `CASE WHEN n % 5 < 2 THEN NULL WHEN n % 5 = 2 THEN ${sql.text('w', 'n % 20000')} WHEN n % 5 = 3 THEN ${sql.text('h', 'n % 5000')} ELSE ${sql.text('p', 'n')} END`,
    parked: 'CASE WHEN n % 5 = 4 OR (n % 5 = 3 AND n < 25000) THEN 1 END',
    due: 'CASE WHEN n % 5 < 3 THEN n END',
  },
  'one-key': { rows: 20_000, publishable: 20_000, key: () => `'one'`, parked: 'NULL', due: 'n' },
  'no-statistics': { rows: 100_000, publishable: 100_000, key: () => 'NULL', parked: 'NULL', due: 'n' },
  'held-up': {
    rows: 50_001,
    key: () => `'held'`,
    parked: 'CASE WHEN n = 0 THEN 1 END',
    due: 'CASE WHEN n > 0 THEN n END',
    fresh: true,
  },
  'held-up-among-others': {
    rows: ROWS / 5,
    publishable: ROWS / 25,
    key: (sql) => `CASE WHEN n % 10 >= 2 THEN ${sql.text('h', 'n % 2000')} END`,
    parked: 'CASE WHEN n % 10 >= 2 AND n < 2000 THEN 1 END',
    due: 'CASE WHEN n % 10 < 2 OR n >= 2000 THEN n END',
  },
  outage: {
    rows: ROWS,
    publishable: ROWS / 2,
    key: () => 'NULL',
    parked: 'NULL',
    due: (sql) => `CASE WHEN n % 2 = 0 THEN ${sql.now} + 3600000 ELSE n END`,
  },
};

const DIALECTS = {
  postgres: {
    text: (letter, number) => `'${letter}' || (${number})`,
    series: (rows) => `(SELECT n FROM generate_series(0, ${rows - 1}) AS s (n))`,
    body: `convert_to(repeat('x', ${BODY}), 'UTF8')`,
  },
  mysql: {
    text: (letter, number) => `CONCAT('${letter}', ${number})`,
    series: (rows) => `(SELECT seq AS n FROM seq_0_to_${rows - 1})`,
    body: `REPEAT('x', ${BODY})`,
  },
  sqlite: {
    text: (letter, number) => `'${letter}' || (${number})`,
    series: (rows) =>
      `(WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < ${rows - 1}) SELECT n FROM s)`,
    body: `CAST(printf('%.${BODY}c', 'x') AS BLOB)`,
  },
};

for (const name of options.databases.split(',')) {
  for (const each of options.cases.split(',')) await run(name, each);
}

async function run(name, caseName) {
  const { database, drop } = await privateDatabase(name);
  try {
    await migrate(database);
    const shape = CASES[caseName];
    await fill(database, shape);
    const result = await relay(database, shape);
    const outbox = new Outbox(database);
    const startedAt = performance.now();
    const counts = await outbox.counts({ timeout: '2m' });
    const countsMs = performance.now() - startedAt;
    console.log(`${name}, ${caseName} (${shape.rows} rows)`);
    console.log(`  ${result.perSecond.toFixed(0)} messages per second, ${result.looks} looks at the table`);
    if (shape.fresh === true)
      console.log(
        `  ${result.freshPerSecond.toFixed(0)} fresh messages per second, the slowest after ${result.slowestMs.toFixed(0)} ms`,
      );
    console.log(`  counts() ${countsMs.toFixed(0)} ms: ${JSON.stringify(counts)}`);
    for (const line of await plan(database)) console.log(`    ${line}`);
  } finally {
    await drop();
  }
}

async function fill(database, { rows, key, parked, due }) {
  const sql = { ...DIALECTS[database.dialect.name], now: database.dialect.now };
  await database.query(
    `INSERT INTO leveret_outbox (message_id, exchange, routing_key, properties, headers, mandatory, body, size, service, created_at, order_key, parked_at, due_at)
     SELECT ${sql.text('m', 'n')}, 'e', ${sql.text('k', 'n % 50')}, '{"contentType":"application/json"}', '{}', 1, ${sql.body}, ${BODY}, 'bench', n,
       ${key(sql)}, ${parked}, ${typeof due === 'function' ? due(sql) : due} FROM ${sql.series(rows)} AS numbers`,
  );
}

/** Relays for some seconds. */
async function relay(database, { fresh = false, publishable }) {
  const outbox = new Outbox(database);
  const sentAt = new Map();
  let sent = 0;
  let freshSent = 0;
  let slowestMs = 0;
  const sender = {
    send: async ({ properties }) => {
      sent++;
      const at = sentAt.get(properties.messageId);
      if (at === undefined) return;
      freshSent++;
      slowestMs = Math.max(slowestMs, performance.now() - at);
    },
  };
  const running = new OutboxRelay(database, sender, {
    retention: false,
    logger: silentLogger,
    pollInterval: 50,
  }).start();
  const startedAt = performance.now();
  const endAt = startedAt + options.seconds * SECOND_MS;
  let idleAt = endAt;
  while (performance.now() < endAt) {
    if (fresh) {
      const messageId = await database.transaction((tx) => outbox.publish(tx, 'e', 'k', 'fresh'));
      sentAt.set(messageId, performance.now());
    }
    await new Promise((resolve) => setTimeout(resolve, fresh ? 2 : 20));
    if (sent >= publishable) {
      idleAt = performance.now();
      break;
    }
  }
  const seconds = (Math.min(idleAt, performance.now()) - startedAt) / SECOND_MS;
  const { polls } = running.stats;
  await running.stop();
  return { perSecond: sent / seconds, freshPerSecond: freshSent / seconds, slowestMs, looks: polls };
}

async function plan(database) {
  const explain = database.dialect.name === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN';
  const { rows } = await database.transaction(async (tx) => {
    await byIndexOnly(database.within(tx), database.dialect.name);
    return database.within(tx).query(`${explain} ${dueRows(database, 250)}`);
  });
  return rows.map((row) => row['QUERY PLAN'] ?? row.detail ?? `${row.type} by ${row.key}, ${row.Extra}`);
}
