/**
 * A process that has loaded the tests of a package, whose files hold all mutants (instrument.mjs), and tries one after the other:
 * loading them takes far longer than running those few tests that come by a mutant.
 *
 * It is told what to do by messages, and answers each: `load`, `baseline`, `try`.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import Mocha from 'mocha';
import { ASKED } from './instrument.mjs';

/** A test may take so many times as long as without a mutant, and no less than this. */
const LONGER = 10;
const LEAST_LIMIT_MS = 3_000;
const NEVER = -1;

/** In the copy, which is this process's directory. */
const REACHED_IN_CHILDREN = resolve(`reached-${process.pid}`);

let atWork = NEVER;
let reached = new Set();
globalThis[Symbol.for(ASKED)] = (number) => {
  reached.add(number);
  return number === atWork;
};

// Behind the question above, which is this process's own: processes of tests have one each.
const { AT_WORK, REACHED } = await import('./in-children.mjs');
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${new URL('in-children.mjs', import.meta.url)}`;

const mocha = new Mocha({ checkLeaks: true, ui: 'bdd', timeout: 30_000, bail: true, reporter: 'min' });

// As mocha's own command does: what nobody catches is the running test's failure. Between two runs it is nobody's.
process.on('unhandledRejection', (reason) => {
  throw reason;
});
process.on('uncaughtException', () => undefined);

const TOLD = {
  /** Test files, and which mutant is at work from the start. */
  async load({ files, number = NEVER }) {
    setAtWork(number);
    for (const file of files) mocha.addFile(resolve(file));
    await mocha.loadFilesAsync();
    mocha.suite.eachTest((test) => {
      const title = test.fullTitle();
      test.fullTitle = () => title;
    });
    return { reached: taken() };
  },

  /** Runs every test alone: what fails without a mutant says nothing of one. */
  async baseline() {
    const tests = [];
    const suites = new Map();
    const fails = [];
    process.env[REACHED] = REACHED_IN_CHILDREN;
    mocha.suite.bail(false);
    mocha.suite.eachTest((test) => test.parent.bail(false));
    await run(
      () => true,
      (runner) => {
        let current;
        const into = (given) => {
          const now = taken();
          if (current !== undefined) for (const each of now) current.add(each);
          current = given;
        };
        const ofSuite = (suite) => suites.get(suite) ?? suites.set(suite, new Set()).get(suite);
        runner.on('suite', (suite) => into(ofSuite(suite)));
        runner.on('hook', (hook) => {
          if (/^"(before|after) all"/.test(hook.title)) into(ofSuite(hook.parent));
        });
        runner.on('test', (test) => {
          const of = { title: test.fullTitle(), file: test.file, test, reached: new Set() };
          tests.push(of);
          into(of.reached);
        });
        runner.on('fail', (test, error) =>
          fails.push({ title: test.fullTitle(), message: String(error?.message ?? error) }),
        );
        runner.on('end', () => into(undefined));
      },
    );
    mocha.suite.bail(true);
    mocha.suite.eachTest((test) => test.parent.bail(true));
    return {
      fails,
      tests: tests.map(({ title, file, test, reached: own }) => {
        const all = new Set(own);
        for (let suite = test.parent; suite !== undefined; suite = suite.parent) {
          for (const each of suites.get(suite) ?? []) all.add(each);
        }
        return { title, path: relative('', file), ms: test.duration ?? 0, reached: [...all] };
      }),
    };
  },

  /** How long each test took without a mutant, by its title. */
  limits({ ms }) {
    const limit = (title) => LEAST_LIMIT_MS + LONGER * (ms[title] ?? 0);
    mocha.suite.eachTest((test) => test.timeout(limit(test.fullTitle())));
    return {};
  },

  /** Runs some tests with a mutant, until one fails; which must pass without it, and fail again with it. */
  async try({ number, stages, fresh = false }) {
    for (const stage of stages) {
      const asked = new Set(stage);
      setAtWork(number);
      const [failed] = await run((title) => asked.has(title));
      if (!fresh) setAtWork(NEVER);
      if (failed === undefined) continue;
      const how = { failed: failed.title, late: failed.late };
      if (fresh) return how;
      const again = failed.isHook ? asked : new Set([failed.title]);
      if ((await run((title) => again.has(title))).length > 0) return { ...how, unsure: true };
      if (failed.late) return how;
      setAtWork(number);
      const twice = await run((title) => again.has(title));
      setAtWork(NEVER);
      return twice.length > 0 ? how : { ...how, unsure: true };
    }
    return {};
  },
};

function setAtWork(number) {
  atWork = number;
  process.env[AT_WORK] = String(number);
}

function taken() {
  const before = reached;
  reached = new Set();
  if (existsSync(REACHED_IN_CHILDREN)) {
    for (const number of readFileSync(REACHED_IN_CHILDREN, 'utf8').split('\n'))
      if (number !== '') before.add(Number(number));
    rmSync(REACHED_IN_CHILDREN);
  }
  return [...before];
}

async function run(isAsked, look = () => undefined) {
  mocha.suite.reset();
  const runner = new Mocha.Runner(mocha.suite, { cleanReferencesAfterRun: false });
  runner.checkLeaks = true;
  runner.globals(['classValidatorMetadataStorage']);
  runner.grep({ test: isAsked });
  const fails = [];
  runner.on('fail', (test, error) => {
    fails.push({ title: test.fullTitle(), isHook: test.type === 'hook', late: error?.code === 'ERR_MOCHA_TIMEOUT' });
  });
  look(runner);
  await new Promise((resolve) => runner.run(resolve));
  // What was left for the next turns of the loop is still this run's.
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  runner.dispose();
  return fails;
}

process.on('message', async ({ id, told, ...given }) => {
  try {
    process.send({ id, answer: await TOLD[told](given) });
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
