/**
 * Tries mutants of one package: a few processes have the package loaded with all of them inside (instrument.mjs), and run for each
 * the tests that come by it, the nearest first.
 *
 * What survives is tried once more in a process in which it is at work from the start: what is done once may be done already (a
 * constant of a module, a table in a `describe`, what is remembered).
 */
import { dirname } from 'node:path';
import { instrument } from './instrument.mjs';
import { WorkerProcess } from './worker-process.mjs';

const LOAD_LIMIT_MS = 300_000;
const BASELINE_LIMIT_MS = 900_000;
/** How long a mutant may keep its process busy beyond what its tests take without it. */
const LEAST_LIMIT_MS = 15_000;
const LONGER = 10;
/** A test that takes less is asked before the others of its stage. */
const QUICK_MS = 100;

export class MutantTrial {
  #workplace;
  #env;
  #testsOf;
  #tests;
  #plan;
  #workers = new Set();

  /**
   * @param {object} given
   * @param given.workplace copy in which the files are broken
   * @param given.mutants all of the package, each with `file` and `number`
   * @param given.tests files of tests, from the root
   * @param given.testsOf the files of tests that import a file
   */
  constructor({ workplace, mutants, tests, testsOf, env }) {
    this.#workplace = workplace;
    this.#env = { ...process.env, ...env };
    this.#tests = tests;
    this.#testsOf = testsOf;
    for (const file of new Set(mutants.map((each) => each.file))) {
      const own = mutants.filter((each) => each.file === file);
      workplace.write(file, instrument(workplace.read(file), own));
    }
  }

  /** Runs all tests without a mutant. @returns the tests that fail already, which are left out. */
  async prepare() {
    const worker = this.#start();
    const loaded = await worker.ask('load', { files: this.#tests }, LOAD_LIMIT_MS);
    if (loaded.gone) throw new Error(`the tests cannot be loaded:\n${loaded.output}`);
    const baseline = await worker.ask('baseline', {}, BASELINE_LIMIT_MS);
    worker.kill();
    if (baseline.gone) throw new Error(`the tests did not end without a mutant:\n${baseline.output}`);
    const failing = new Set(baseline.fails.map(({ title }) => title));
    const reachedBy = new Map();
    const ms = {};
    for (const test of baseline.tests) {
      if (failing.has(test.title)) continue;
      ms[test.title] = Math.max(ms[test.title] ?? 0, test.ms);
      for (const number of test.reached) reachedBy.set(number, [...(reachedBy.get(number) ?? []), test]);
    }
    this.#plan = {
      reachedBy,
      ms,
      atLoad: new Set(loaded.reached),
      sound: baseline.tests.filter((each) => !failing.has(each.title)),
    };
    return baseline.fails;
  }

  /** Tries mutants until `isOver`, and tells of each how it went: `found`, `late`, `survived` or `unreached`. */
  async run(mutants, jobs, isOver, tell) {
    const queue = [...mutants];
    const work = async () => {
      let worker;
      for (let each = queue.shift(); each !== undefined && !isOver(); each = queue.shift()) {
        if (!this.#plan.reachedBy.has(each.number) && !this.#plan.atLoad.has(each.number)) {
          tell(each, 'unreached');
          continue;
        }
        worker ??= await this.#ready({});
        let { how, isSpoilt } = await this.#tryIn(worker, each);
        if (isSpoilt) {
          worker.kill();
          worker = undefined;
        }
        if (how === 'unsure' || (how === 'survived' && (!process.env.MUTA_ONCE || this.#plan.atLoad.has(each.number))))
          how = await this.#tryAlone(each);
        tell(each, how);
      }
      worker?.kill();
    };
    await Promise.all(Array.from({ length: jobs }, work));
  }

  dispose() {
    for (const worker of this.#workers) worker.kill();
  }

  async #tryIn(worker, mutant) {
    const stages = this.#quickFirst(stagesOf(mutant.file, this.#plan.reachedBy.get(mutant.number) ?? []));
    const answer = await worker.ask(
      'try',
      { number: mutant.number, stages: titles(stages) },
      this.#limit(stages.flat()),
    );
    if (answer.gone) return { how: 'late', isSpoilt: true };
    if (answer.unsure) return { how: 'unsure', isSpoilt: true };
    if (answer.failed === undefined) return { how: 'survived' };
    return { how: answer.late ? 'late' : 'found' };
  }

  /** In a process of its own, in which it is at work before anything is loaded. */
  async #tryAlone(mutant) {
    const reached = new Set((this.#plan.reachedBy.get(mutant.number) ?? []).map((test) => test.path));
    const importing = this.#plan.atLoad.has(mutant.number) ? this.#testsOf(mutant.file) : [];
    const files = new Set([...importing, ...reached]);
    const stages = stagesOf(
      mutant.file,
      this.#plan.sound.filter((test) => files.has(test.path)),
    );
    for (const stage of stages) {
      const worker = this.#start();
      const own = { files: [...new Set(stage.map((test) => test.path))], number: mutant.number };
      try {
        if ((await worker.ask('load', own, LOAD_LIMIT_MS)).gone) return 'late';
        await worker.ask('limits', { ms: this.#plan.ms }, LOAD_LIMIT_MS);
        const answer = await worker.ask(
          'try',
          { number: mutant.number, stages: titles([stage]), fresh: true },
          this.#limit(stage),
        );
        if (answer.gone || answer.late) return 'late';
        if (answer.failed !== undefined) return 'found';
      } catch {
        // What it exports, or what a test asks of it, is not there.
        return 'found';
      } finally {
        worker.kill();
      }
    }
    return 'survived';
  }

  /** Of a stage what is over at once, then what takes longer: most mutants are found by then. */
  #quickFirst(stages) {
    return stages.flatMap((stage) => {
      const isQuick = ({ ms }) => ms < QUICK_MS;
      return [stage.filter(isQuick), stage.filter((each) => !isQuick(each))].filter((each) => each.length > 0);
    });
  }

  #limit(tests) {
    return LEAST_LIMIT_MS + LONGER * tests.reduce((sum, { ms }) => sum + ms, 0);
  }

  async #ready(given) {
    const worker = this.#start();
    const loaded = await worker.ask('load', { files: this.#tests, ...given }, LOAD_LIMIT_MS);
    if (loaded.gone) throw new Error(`the tests cannot be loaded:\n${loaded.output}`);
    await worker.ask('limits', { ms: this.#plan.ms }, LOAD_LIMIT_MS);
    return worker;
  }

  #start() {
    const worker = new WorkerProcess(this.#workplace.path, this.#env);
    this.#workers.add(worker);
    return worker;
  }
}

/** The file's own tests, those of its folder, all others. */
function stagesOf(file, tests) {
  const own = file.replace(/\.js$/, '.test.js');
  const stages = [[], [], []];
  for (const test of tests) {
    if (test.path === own) stages[0].push(test);
    else if (dirname(test.path) === dirname(file)) stages[1].push(test);
    else stages[2].push(test);
  }
  return stages.filter((each) => each.length > 0);
}

function titles(stages) {
  return stages.map((stage) => stage.map(({ title }) => title));
}
