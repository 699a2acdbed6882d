/**
 * What the console promises, on private nodes of every version: `node tools/operations/prove-console.mjs`, `4.3` for one,
 * `--kills 3 --messages 400` for less.
 *
 * - a console that is killed (SIGKILL) in the middle of a retry loses nothing: the next one goes on, what came twice has the same id;
 * - 1,000 messages, a canary of five and the others at 50 in a second: each is handled once, at that rate.
 */

import { startConsole } from '../../packages/console/dist/index.js';
import { ErrorQueues, TYPES, upTo } from '../../packages/console/dist-test/support/error-queues.js';
import { killConsoles } from '../../packages/console/dist-test/support/killed-console.js';
import { PageClient, TOKENS, until } from '../../packages/console/dist-test/support/page-client.js';
import { Leveret, listener } from '../../packages/leveret/dist/index.js';
import { readArguments } from '../scripts/arguments.mjs';
import { brokerVersions, startNode, whyUnavailable } from '../scripts/brokers.mjs';

const { values, positionals } = readArguments(
  import.meta.url,
  { kills: { type: 'number', default: 10 }, messages: { type: 'number', default: 1000 } },
  { positionals: true },
);
const [kills, messages] = [values.kills, values.messages];
const RATE = 50;
const faults = [];

function expect(holds, what) {
  console.log(`  ${holds ? 'ok   ' : 'FAULT'} ${what}`);
  if (!holds) faults.push(what);
}

async function proveKills(queues, node, version) {
  for (const type of TYPES) {
    const plan = { amqp: node.url, management: node.managementUrl, type, messages: 500, kills };
    const { lost, doubled, left, offers } = await killConsoles(queues, plan);
    const what = `${version}: a console that sends back from a ${type} queue, killed ${kills} times: ${lost.length} lost, ${left} left, ${doubled.length} twice with the same id; ${offers} starts offered to go on`;
    expect(lost.length === 0 && left === 0, what);
  }
}

async function proveRate(queues, node, version) {
  for (const type of TYPES) {
    const [work, errors] = [await queues.declare('rate-work', type), await queues.declare('rate-errors', type)];
    await queues.park(errors, work, messages);
    const handled = [];
    const mended = listener({ queue: { name: work, declare: false }, payload: Object }, ({ id }) => {
      handled.push({ id, at: performance.now() });
    });
    const app = await Leveret.start({ connection: { urls: node.url }, listeners: [mended], logger: 'silent' });
    const running = await startConsole({
      ...{ connection: { urls: node.url }, management: { url: node.managementUrl }, queues: [errors] },
      ...{ tokens: TOKENS, port: 0, logger: { debug() {}, info() {}, warn() {}, error: console.error } },
    });
    const page = await PageClient.login(running.url, TOKENS.operate);
    const { id } = await page.ok('api/errors/retry', { selection: 'all', canary: 5, rate: RATE });
    const job = await until(
      'the end of the job',
      async () => {
        const now = await page.ok(`api/jobs/${id}`);
        return now.endedAt !== undefined && now;
      },
      (messages / RATE) * 2000 + 30_000,
    );
    await until('all to be handled', () => handled.length >= messages);
    const others = handled.slice(5);
    const rate = ((others.length - 1) * 1000) / (others.at(-1).at - others[0].at);
    const ids = handled.map((each) => each.id).sort((a, b) => a - b);
    const isOnce = JSON.stringify(ids) === JSON.stringify(upTo(messages));
    const what = `${version}: ${messages} messages of a ${type} queue, a canary of 5 and the others at ${RATE}/s: handled at ${rate.toFixed(1)}/s, each once: ${isOnce}, job ${job.phase}`;
    expect(isOnce && job.phase === 'done' && Math.abs(rate - RATE) <= RATE / 10, what);
    await running.close();
    await app.close();
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
    const queues = await ErrorQueues.open(node.url);
    await proveKills(queues, node, version);
    await proveRate(queues, node, version);
    await queues.close();
  } finally {
    await node.remove();
  }
}
console.log(faults.length === 0 ? 'all as promised' : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
