/**
 * Handlers with an inbox, beside the purge of what the inbox remembers no more.
 *
 *   node tools/bench/purge.mjs [--rows 1000000] [--rate 100] [--seconds 10] [--rounds 3] [--databases postgres,mariadb,sqlite]
 *
 * Messages come at an even rate and are handled in a transaction each, with a row of the inbox and one of the handler. Seconds
 * without a purge and seconds beside one take turns, so that whatever else the machine does meets both alike; the time of a
 * message is counted from when it came. Prints p50 and p99 of all messages of both kinds, their ratio with the range that nine in
 * ten of 1,000 other draws of the same seconds give, and how many rows were deleted a second. A round is `--seconds` of each kind.
 */
import { readArguments } from '../scripts/arguments.mjs';
import { privateDatabase } from './lib/private-database.mjs';

const { values: options } = readArguments(import.meta.url, {
  rows: { type: 'number', default: 1000000 },
  rate: { type: 'number', default: 100 },
  seconds: { type: 'number', default: 10 },
  rounds: { type: 'number', default: 3 },
  databases: { type: 'string', default: 'postgres,mariadb,sqlite' },
});
const { rows, rate, seconds, rounds } = options;

const { migrate, purge, TransactionalInbox } = await import('../../packages/sql/dist/index.js');

const SERIES = {
  postgres: (count) => `(SELECT n FROM generate_series(1, ${count}) AS s (n))`,
  mysql: (count) => `(SELECT seq AS n FROM seq_1_to_${count})`,
  sqlite: (count) =>
    `(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${count}) SELECT n FROM s)`,
};

for (const name of options.databases.split(',')) await run(name);

async function run(name) {
  const { database, drop } = await privateDatabase(name);
  try {
    await migrate(database);
    await database.query('CREATE TABLE effects (id varchar(40) NOT NULL)');
    const id = database.dialect.name === 'mysql' ? `CONCAT('old-', n)` : `'old-' || n`;
    await database.query(
      `INSERT INTO leveret_inbox (listener, message_id, handled_at) SELECT 'bench/Listener.handle', ${id}, n FROM ${SERIES[database.dialect.name](rows)} AS numbers`,
    );
    await handle(database, 2);
    const seen = { without: [], beside: [] };
    let purged = 0;
    for (let round = 0; round < rounds; round++) {
      for (let second = 0; second < seconds; second++) {
        // ABBA: what grows with time grows for both.
        for (const kind of second % 2 === 0 ? ['without', 'beside'] : ['beside', 'without']) {
          const stop = new AbortController();
          const purging = kind === 'beside' ? purge(database, { signal: stop.signal }) : undefined;
          seen[kind].push(await handle(database, 1));
          stop.abort();
          purged += (await purging)?.inbox ?? 0;
        }
      }
      const p99 = (kind) => quantile(seen[kind].slice(-seconds), 0.99).toFixed(1);
      console.log(`${name}, round ${round + 1}: p99 ${p99('without')} ms without, ${p99('beside')} beside`);
    }
    const line = [0.5, 0.99].map((q) => {
      const [without, beside] = [quantile(seen.without, q), quantile(seen.beside, q)];
      const [low, high] = range(seen, q);
      return `p${q * 100} ${without.toFixed(1)} and ${beside.toFixed(1)} ms (${(beside / without).toFixed(2)} x, ${low.toFixed(2)}-${high.toFixed(2)})`;
    });
    console.log(`${name}: ${line.join(', ')}, ${Math.round(purged / (rounds * seconds))} rows purged per second`);
  } finally {
    await drop();
  }
}

/** Of all messages of some seconds. */
function quantile(times, q) {
  const sorted = times.flat().sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * q)];
}

/** Where nine in ten ratios lie when the seconds are drawn again, pair by pair. */
function range({ without, beside }, q) {
  const ratios = Array.from({ length: 1000 }, () => {
    const drawn = without.map(() => Math.floor(Math.random() * without.length));
    return (
      quantile(
        drawn.map((n) => beside[n]),
        q,
      ) /
      quantile(
        drawn.map((n) => without[n]),
        q,
      )
    );
  }).sort((a, b) => a - b);
  return [ratios[50], ratios[949]];
}

/** Handles messages that come evenly, for some seconds. Answers how many milliseconds each took. */
async function handle(database, duringS) {
  const inbox = new TransactionalInbox(database);
  const insert = database.dialect.placeholders('INSERT INTO effects (id) VALUES (?)');
  const times = [];
  const running = [];
  const startedAt = performance.now();
  for (let n = 0; n < duringS * rate; n++) {
    const comesAt = startedAt + (n * 1000) / rate;
    const wait = comesAt - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const id = `${startedAt}-${n}`;
    const handled = inbox
      .run('Listener.handle', id, (tx) => database.within(tx).query(insert, [id]))
      .then(() => times.push(performance.now() - comesAt));
    running.push(handled);
  }
  await Promise.all(running);
  return times;
}
