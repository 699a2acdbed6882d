/**
 * Handlers with an inbox, beside the purge of what the inbox remembers no more.
 *
 *   node tools/bench/purge.mjs [--rows 1000000] [--rate 100] [--seconds 10] [--rounds 3] [--databases postgres,mariadb,sqlite]
 *
 * Messages come at an even rate and are handled in a transaction each, with a row of the inbox and one of the handler. A time
 * without a purge and one beside a purge take turns; the time of a message is counted from when it came. Prints p50 and p99 of
 * both, the median of the ratios of neighbours, and how many rows were deleted a second.
 */
import { parseArgs } from 'node:util';
import { median } from './lib/pairs.mjs';
import { privateDatabase } from './lib/private-database.mjs';

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    databases: { type: 'string', default: 'postgres,mariadb,sqlite' },
  },
});
const [rows, rate, seconds, rounds] = ['rows', 'rate', 'seconds', 'rounds'].map((name) => Number(options[name]));

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
    const pairs = [];
    let purged = 0;
    for (let round = 0; round < rounds; round++) {
      const without = await handle(database, seconds);
      const stop = new AbortController();
      const purging = purge(database, { signal: stop.signal });
      const beside = await handle(database, seconds);
      stop.abort();
      purged += (await purging).inbox;
      pairs.push({ without, beside });
      console.log(
        `${name}, round ${round + 1}: p99 ${without.p99.toFixed(1)} ms without, ${beside.p99.toFixed(1)} beside`,
      );
    }
    const ratio = (of) => median(pairs.map(({ without, beside }) => beside[of] / without[of]));
    const mid = (of, when) => median(pairs.map((pair) => pair[when][of])).toFixed(1);
    console.log(
      `${name}: p50 ${mid('p50', 'without')} and ${mid('p50', 'beside')} ms (${ratio('p50').toFixed(2)} x), p99 ${mid('p99', 'without')} and ${mid('p99', 'beside')} ms (${ratio('p99').toFixed(2)} x), ${Math.round(purged / (rounds * seconds))} rows purged per second`,
    );
  } finally {
    await drop();
  }
}

/** Handles messages that come evenly, for some seconds. */
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
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(times.length / 2)], p99: times[Math.floor(times.length * 0.99)] };
}
