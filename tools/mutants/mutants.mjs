/**
 * Plants small faults in compiled code, one at a time, and sees which of them the tests do not find.
 *
 *   npm run mutants -- core                     all folders of a package
 *   npm run mutants -- core/retry sql/relay     these folders
 *   … --all, or --sample 20 --seed 1; --minutes 10 --jobs 2 --threshold 95 --json mutants.json --units --tests retry --list
 *
 * With `--all` each folder's mutants (mutations.mjs) are tried one and all; else `--sample` of them, as many of each kind as there
 * are, every draw from the seed. Of each the tests of its package are run that come by it (try-mutants.mjs): unit tests, and
 * situations unless `--units` leaves those out; with `--tests` only of files with this in their path, as while one writes them. It is
 * found when one fails, when a test takes far longer than without it, or
 * when the process ends. What is known to change nothing stands in equivalents.json, with the reason, and is not counted. Files
 * are broken in a copy under the temporary folder; the tree is only read. Ends with 1 when a folder lies under its threshold:
 * 95 % in core, 88 % elsewhere.
 */

import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { readArguments } from '../scripts/arguments.mjs';
import { files } from '../scripts/sources.mjs';
import { candidatesIn, EQUIVALENTS, EXPORTED_TESTS, isMeant, sourceOf } from './candidates.mjs';
import { drawn } from './sample.mjs';
import { importersIn, testsIn } from './tests-of.mjs';
import { MutantTrial } from './try-mutants.mjs';
import { Workplace } from './workplace.mjs';

const { values: options, positionals } = readArguments(
  import.meta.url,
  {
    sample: { type: 'number', default: 20 },
    minutes: { type: 'number', default: 10 },
    seed: { type: 'number', default: 1 },
    jobs: { type: 'number', default: Math.max(1, Math.min(2, cpus().length)) },
    threshold: { type: 'number' },
    json: { type: 'string' },
    all: { type: 'boolean', default: false },
    units: { type: 'boolean', default: false },
    tests: { type: 'string', default: '' },
    list: { type: 'boolean', default: false },
  },
  { positionals: true },
);

const CORE_PERCENT = 95;
const OTHERS_PERCENT = 88;
/** Situations are asked of the embedded broker: a mutant is not worth a node. */
const ENVIRONMENT = { LEVERET_TEST_BROKER: 'embedded' };

const PACKAGES = files('packages', /^package\.json$/).map((file) => file.split('/')[1]);
const endAt = performance.now() + options.minutes * 60_000;

const folders = foldersAsked(positionals);
const results = [];
const workplace = new Workplace();
const trials = [];
process.once('SIGINT', () => end(130));
process.once('SIGTERM', () => end(143));

try {
  for (const pack of new Set(folders.map((each) => each.pack))) {
    await tryPackage(
      pack,
      folders.filter((each) => each.pack === pack),
    );
  }
  report();
} finally {
  end();
}

function end(code) {
  for (const trial of trials) trial.dispose();
  workplace.dispose();
  if (code !== undefined) process.exit(code);
}

