/**
 * `npm run conformance`: is the embedded broker what RabbitMQ is? Every command compares it, set to a version, with a
 * private node of that version.
 *
 *   scenarios [--version 3.10,4.0,4.3] [--only text]    the suite; the default
 *   random [--version 3.10] [--seed 1] [--count 1000] [--slots 16] [--differences 3]
 *                                                       generated programs; a difference is shrunk and printed as a scenario
 *   fuzz [--seed 1] [--frames 1000000]                   mutated frames to the embedded broker alone
 *   show <name or file.json> [--version 4.3]            what one program shows on both, step by step
 *   record [--version 4.3]                              writes down what the embedded broker shows, for npm test: behind a
 *                                                       comparison, when it was changed on purpose
 */

import { readFileSync } from 'node:fs';
import type { BrokerVersion } from '@leveret/broker';
import { readArguments } from '../../scripts/arguments.mjs';
import { brokerVersions, whyUnavailable } from '../../scripts/brokers.mjs';
import { runFuzz } from './fuzz/run-fuzz.js';
import type { Program } from './program/program.js';
import { runProgram, sameLines } from './program/run-program.js';
import { runRandom } from './random/run-random.js';
import { record, recordedPrograms } from './recorded.js';
import { runSuite } from './run-suite.js';
import { suite } from './scenarios/suite.js';
import { EmbeddedTarget } from './targets/embedded-target.js';
import { RabbitNode } from './targets/rabbitmq-target.js';

const { values, positionals } = readArguments(
  import.meta.url,
  {
    version: { type: 'string', default: brokerVersions.join(',') },
    only: { type: 'string', default: '' },
    seed: { type: 'number', default: 1 },
    count: { type: 'number', default: 1000 },
    slots: { type: 'number', default: 16 },
    frames: { type: 'number', default: 1000000 },
    differences: { type: 'number', default: 3 },
  },
  { positionals: true },
);
const SLOTS = 4;

async function scenarios(): Promise<boolean> {
  let good = true;
  for (const version of values.version.split(',') as BrokerVersion[]) {
    const reason = whyUnavailable(version);
    if (reason !== undefined) {
      console.log(`left out: ${reason}`);
      continue;
    }
    await using node = await RabbitNode.start(version, SLOTS);
    const report = await runSuite(
      suite.filter(({ name }) => name.includes(values.only)),
      node.targets,
    );
    const { equal, different, undetermined } = report;
    const open = undetermined.length === 0 ? '' : `, ${undetermined.length} undetermined by the node`;
    console.log(`RabbitMQ ${version}: ${equal} equal, ${different.length} different${open}`);
    for (const name of undetermined) console.log(`undetermined: ${name}`);
    for (const { name, text } of different) console.log(`${name}\n${text}`);
    good &&= different.length === 0;
  }
  return good;
}

/** Prints what one scenario shows on both, step by step. */
async function show(name: string): Promise<boolean> {
  const scenario = name.endsWith('.json')
    ? (JSON.parse(readFileSync(name, 'utf8')) as Program)
    : [...suite, ...recordedPrograms('4.3')].find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`expected the name of a scenario, received '${name}'`);
  for (const version of values.version.split(',') as BrokerVersion[]) {
    await using node = await RabbitNode.start(version, 1);
    const [target] = node.targets;
    if (target === undefined) return false;
    await using embedded = await EmbeddedTarget.start(version, target.vhost);
    const expected = (await runProgram(scenario, embedded)).observations;
    const real = (await runProgram(scenario, target, expected, true)).observations;
    for (const [i, lines] of expected.entries()) {
      console.log(`${version} ${i + 1}: ${JSON.stringify(scenario.steps[i] ?? 'the end')}`);
      showStep(lines, real[i] ?? []);
    }
  }
  return true;
}

async function random(): Promise<boolean> {
  let good = true;
  for (const version of values.version.split(',') as BrokerVersion[]) {
    await using node = await RabbitNode.start(version, values.slots);
    const report = await runRandom(
      {
        seed: values.seed,
        count: values.count,
        mostDifferences: values.differences,
        progress: (line) => console.log(line),
      },
      node.targets,
    );
    const { run, different, undetermined, inconclusive, seconds } = report;
    console.log(
      `RabbitMQ ${version}: ${run} random programs from seed ${values.seed} in ${Math.round(seconds)} s: ` +
        `${different.length} different [${different}], ${undetermined.length} undetermined by the node ` +
        `[${undetermined}], ${inconclusive.length} for which it was too slow [${inconclusive}]`,
    );
    good &&= different.length === 0;
  }
  return good;
}

/** What npm test holds the embedded broker against where there is no node. */
async function recordAll(): Promise<void> {
  for (const version of values.version.split(',') as BrokerVersion[]) {
    const changed = await record(version);
    console.log(
      `${version}: ${changed.length} programs show something else than before${changed.map((name) => `\n  ${name}`).join('')}`,
    );
  }
}

async function fuzz(): Promise<boolean> {
  const report = await runFuzz({
    seed: values.seed,
    frames: values.frames,
    versions: brokerVersions,
    progress: (line) => console.log(line),
  });
  const { frames, connections, hangs, seconds } = report;
  console.log(`${frames} mutated frames over ${connections} connections in ${Math.round(seconds)} s, no crash`);
  for (const hang of hangs) console.log(`hang: ${hang}`);
  return hangs.length === 0;
}

function showStep(embedded: readonly string[], real: readonly string[]): void {
  const same = sameLines(embedded, real);
  for (const line of embedded) console.log(`  ${same ? 'both     ' : 'embedded '} ${line}`);
  if (!same) for (const line of real) console.log(`  RabbitMQ  ${line}`);
}

const [command = 'scenarios', argument = ''] = positionals;
if (command === 'scenarios') process.exitCode = (await scenarios()) ? 0 : 1;
else if (command === 'random') process.exitCode = (await random()) ? 0 : 1;
else if (command === 'fuzz') process.exitCode = (await fuzz()) ? 0 : 1;
else if (command === 'record') await recordAll();
else if (command === 'show') process.exitCode = (await show(argument)) ? 0 : 1;
