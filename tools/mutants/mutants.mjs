/**
 * Plants small faults in compiled code, one at a time, and sees which of them the tests do not find.
 *
 *   npm run mutants -- core                     all folders of a package
 *   npm run mutants -- core/retry sql/relay     these folders
 *   … --sample 20 --minutes 10 --seed 1 --jobs 2 --threshold 95 --json mutants.json --units --list
 *
 * For each folder `--sample` mutants are drawn, as many of each kind as there are (mutations.mjs), every draw from the seed. A
 * mutant is run with the tests of its package that import its file: unit tests of its folder first, then of other folders, then
 * situations (when-*.test.ts), which `--units` leaves out. It is found when one fails, when the run does not end in its time, or when the process ends with an error. What is known to change
 * nothing stands in equivalents.json, with the reason, and is not counted. Files are broken in a copy under the temporary
 * folder; the tree is only read. Ends with 1 when a folder lies under its threshold: 95 % in core, 88 % elsewhere.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { files, root } from '../scripts/sources.mjs';
import { mutate, mutationsOf } from './mutations.mjs';
import { drawn } from './sample.mjs';
import { testsByFile } from './tests-of.mjs';
import { Workplace } from './workplace.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(Math.max(1, Math.min(2, cpus().length))) },
    threshold: { type: 'string' },
    json: { type: 'string' },
    units: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

const CORE_PERCENT = 95;
const OTHERS_PERCENT = 88;
/** A run may take so many times as long as it does without a mutant, and no less than this. */
const LONGER = 5;
const LEAST_LIMIT_MS = 15_000;
const BASELINE_LIMIT_MS = 300_000;

const PACKAGES = files('packages', /^package\.json$/).map((file) => file.split('/')[1]);
const { equivalents, tests: exportedTests } = JSON.parse(
  readFileSync(new URL('equivalents.json', import.meta.url), 'utf8'),
);
const endAt = performance.now() + Number(options.minutes) * 60_000;

const folders = foldersAsked(positionals);
const results = [];
const workplaces = Array.from({ length: Number(options.jobs) }, () => new Workplace());
const running = new Set();
process.once('SIGINT', () => end(130));
process.once('SIGTERM', () => end(143));

try {
  for (const folder of folders) results.push(await tryFolder(folder));
  report();
} finally {
  for (const workplace of workplaces) workplace.dispose();
}

function end(code) {
  for (const child of running) killGroup(child);
  for (const workplace of workplaces) workplace.dispose();
  process.exit(code);
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
      if (exportedTests.some((each) => each.file === sourceOf(file))) continue;
      const folder = file.split('/').slice(3, -1).join('/');
      if (rest.length > 0 && folder !== rest.join('/')) continue;
      found.set(folder, [...(found.get(folder) ?? []), file]);
    }
    if (found.size === 0) throw new Error(`nothing is compiled in ${name}: run npm run build, and see how it is spelt`);
    return [...found].map(([folder, compiled]) => ({ pack, folder, compiled }));
  });
}

async function tryFolder({ pack, folder, compiled }) {
  const name = folder === '' ? pack : `${pack}/${folder}`;
  const testsOf = testsByFile(pack);
  const candidates = compiled.flatMap((file) => {
    const code = readFileSync(join(root, file), 'utf8');
    const map = existsSync(join(root, `${file}.map`))
      ? JSON.parse(readFileSync(join(root, `${file}.map`), 'utf8'))
      : undefined;
    const lines = map?.sourcesContent?.[0]?.split('\n');
    const found = mutationsOf(code, map).map((each) => ({
      ...each,
      file,
      source: lines?.[each.line - 1]?.trim() ?? '',
    }));
    // For the compiler's eyes: nothing ever comes there.
    return found.filter(({ source }) => !source.includes('satisfies never'));
  });
  const known = candidates.filter(reasonOf);
  const sample = drawn(
    candidates.filter((each) => reasonOf(each) === undefined),
    Number(options.sample),
    `${options.seed}/${name}`,
  );
  const result = {
    name,
    candidates: candidates.length,
    equivalents: known.length,
    sampled: 0,
    found: 0,
    late: 0,
    survivors: [],
    untested: [],
  };
  if (options.list) {
    for (const each of sample) console.log(line(each));
    return result;
  }
  const baselines = new Map();
  const queue = [...sample];
  const work = async (workplace) => {
    for (let each = queue.shift(); each !== undefined && performance.now() < endAt; each = queue.shift()) {
      const how = await tryMutant(workplace, each, testsOf(each.file), baselines);
      if (how === 'no test') result.untested.push(each);
      else result.sampled++;
      if (how === 'survived') result.survivors.push(each);
      else if (how !== 'no test') result.found++;
      if (how === 'late') result.late++;
      progress(`${name}: ${result.sampled} of ${sample.length}, ${result.survivors.length} survived`);
      if (how === 'survived' || how === 'no test') console.log(`\r${how}: ${line(each)}`);
    }
  };
  await Promise.all(workplaces.map(work));
  result.left = sample.length - result.sampled - result.untested.length;
  console.log(`\r${line1(result)}`);
  return result;
}

