import type { Program, Step } from '../program/program.js';

/**
 * Makes a failing program as short as it gets while it goes on failing: takes out ever smaller pieces (delta debugging),
 * then what single steps carry. `fails` is asked about a hundred times.
 */
export async function shrink(program: Program, fails: (candidate: Program) => Promise<boolean>): Promise<Program> {
  let best = program;
  const attempt = async (steps: readonly Step[]): Promise<boolean> => {
    const candidate = { ...best, steps };
    if (!(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.steps.length; ) {
      const without = [...best.steps.slice(0, at), ...best.steps.slice(at + size)];
      if (!(await attempt(without))) at += size;
    }
  }
  const simplify = async (at: number): Promise<boolean> => {
    const step = best.steps[at];
    for (const simpler of step === undefined ? [] : simplerSteps(step)) {
      if (await attempt(best.steps.with(at, simpler))) return true;
    }
    return false;
  };
  for (let at = 0; at < best.steps.length; at++) while (await simplify(at));
  return best;
}

/** The step with one thing less, for everything that can be left out. */
function simplerSteps(step: Step): Step[] {
  if (step.do === 'burst') {
    return step.steps.flatMap((_, i) =>
      step.steps.length > 1 ? [{ ...step, steps: step.steps.toSpliced(i, 1) }] : [],
    );
  }
  return without(step as unknown as Json, KEPT).map((simpler) => simpler as unknown as Step);
}

type Json = { readonly [key: string]: unknown };

const KEPT = ['do', 'on', 'by', 'pick', 'queue', 'exchange', 'type', 'destination', 'source', 'ms', 'consumerTag'];

function without(value: Json, kept: readonly string[]): Json[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    if (kept.includes(key)) return [];
    const { [key]: _, ...rest } = value;
    const deeper = isTable(inner) ? without(inner, kept).map((simpler) => ({ ...value, [key]: simpler })) : [];
    return [rest, ...deeper];
  });
}

function isTable(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
