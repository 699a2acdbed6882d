import { compareConclusively, type Difference, describeDifference } from '../program/compare.js';
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
  /** Whether to look for the shortest program. */
  readonly shrinks: boolean;
  progress(line: string): void;
}

/** How it went. */
export interface RandomReport {
  readonly run: number;
  /** Differences that showed again when the program was run again. */
  readonly different: readonly { readonly program: Program; readonly text: string }[];
  /** Seeds of programs that were different once and then equal twice: a race within RabbitMQ. */
  readonly unstable: readonly number[];
  /** Seeds of programs for which the node was always too slow. */
  readonly inconclusive: readonly number[];
  readonly seconds: number;
}

const ATTEMPTS = 4;
const CONFIRMATIONS = 2;

/** Runs the programs of `count` consecutive seeds, as many side by side as there are targets. */
export async function runRandom(options: RandomOptions, targets: readonly Target[]): Promise<RandomReport> {
  const startedAt = performance.now();
  const different: { program: Program; text: string }[] = [];
  const suspects: Program[] = [];
  const unstable: number[] = [];
  const inconclusive: number[] = [];
  let next = options.seed;
  let run = 0;
  const end = options.seed + options.count;
  const seeds = new Map<Program, number>();
  const work = async (target: Target): Promise<void> => {
    while (next < end && suspects.length < options.mostDifferences * 2) {
      const seed = next++;
      const program = generateProgram(seed);
      const result = await compareConclusively(program, target, ATTEMPTS);
      run++;
      if (run % 500 === 0) options.progress(`${run} programs, ${suspects.length} to look at`);
      if (result.kind === 'inconclusive') inconclusive.push(seed);
      if (result.kind !== 'different') continue;
      suspects.push(program);
      seeds.set(program, seed);
    }
  };
  await Promise.all(targets.map(work));
  // Alone on the node, so that nothing but the program decides.
  const [first] = targets;
  for (const program of suspects) {
    if (first === undefined || different.length >= options.mostDifferences) break;
    const again = await repeats(program, first);
    if (again === undefined) {
      unstable.push(seeds.get(program) ?? 0);
      continue;
    }
    const fails = async (candidate: Program): Promise<boolean> =>
      (await compareConclusively(candidate, first, ATTEMPTS)).kind === 'different';
    const shortest = options.shrinks ? await shrink(program, fails) : program;
    const shown = (await repeats(shortest, first)) ?? again;
    different.push({ program: shortest, text: describeDifference(shortest, shown) });
    options.progress(`${describeDifference(shortest, shown)}\n${JSON.stringify(shortest, undefined, 1)}`);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return { run, different, unstable, inconclusive, seconds };
}

async function repeats(program: Program, target: Target): Promise<Difference | undefined> {
  for (let i = 0; i < CONFIRMATIONS; i++) {
    const result = await compareConclusively(program, target, ATTEMPTS);
    if (result.kind === 'different') return result;
  }
  return undefined;
}
