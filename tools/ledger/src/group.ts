/**
 * `npm run ledger:group`: the workload and faults of the ledger on other clients, each used as its documentation tells its users to,
 * and on leveret without its inbox, judged by the same checker. They are a project of their own, `tools/ledger/peers`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type BrokerVersion, defaultVersion, whyUnavailable } from '../../scripts/brokers.mjs';
import { tableOf } from './report/table.js';
import { writeReport } from './report/write-report.js';
import { runLedger } from './run/run-ledger.js';
import { whyNoPostgres } from './services/private-postgres.js';
import { readRow } from './workload/row.js';

/** Clients beside leveret: `<name>-consumer.mjs` and `<name>-publisher.mjs`. */
const PEERS = ['amqplib', 'golevelup', 'rascal', 'rabbitmq-client'];
/** What nobody's documentation rules out. A queue that is deleted, say, is declared again by few. */
const FAULTS = [
  'tcp-cut',
  'tcp-cut-one',
  'cut-mid-frame',
  'black-hole-3s',
  'broker-kill',
  'broker-restart',
  'consumer-kill',
  'publisher-kill',
  'rolling-restart',
];
const PROJECT = fileURLToPath(new URL('../peers', import.meta.url));

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: ['leveret', ...PEERS].join(',') },
      // The same for everybody, however long they take; and a limit for who never goes on.
      count: { type: 'string', default: '24' },
      minutes: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      broker: { type: 'string', default: defaultVersion() },
      rate: { type: 'string', default: '1500' },
      out: { type: 'string', default: 'ledger-report' },
    },
  });
  const version = values.broker as BrokerVersion;
  const missing = whyUnavailable(version) ?? whyNoPostgres();
  if (missing !== undefined) {
    console.error(`the ledger needs nodes and databases of its own: ${missing}`);
    return 2;
  }
  const subjects = values.only.split(',');
  if (subjects.some((subject) => subject !== 'leveret')) install();
  for (const subject of subjects) {
    const { report, world } = await runLedger({
      subject,
      row: readRow('quorum-none'),
      version,
      seed: Number(values.seed),
      minutes: Number(values.minutes),
      exactly: Number(values.count),
      rate: Number(values.rate),
      faults: FAULTS,
      patienceMs: 60_000,
      ...(subject !== 'leveret' && {
        programs: { consumer: `${PROJECT}/${subject}-consumer.mjs`, publisher: `${PROJECT}/${subject}-publisher.mjs` },
      }),
    });
    console.log(`\n${tableOf(report)}\n`);
    await writeReport({ ...report, group: true }, world.folder, { out: values.out, keepLedgers: false });
    await world.remove({ keepLedgers: false });
  }
  return 0;
}

function install(): void {
  if (existsSync(`${PROJECT}/node_modules/.package-lock.json`)) return;
  console.log('> npm ci in tools/ledger/peers');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: PROJECT, stdio: 'inherit' });
  if (status !== 0)
    throw new Error('what leveret is measured beside could not be installed; --only leveret needs none of it');
}
