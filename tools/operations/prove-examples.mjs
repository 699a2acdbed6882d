import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apply, diagnose, examine, mergePlans, OperationsSession } from '../../packages/operations/dist/index.js';

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const HOOK = new URL('../../packages/cli/dist/plan-hook.js', import.meta.url).href;
const LIMIT_MS = 60_000;

/** What is deployed together: files with their arguments. */
function deployments() {
  const cases = (example) =>
    readdirSync(at(`examples/${example}/dist/cases`))
      .filter((file) => file.endsWith('.js'))
      .map((file) => [[`examples/${example}/dist/main.js`, file.replace('.js', '')]]);
  return [
    [['examples/quick-start/dist/quick-start.js']],
    [['examples/production/dist/main.js']],
    [['examples/pay-service/dist/main.js'], ['examples/trade-service/dist/main.js']],
    [['examples/demo/dist/demo.js', '--fast']],
    ...cases('consuming'),
    ...cases('publishing'),
  ];
}

/** The plan of an example; `undefined` when it starts no application. Its database is made where it runs. */
function planOf([file, ...args], url, cwd) {
  return new Promise((resolve) => {
    const env = { ...process.env, AMQP_URL: url, CI: '' };
    const child = spawn(process.execPath, ['--import', HOOK, at(file), ...args], {
      ...{ cwd, env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'], timeout: LIMIT_MS, killSignal: 'SIGKILL' },
    });
    child.once('message', (plan) => {
      resolve(plan);
      child.kill('SIGKILL');
    });
    child.once('exit', () => resolve(undefined));
  });
}

/** Deploys every example, and asks the doctor, who is to have nothing to say. */
export async function proveExamples(node, version) {
  const session = await OperationsSession.connect({
    connection: { urls: node.url },
    management: { url: node.managementUrl },
  });
  const alarms = [];
  const without = [];
  const folder = mkdtempSync(join(tmpdir(), 'leveret-examples-'));
  let looked = 0;
  for (const files of deployments()) {
    const name = files
      .map((words) =>
        words
          .join(' ')
          .replace(/^examples\//, '')
          .replace('/dist', ''),
      )
      .join(' and ');
    const plans = await Promise.all(files.map((words) => planOf(words, node.url, folder)));
    if (plans.includes(undefined)) {
      without.push(name);
      continue;
    }
    const plan = mergePlans(plans);
    const { refused } = await apply(session, plan);
    const found = diagnose(await examine(session, plan));
    alarms.push(...refused, ...found.map(({ check, about, what }) => `${name}: ${check} of ${about}: ${what}`));
    for (const queue of plan.queues) await session.broker.deleteQueue(queue.name);
    for (const exchange of plan.exchanges) await session.broker.deleteExchange(exchange.name);
    looked++;
  }
  await session.close();
  rmSync(folder, { recursive: true, force: true });
  const left = without.length === 0 ? '' : `, ${without.length} that start none: ${without.join(', ')}`;
  return {
    holds: alarms.length === 0 && looked > 15,
    what: `${version}: ${looked} examples deployed${left}: ${alarms.length} false alarms${alarms.map((alarm) => `\n         ${alarm}`).join('')}`,
  };
}
