/**
 * `npm run ledger:controls`: plants one bug after the other and sees whether the checker finds it. Ends with 1 when one is
 * not found, or when a run without any is found fault with.
 *
 *   npm run ledger:controls -- ack-before-handler …   these only
 *   --broker 3.10   version of RabbitMQ;  --seed 1;  --out FOLDER   where controls.json goes
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments } from '../../../scripts/arguments.mjs';
import { type BrokerVersion, defaultVersion, whyUnavailable } from '../../../scripts/brokers.mjs';
import type { Invariant } from '../checker/violations.js';
import { Grounds } from '../run/grounds.js';
import { runLedger } from '../run/run-ledger.js';
import { whyNoPostgres } from '../services/private-postgres.js';
import { whyNoRedis } from '../services/private-redis.js';
import { readRow } from '../workload/row.js';
import { PLANTS, type Plant } from './plants.js';

/** What a plant came to. */
export interface ControlResult {
  readonly name: string;
  readonly what: string;
  readonly found: readonly Invariant[];
  readonly isFound: boolean;
  readonly seconds: number;
  readonly example: string | undefined;
}

/** Faults are injected for so long at most; what a bug needs to show is much less, as a rule. */
const BUDGET_MINUTES = 0.35;
const MAX_FAULTS = 4;

/**
 * One run with one bug, or with several for the same row: then each has to be found by an invariant of its own.
 * @param grounds for all controls, one behind the other
 * @param maxFaults so many faults at most are injected
 */
export async function runControl(
  plants: readonly [Plant, ...Plant[]],
  grounds: Grounds,
  seed: number,
  maxFaults = MAX_FAULTS,
): Promise<ControlResult[]> {
  const began = performance.now();
  const [first] = plants;
  const faults = [...new Set(plants.flatMap((plant) => plant.faults))];
  await grounds.clear();
  const { report, world } = await runLedger({
    row: readRow(first.row),
    version: grounds.version,
    grounds,
    seed,
    minutes: faults.length === 0 ? 0.1 : BUDGET_MINUTES,
    faults,
    maxFaults,
    rate: 600,
    quiet: true,
    imports: [new URL('./plant.js', import.meta.url).href],
    environment: { LEDGER_PLANT: plants.map(({ name }) => name).join() },
    patienceMs: 15_000,
    shape: {
      consumers: 2,
      publishers: 1,
      ...(first.retryMs !== undefined && { retryMs: first.retryMs }),
      ...(first.slowOneIn !== undefined && { slowOneIn: first.slowOneIn }),
    },
  });
  await world.remove({ keepLedgers: false });
  const found = Object.keys(report.verdict.violationCounts) as Invariant[];
  const seconds = (performance.now() - began) / 1000;
  return plants.map((plant) => {
    const { name, what } = plant;
    const others = plants.filter((each) => each !== plant).flatMap(({ foundBy }) => foundBy);
    const shows = (invariant: Invariant) => plant.foundBy.includes(invariant) && !others.includes(invariant);
    const example = report.verdict.violations.find(({ invariant }) => shows(invariant))?.text;
    return { name, what, found, isFound: found.some(shows), seconds, example };
  });
}

export function lineOf({ name, what, found, isFound, seconds, example }: ControlResult): string {
  const verdict = isFound ? `found by ${found.join(', ')}` : `NOT FOUND (${found.join(', ') || 'nothing'})`;
  return `${verdict.padEnd(24)} ${name}: ${what} (${seconds.toFixed(0)} s)${example === undefined ? '' : `\n${' '.repeat(25)}${example}`}`;
}

if (process.argv[1]?.endsWith('run-controls.js')) process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = readArguments(
    import.meta.url,
    {
      broker: { type: 'string', default: defaultVersion() },
      seed: { type: 'number', default: 1 },
      out: { type: 'string' },
    },
    { positionals: true },
  );
  const version = values.broker as BrokerVersion;
  const missing = whyUnavailable(version) ?? whyNoPostgres() ?? whyNoRedis();
  if (missing !== undefined) {
    console.error(`the controls need nodes and databases of their own: ${missing}`);
    return 2;
  }
  const unknown = positionals.filter((name) => !PLANTS.some((plant) => plant.name === name));
  if (unknown.length > 0) {
    console.error(`expected some of ${PLANTS.map(({ name }) => name).join(', ')}, received ${unknown.join(', ')}`);
    return 2;
  }
  const plants = positionals.length === 0 ? PLANTS : PLANTS.filter(({ name }) => positionals.includes(name));
  const grounds = await Grounds.start({ version, nodes: 1, redis: true });
  const results: ControlResult[] = [];
  try {
    for (const plant of plants) {
      const of = await runControl([plant], grounds, values.seed);
      results.push(...of);
      for (const result of of) console.log(lineOf(result));
      // Each time: a run that is ended early keeps what it has.
      if (values.out !== undefined) writeResults(values.out, { version, seed: values.seed, controls: results });
    }
  } finally {
    await grounds.remove();
  }
  const found = results.filter(({ isFound }) => isFound).length;
  console.log(`${found} of ${plants.length}`);
  return found === plants.length ? 0 : 1;
}

function writeResults(folder: string, report: object): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'controls.json'), `${JSON.stringify(report)}\n`);
}
