/**
 * What the operations on error queues promise, on private nodes of every version: `npm run operations`, `-- 4.3` for one,
 * `-- --views 20 --kills 3` for less.
 *
 * - a hundred looks at classic and quorum queues change neither order nor delivery counts;
 * - 1,000 parked messages of five kinds in three queues are five groups with the right counts, within 2 s;
 * - of them a canary of five that fails again leaves the others untouched; mended, all are handled at 50 a second, each once;
 * - the doctor has nothing to say of the examples, and names 25 planted mistakes, exactly;
 * - a migration to a quorum queue that is killed ten times, there and back, while services publish and handle, loses nothing;
 * - a retry that is killed (SIGKILL) again and again ends with every message where it was to go; what came twice has the same id.
 */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { groupErrors, look, OperationsSession } from '../../packages/operations/dist/index.js';
import { ids, KINDS, Outside, upTo } from '../../packages/operations/dist-test/support/parking.js';
import { readArguments } from '../scripts/arguments.mjs';
import { brokerVersions, startNode, whyUnavailable } from '../scripts/brokers.mjs';
import { proveCanary } from './prove-canary.mjs';
import { proveDoctor } from './prove-doctor.mjs';
import { proveExamples } from './prove-examples.mjs';
import { proveMigration } from './prove-migration.mjs';

const CLI = fileURLToPath(new URL('../../packages/cli/bin/leveret.js', import.meta.url));
const { values, positionals } = readArguments(
  import.meta.url,
  { views: { type: 'number', default: 100 }, kills: { type: 'number', default: 10 } },
  { positionals: true },
);
const [views, kills] = [values.views, values.kills];
const faults = [];

function expect(holds, what) {
  console.log(`  ${holds ? 'ok   ' : 'FAULT'} ${what}`);
  if (!holds) faults.push(what);
}

async function proveLooks(outside, session, version) {
  for (const [kind, args] of KINDS) {
    const queue = await outside.queue(`views ${kind}`, args);
    await outside.park(queue, 100, 'work');
    const times = [];
    for (let view = 0; view < views; view++) {
      const from = performance.now();
      await look(session, [queue]);
      times.push(performance.now() - from);
    }
    const taken = await outside.takeAll(queue);
    const counts = new Set(taken.map(({ properties }) => properties.headers['x-delivery-count']));
    const median = Math.round(times.sort((a, b) => a - b)[times.length >> 1]);
    const isSame =
      JSON.stringify(ids(taken)) === JSON.stringify(upTo(100)) && counts.size === 1 && counts.has(undefined);
    expect(isSame, `${version}: ${views} looks at a ${kind} queue, order and counts as before (median ${median} ms)`);
  }
}

async function proveGroups(outside, session, version) {
  for (const [kind, args] of [...KINDS].slice(0, 2)) {
    const queues = [];
    for (const [name, count] of [
      ['a', 400],
      ['b', 300],
      ['c', 300],
    ]) {
      queues.push(await outside.queue(`groups ${kind} ${name}`, args));
      await outside.park(queues.at(-1), count, 'work');
    }
    const from = performance.now();
    const groups = groupErrors((await look(session, queues)).messages);
    const ms = Math.round(performance.now() - from);
    const isRight = groups.length === 5 && groups.every(({ count }) => count === 200) && ms < 2000;
    expect(isRight, `${version}: 1,000 messages in three ${kind} queues are 5 groups of 200 (${ms} ms)`);
  }
}

async function proveKills(outside, node, version) {
  for (const [kind, args] of [...KINDS].slice(0, 2)) {
    const work = await outside.queue(`kills ${kind} work`);
    const errors = await outside.queue(`kills ${kind}`, args);
    await outside.park(errors, 300, work);
    const retry = ['errors', 'retry', '--all', '-q', errors, '--no-management', '--rate', '100/s', '--json'];
    const run = () => {
      const child = spawn(process.execPath, [CLI, ...retry], {
        env: { ...process.env, AMQP_URL: node.url },
        stdio: 'ignore',
      });
      return { child, ended: new Promise((resolve) => child.once('exit', resolve)) };
    };
    for (let kill = 0; kill < kills; kill++) {
      const { child, ended } = run();
      await new Promise((resolve) => setTimeout(resolve, 400 + ((kill * 137) % 900)));
      child.kill('SIGKILL');
      await ended;
    }
    const code = await run().ended;
    const arrived = ids(await outside.takeAll(work));
    const lost = upTo(300).filter((id) => !arrived.includes(id));
    const doubles = arrived.length - new Set(arrived).size;
    const left = await outside.count(errors);
    const what = `${version}: a retry from a ${kind} queue, killed ${kills} times: ${lost.length} lost, ${left} left, ${doubles} twice with the same id, exit ${code}`;
    expect(lost.length === 0 && left === 0 && code === 0, what);
  }
}

for (const version of positionals.length > 0 ? positionals : brokerVersions) {
  const reason = whyUnavailable(version);
  if (reason !== undefined) {
    console.log(`RabbitMQ ${version} is left out: ${reason}`);
    if (process.env.CI === 'true') faults.push(reason);
    continue;
  }
  console.log(`RabbitMQ ${version}`);
  const node = await startNode({ version, plugins: ['rabbitmq_management'] });
  try {
    const outside = await Outside.open(node.url);
    const options = { connection: { urls: node.url }, management: { url: node.managementUrl } };
    const session = await OperationsSession.connect(options);
    const { holds, what } = await proveExamples(node, version);
    expect(holds, what);
    await proveLooks(outside, session, version);
    await proveGroups(outside, session, version);
    for (const kind of [...KINDS].slice(0, 2)) {
      const canary = await proveCanary(outside, session, node, version, kind);
      expect(canary.holds, canary.what);
    }
    await proveKills(outside, node, version);
    const migration = await proveMigration(node, version);
    expect(migration.holds, migration.what);
    const doctor = await proveDoctor(node, version);
    expect(doctor.holds, doctor.what);
    await session.close();
    await outside.close();
  } finally {
    await node.remove();
  }
}
console.log(faults.length === 0 ? 'all as promised' : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
