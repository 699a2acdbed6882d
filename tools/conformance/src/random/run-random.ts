import { BRISK, type Difference, describeDifference, judgeOn, PATIENT } from '../program/compare.js';
import type { Program } from '../program/program.js';
import type { Target } from '../targets/target.js';
import { generateProgram } from './generate.js';
import { shrink } from './shrink.js';

/** What to run. */
export interface RandomOptions {
  readonly seed: number;
  readonly count: number;
  /** Ends after so many different programs. */
  readonly mostDifferences: number;
  progress(line: string): void;
}

/** How it went. Programs are named by their seeds. */
export interface RandomReport {
  readonly run: number;
  readonly different: readonly number[];
  /** The node does not always do the same; the embedded broker did what the node does at times. */
  readonly undetermined: readonly number[];
  /** The node was always too slow for what expires in them. */
  readonly inconclusive: readonly number[];
  readonly seconds: number;
}

/** How often programs run again for which the node was too slow, and how many of them at a time. */
const SLOW_ROUNDS = 3;
const SLOW_TARGETS = 3;

interface Found {
  readonly seed: number;
  readonly program: Program;
  readonly difference: Difference;
}

/**
 * Runs the programs of `count` consecutive seeds, as many side by side as there are targets. What is different is then
 * shrunk to the shortest program that is.
 */
export async function runRandom(options: RandomOptions, targets: readonly Target[]): Promise<RandomReport> {
  const startedAt = performance.now();
  const found: Found[] = [];
  const undetermined: number[] = [];
  let inconclusive: number[] = [];
  let run = 0;
  const work = async (target: Target, take: () => number | undefined): Promise<void> => {
    for (let seed = take(); seed !== undefined && found.length < options.mostDifferences; seed = take()) {
      const program = generateProgram(seed);
      const verdict = await judgeOn(program, target, PATIENT);
      if (verdict.kind === 'undetermined') undetermined.push(seed);
      if (verdict.kind === 'inconclusive') inconclusive.push(seed);
      if (verdict.kind === 'different') found.push({ seed, program, difference: verdict });
      if (++run % 500 === 0) options.progress(progressLine(run, found.length, startedAt));
    }
  };
  let next = options.seed;
  const end = options.seed + options.count;
  await Promise.all(targets.map((target) => work(target, () => (next < end ? next++ : undefined))));
  // Fewer at a time, so that the node keeps up.
  for (let round = 0; round < SLOW_ROUNDS && inconclusive.length > 0; round++) {
    const again = inconclusive;
    inconclusive = [];
    run -= again.length;
    await Promise.all(targets.slice(0, SLOW_TARGETS).map((target) => work(target, () => again.shift())));
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const show = async (target: Target): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const { program, difference } = await shortestOf(one, target);
      options.progress(`${program.name}\n${describeDifference(program, difference)}`);
      options.progress(JSON.stringify(program, undefined, 1));
    }
  };
  const waiting = [...found];
  await Promise.all(targets.map(show));
  return { run, different: found.map(({ seed }) => seed), undetermined, inconclusive, seconds };
}

/** Shrinks a program; one whose difference is gone in the end is shown as it was. */
async function shortestOf(found: Found, target: Target): Promise<Found> {
  const fails = async (candidate: Program): Promise<boolean> =>
    (await judgeOn(candidate, target, BRISK)).kind === 'different';
  const program = await shrink(found.program, fails);
  const again = await judgeOn(program, target, PATIENT);
  return again.kind === 'different' ? { ...found, program, difference: again } : found;
}

function progressLine(run: number, different: number, startedAt: number): string {
  const perSecond = run / ((performance.now() - startedAt) / 1000);
  return `${run} programs, ${perSecond.toFixed(1)} a second, ${different} different`;
}
