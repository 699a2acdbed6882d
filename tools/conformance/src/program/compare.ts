import { EmbeddedTarget } from '../targets/embedded-target.js';
import type { Target } from '../targets/target.js';
import { DRIFT_MS, isTimed, type Program } from './program.js';
import { type Run, runProgram, sameLines } from './run-program.js';

/** How a program went on the embedded broker beside a real node. */
export type Comparison =
  | { readonly kind: 'equal' }
  /** The node was so slow that what expires may have expired early: says nothing, has to be run again. */
  | { readonly kind: 'inconclusive'; readonly driftMs: number }
  | Difference;

/** The first step after which the two did not show the same. */
export interface Difference {
  readonly kind: 'different';
  /** Counted from 0; as many as the program has steps for what is left at the end. */
  readonly step: number;
  readonly embedded: readonly string[];
  readonly real: readonly string[];
}

/** Runs a program on an embedded broker set to the node's version, then on the node, and compares everything observed. */
export async function compareOn(program: Program, node: Target): Promise<Comparison> {
  await using embedded = await EmbeddedTarget.start(node.version, node.vhost);
  const expected = await runProgram(program, embedded);
  const real = await runProgram(program, node, expected.observations);
  if (isTimed(program) && real.driftMs > DRIFT_MS) return { kind: 'inconclusive', driftMs: real.driftMs };
  return firstDifference(expected, real) ?? { kind: 'equal' };
}

/** What is to be thought of a program after as many runs as it took. */
export type Verdict =
  | Exclude<Comparison, Difference>
  /** The node does not always do the same, and what the embedded broker does is among it. */
  | { readonly kind: 'undetermined' }
  | Difference;

/** How often a program runs before its difference counts. */
export interface Patience {
  /** Runs that must all differ from the embedded broker. */
  readonly runs: number;
  /** The same for a node that was seen to answer in several ways. */
  readonly runsOfVaryingNode: number;
}

/** The patience for a difference that is going to be reported. */
export const PATIENT: Patience = { runs: 4, runsOfVaryingNode: 12 };
/** The patience for one of the many candidates of a shrink. */
export const BRISK: Patience = { runs: 2, runsOfVaryingNode: 5 };
/** How often a node may be too slow. */
const SLOW_RUNS = 4;

/**
 * Compares, again and again where the two differ: RabbitMQ's queues and channels are processes that race each other, and a
 * difference counts only if the embedded broker's answer is none of those the node gives.
 *
 * @param compare runs the program once on both
 */
export async function judge(compare: () => Promise<Comparison>, patience: Patience): Promise<Verdict> {
  let difference: Difference | undefined;
  const answers = new Set<string>();
  let slow = 0;
  for (let run = 0; run < (answers.size > 1 ? patience.runsOfVaryingNode : patience.runs); ) {
    const result = await compare();
    if (result.kind === 'equal') return difference === undefined ? result : { kind: 'undetermined' };
    if (result.kind === 'inconclusive') {
      if (++slow === SLOW_RUNS) return result;
      continue;
    }
    run++;
    difference ??= result;
    answers.add(JSON.stringify([result.step, result.real]));
  }
  return difference ?? { kind: 'equal' };
}

/** {@link judge} with runs on a node. */
export function judgeOn(program: Program, node: Target, patience: Patience): Promise<Verdict> {
  return judge(() => compareOn(program, node), patience);
}

function firstDifference(expected: Run, real: Run): Difference | undefined {
  for (const [step, embedded] of expected.observations.entries()) {
    const lines = real.observations[step] ?? [];
    if (!sameLines(embedded, lines)) return { kind: 'different', step, embedded, real: lines };
  }
  return undefined;
}

/** A difference for people: the step, then the lines that only one of the two showed. */
export function describeDifference(program: Program, difference: Difference): string {
  const step = program.steps[difference.step];
  const where = step === undefined ? 'at the end' : `step ${difference.step + 1}: ${JSON.stringify(step)}`;
  const onlyIn = (lines: readonly string[], others: readonly string[]): readonly string[] => {
    const rest = lines.filter((line) => !others.includes(line));
    return rest.length > 0 ? rest : lines;
  };
  const embedded = onlyIn(difference.embedded, difference.real).map((line) => `    embedded  ${line}`);
  const real = onlyIn(difference.real, difference.embedded).map((line) => `    RabbitMQ  ${line}`);
  return [`  ${where}`, ...embedded, ...real].join('\n');
}