async function tryMutant(workplace, mutation, { units, situations }, baselines) {
  const stages = [...units, options.units ? [] : situations].filter((each) => each.length > 0);
  if (stages.length === 0) return 'no test';
  const code = workplace.read(mutation.file);
  for (const tests of stages) {
    const key = tests.join('\n');
    const baseline = baselines.get(key) ?? (await run(workplace, tests, BASELINE_LIMIT_MS));
    baselines.set(key, baseline);
    if (baseline.failed)
      throw new Error(`without a mutant these fail already:\n${key}\n${baseline.output.slice(-2000)}`);
    workplace.write(mutation.file, mutate(code, mutation));
    try {
      const { failed, late } = await run(workplace, tests, Math.max(LEAST_LIMIT_MS, LONGER * baseline.ms));
      if (late) return 'late';
      if (failed) return 'found';
    } finally {
      workplace.write(mutation.file, code);
    }
  }
  return 'survived';
}

function run({ path }, tests, limitMs) {
  const startedAt = performance.now();
  const mocha = join(root, 'node_modules/mocha/bin/mocha.js');
  const args = [mocha, '--bail', '--reporter', 'dot', ...tests];
  // A process group of its own: tests start processes, which are to end with it.
  const child = spawn(process.execPath, args, { cwd: path, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output = (output + chunk).slice(-20_000);
    });
  }
  return new Promise((resolve) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup(child);
    }, limitMs);
    child.once('close', (code) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ failed: code !== 0, late, output, ms: performance.now() - startedAt });
    });
  });
}

function killGroup({ pid }) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function reasonOf({ file, source, was, text }) {
  const path = sourceOf(file);
  return equivalents.find(
    (each) => each.file === path && each.line === source && (each.was ?? was) === was && (each.text ?? text) === text,
  )?.reason;
}

function sourceOf(file) {
  return file.replace('/dist/', '/src/').replace(/\.js$/, '.ts');
}

function line({ file, line: number, kind, was, text, source }) {
  const short = (each) => each.replace(/\s+/g, ' ').slice(0, 90);
  return `${sourceOf(file)}:${number} ${kind}: ${short(was)} → ${text === ';' ? '(nothing)' : short(text)}   | ${source.slice(0, 110)}`;
}

function line1({ name, sampled, found, late, candidates, equivalents: known, left, untested }) {
  const percent = sampled === 0 ? '  –  ' : `${((100 * found) / sampled).toFixed(1)} %`;
  const rest = left > 0 ? `, ${left} not run: no time left` : '';
  const none = untested.length > 0 ? `, ${untested.length} in files that no unit test imports` : '';
  return `${name}: ${found} of ${sampled} found (${percent}), ${late} by the time limit; of ${candidates} possible, ${known} equivalent${rest}${none}`;
}

function progress(text) {
  if (process.stdout.isTTY) process.stdout.write(`\r${text}\x1b[K`);
}

function report() {
  const thresholdOf = (name) => Number(options.threshold ?? (name.startsWith('core') ? CORE_PERCENT : OTHERS_PERCENT));
  const low = results.filter(({ name, sampled, found }) => sampled > 0 && (100 * found) / sampled < thresholdOf(name));
  const sum = (what) => results.reduce((total, each) => total + each[what], 0);
  if (!options.list) console.log(`seed ${options.seed}: ${sum('found')} of ${sum('sampled')} found`);
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ seed: options.seed, results }, null, 2)}\n`);
  for (const { name } of low) console.log(`under ${thresholdOf(name)} %: ${name}`);
  if (low.length > 0) process.exitCode = 1;
}