function foldersAsked(names) {
  if (names.length === 0)
    throw new Error(`name packages or folders, such as core or core/retry; there are ${PACKAGES}`);
  return names.flatMap((name) => {
    const [pack, ...rest] = name
      .replace(/^packages\//, '')
      .replace('/src', '')
      .replace(/\/$/, '')
      .split('/');
    if (!PACKAGES.includes(pack))
      throw new Error(`there is no package ${pack}: expected one of ${PACKAGES.join(', ')}`);
    const found = new Map();
    for (const file of files(`packages/${pack}/dist`, /\.js$/, new Set(['test-support']))) {
      if (/\.test\.js$|\/(index|internal)\.js$/.test(file)) continue;
      if (EXPORTED_TESTS.some((each) => each.file === sourceOf(file))) continue;
      const folder = file.split('/').slice(3, -1).join('/');
      if (rest.length > 0 && folder !== rest.join('/')) continue;
      found.set(folder, [...(found.get(folder) ?? []), file]);
    }
    if (found.size === 0) throw new Error(`nothing is compiled in ${name}: run npm run build, and see how it is spelt`);
    return [...found].map(([folder, compiled]) => ({
      pack,
      name: folder === '' ? pack : `${pack}/${folder}`,
      compiled,
    }));
  });
}

/** All mutants of a package are planted at once, whichever are drawn: loading its tests is what takes long. */
async function tryPackage(pack, asked) {
  const mutants = [];
  const drawnOf = new Map();
  for (const { name, compiled } of asked) {
    const candidates = compiled.flatMap(candidatesIn);
    for (const each of candidates) each.number = mutants.push(each) - 1;
    const counted = candidates.filter((each) => !EQUIVALENTS.some((entry) => isMeant(entry, each)));
    const sample = options.all ? counted : drawn(counted, options.sample, `${options.seed}/${name}`);
    drawnOf.set(name, sample);
    results.push({
      name,
      candidates: candidates.length,
      equivalents: candidates.length - counted.length,
      drawn: sample.length,
      found: 0,
      late: 0,
      survivors: [],
      unreached: [],
    });
  }
  if (options.list) {
    for (const each of [...drawnOf.values()].flat()) console.log(line(each));
    return;
  }
  const tests = testsIn(pack, !options.units).filter((file) => file.includes(options.tests));
  const trial = new MutantTrial({ workplace, mutants, tests, testsOf: importersIn(pack), env: ENVIRONMENT });
  trials.push(trial);
  for (const { title, message } of await trial.prepare())
    console.log(`left out, for it fails without a mutant: ${title}: ${message}`);
  for (const result of results.filter(({ name }) => drawnOf.has(name))) {
    const queue = drawnOf.get(result.name);
    let tried = 0;
    await trial.run(
      queue,
      options.jobs,
      () => performance.now() > endAt,
      (each, how) => {
        tried++;
        if (how === 'found' || how === 'late') result.found++;
        if (how === 'late') result.late++;
        if (how === 'survived') result.survivors.push(each);
        if (how === 'unreached') result.unreached.push(each);
        progress(`${result.name}: ${tried} of ${queue.length}, ${tried - result.found} survived`);
        if (how === 'survived' || how === 'unreached') say(`${how}: ${line(each)}`);
      },
    );
    result.sampled = tried;
    say(summary(result));
  }
  trial.dispose();
}

function line({ file, line: number, kind, was, text, source }) {
  const short = (each) => each.replace(/\s+/g, ' ').slice(0, 90);
  return `${sourceOf(file)}:${number} ${kind}: ${short(was)} → ${text === ';' ? '(nothing)' : short(text)}   | ${source.slice(0, 110)}`;
}

function summary({ name, sampled, found, late, candidates, equivalents: known, drawn: asked, unreached }) {
  const percent = sampled === 0 ? '  –  ' : `${((100 * found) / sampled).toFixed(1)} %`;
  const rest = asked > sampled ? `, ${asked - sampled} not run: no time left` : '';
  const none = unreached.length > 0 ? `, ${unreached.length} that no test comes by` : '';
  return `${name}: ${found} of ${sampled} found (${percent}), ${late} by the time limit; of ${candidates} possible, ${known} equivalent${rest}${none}`;
}

function progress(text) {
  if (process.stdout.isTTY) process.stdout.write(`\r${text}\x1b[K`);
}

function say(text) {
  console.log(process.stdout.isTTY ? `\r${text}\x1b[K` : text);
}

function report() {
  const thresholdOf = (name) => options.threshold ?? (name.startsWith('core') ? CORE_PERCENT : OTHERS_PERCENT);
  const low = results.filter(({ name, sampled, found }) => sampled > 0 && (100 * found) / sampled < thresholdOf(name));
  const sum = (what) => results.reduce((total, each) => total + each[what], 0);
  if (!options.list) console.log(`seed ${options.seed}: ${sum('found')} of ${sum('sampled')} found`);
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ seed: options.seed, results }, null, 2)}\n`);
  for (const { name } of low) console.log(`under ${thresholdOf(name)} %: ${name}`);
  if (low.length > 0) process.exitCode = 1;
}
