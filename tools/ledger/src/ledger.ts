/**
 * `npm run ledger -- --minutes 6 --seed 1 --row quorum`: counts every message of a service under faults, and judges what it
 * counted. Ends with 1 when an invariant is broken.
 *
 *   --row NAME        what is measured (default quorum); --list shows all
 *   --minutes N       how long faults are injected (default 6)
 *   --seed N          where every random choice comes from (default: drawn, and printed)
 *   --broker VERSION  3.10, 4.0 or 4.3 (default: the first of them that is there)
 *   --nodes N         1, or 3 for a cluster with faults of its own (default 1)
 *   --faults A,B      these kinds only, none for no fault at all; --list shows all
 *   --rate N          messages a second at most (default 1500)
 *   --out FOLDER      where the report goes (default ledger-report)
 *   --alone           nothing else runs on this machine: how soon it went on may be recorded
 *   --first           much else does, but all processes of this run have a high priority: the same
 *   --keep            keep the ledgers of a run that broke nothing, too
 *   --list            rows and faults
 */
import { readArguments } from '../../scripts/arguments.mjs';
import { type BrokerVersion, defaultVersion, whyUnavailable } from '../../scripts/brokers.mjs';
import { FAULTS } from './faults/deck.js';
import { tableOf } from './report/table.js';
import { writeReport } from './report/write-report.js';
import { runLedger } from './run/run-ledger.js';
import { whyNoPostgres } from './services/private-postgres.js';
import { whyNoRedis } from './services/private-redis.js';
import { ROWS, readRow } from './workload/row.js';

try {
  process.exitCode = await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}

async function main(): Promise<number> {
  const { values } = readArguments(import.meta.url, {
    row: { type: 'string', default: 'quorum' },
    minutes: { type: 'number', default: 6 },
    seed: { type: 'number', default: Math.floor(Math.random() * 2 ** 31) },
    broker: { type: 'string', default: defaultVersion() },
    nodes: { type: 'number', default: 1 },
    faults: { type: 'string' },
    rate: { type: 'number', default: 1500 },
    out: { type: 'string', default: 'ledger-report' },
    alone: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  });
  if (values.list) {
    console.log(
      `rows\n  ${ROWS.join('\n  ')}\nfaults\n${FAULTS.map(({ code, name }) => `  ${code.padEnd(4)} ${name}`).join('\n')}`,
    );
    return 0;
  }
  const row = readRow(values.row);
  const version = values.broker as BrokerVersion;
  const missing = whyUnavailable(version) ?? whyNoPostgres() ?? (row.guard === 'redis' ? whyNoRedis() : undefined);
  if (missing !== undefined) throw new Error(`the ledger needs nodes and databases of its own: ${missing}`);
  const seed = wholeNumber('seed', values.seed);
  console.log(`row ${row.name}, RabbitMQ ${version}, seed ${seed}`);

  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort());
  process.once('SIGTERM', () => stopping.abort());
  const { report, world } = await runLedger({
    row,
    version,
    seed,
    minutes: aboveZero('minutes', values.minutes),
    nodes: wholeNumber('nodes', values.nodes),
    rate: aboveZero('rate', values.rate),
    signal: stopping.signal,
    ...(values.faults !== undefined && {
      faults: values.faults.split(',').filter((name) => name !== '' && name !== 'none'),
    }),
  });
  console.log(`\n${tableOf(report)}\n`);
  const isBroken = report.verdict.violations.length > 0;
  await writeReport({ ...report, alone: values.alone, first: values.first }, world.folder, {
    out: values.out,
    keepLedgers: isBroken || values.keep,
  });
  await world.remove({ keepLedgers: false });
  return isBroken ? 1 : 0;
}

function aboveZero(name: string, value: number): number {
  if (value === 0) throw new Error(`--${name}: expected a number above 0, received 0`);
  return value;
}

function wholeNumber(name: string, value: number): number {
  if (!Number.isSafeInteger(value)) throw new Error(`--${name}: expected a whole number, received ${value}`);
  return value;
}
