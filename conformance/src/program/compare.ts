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

/** Compares again until the node kept up, at most `attempts` times. */
export async function compareConclusively(program: Program, node: Target, attempts: number): Promise<Comparison> {
  let result = await compareOn(program, node);
  for (let attempt = 1; attempt < attempts && result.kind === 'inconclusive'; attempt++) {
    result = await compareOn(program, node);
  }
  return result;
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
