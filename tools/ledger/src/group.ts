/**
 * `npm run ledger:group`: the workload and faults of the ledger on other clients, each used as its documentation tells its users to,
 * and on leveret without its inbox, judged by the same checker. They are a project of their own, `tools/ledger/peers`.
 *
 *   --only a,b          these clients
 *   --count 24          faults; --minutes 20 ends a run that does not get through them
 *   --seed 1            where every random choice comes from
 *   --broker 3.10       version of RabbitMQ
 *   --rate 300          messages a second, of --handler-ms 20 each; --between 300 of them pass between faults
 *   --out ledger-report where the reports go
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../../scripts/arguments.mjs';
import { type BrokerVersion, defaultVersion, whyUnavailable } from '../../scripts/brokers.mjs';
import { tableOf } from './report/table.js';
import { writeReport } from './report/write-report.js';
import { runLedger } from './run/run-ledger.js';
import { whyNoPostgres } from './services/private-postgres.js';
import { readRow } from './workload/row.js';

/** Clients beside leveret: `<name>-consumer.mjs` and `<name>-publisher.mjs`. */
const PEERS = ['amqplib', 'golevelup', 'rascal', 'rabbitmq-client'];
/** Behind the name of a client: its handlers do not stop when their channel is gone. Of the others, those do that are told. */
const DEAF = '-deaf';
const SUBJECTS = ['leveret', `leveret${DEAF}`, 'amqplib', `amqplib${DEAF}`, 'golevelup', 'rascal', 'rabbitmq-client'];
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
  const { values } = readArguments(import.meta.url, {
    only: { type: 'string', default: SUBJECTS.join(',') },
    // The same for everybody, however long they take; and a limit for who never goes on.
    count: { type: 'number', default: 24 },
    minutes: { type: 'number', default: 20 },
    seed: { type: 'number', default: 1 },
    broker: { type: 'string', default: defaultVersion() },
    // Well below what each of them can do, so that all have as many messages on their way when something breaks.
    rate: { type: 'number', default: 300 },
    between: { type: 'number', default: 300 },
    'handler-ms': { type: 'number', default: 20 },
    out: { type: 'string', default: 'ledger-report' },
  });
  const version = values.broker as BrokerVersion;
  const missing = whyUnavailable(version) ?? whyNoPostgres();
  if (missing !== undefined) {
    console.error(`the ledger needs nodes and databases of its own: ${missing}`);
    return 2;
  }
  const subjects = values.only.split(',');
  const unknown = subjects.filter((subject) => !SUBJECTS.includes(subject));
  if (unknown.length > 0) {
    console.error(`--only: expected some of ${SUBJECTS.join(', ')}, received ${unknown.join(', ')}`);
    return 2;
  }
  if (subjects.some((subject) => PEERS.some((peer) => subject.startsWith(peer)))) install();
  for (const subject of subjects) {
    const client = subject.replace(DEAF, '');
    const { report, world } = await runLedger({
      subject,
      row: readRow('quorum-none'),
      version,
      seed: values.seed,
      minutes: values.minutes,
      exactly: values.count,
      rate: values.rate,
      between: values.between,
      shape: { handlerMs: values['handler-ms'], heeds: subject === client ? 'all' : 'none' },
      faults: FAULTS,
      patienceMs: 60_000,
      ...(client !== 'leveret' && {
        programs: { consumer: `${PROJECT}/${client}-consumer.mjs`, publisher: `${PROJECT}/${client}-publisher.mjs` },
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
