/**
 * `npm test`: everything that must hold, in a fresh clone with only Node and npm. Installs and builds, runs the checks and
 * all tests with coverage, and ends with one line: `N passed, N failed[, N skipped]`, the sum of what mocha ran. A check that
 * fails counts as one failure there, or the line would contradict the exit code.
 *
 *   node tools/scripts/test.mjs lint floors     these steps only
 *   node tools/scripts/test.mjs --unit          tests without any service
 */
import { spawnSync } from 'node:child_process';
import { runNest } from '../nest/run.mjs';
import { runRuntimes } from '../runtimes/run.mjs';
import { prepare } from './prepare.mjs';
import { runRecipes } from './recipes.mjs';
import { runMocha, testFiles } from './run-mocha.mjs';
import { probeServices, withoutServices } from './services.mjs';
import { root } from './sources.mjs';

const BIOME = ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'];
const STEPS = [
  ['lint', () => check(BIOME)],
  ['references', () => check(['tools/scripts/check-references.mjs'])],
  ['floors', () => check(['tools/scripts/check-floors.mjs'])],
  ['imports', () => check(['tools/scripts/check-imports.mjs'])],
  ['exports', () => check(['tools/scripts/check-exports.mjs'])],
  ['errors', () => check(['tools/scripts/check-errors.mjs'])],
  ['options', () => check(['tools/scripts/check-options.mjs'])],
  ['clocks', () => check(['tools/scripts/check-clocks.mjs'])],
  ['tests', runTests],
  ['coverage', checkCoverage],
  ['recipes', async () => runRecipes((await probeServices()).env)],
  ['runtimes', () => runRuntimes([], true)],
  ['nest', () => runNest([], true)],
  ['site', () => check(['tools/site/build.mjs', '--no-reference'])],
  ['pack', () => check(['tools/scripts/check-pack.mjs'])],
];
/** Installs more than a first run should wait for: with CI=true, or when asked for. */
const ONLY_IN_CI = new Set(['site']);

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unitOnly = process.argv.includes('--unit');
const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
let missing = [];

const unknown = wanted.filter((name) => !STEPS.some(([step]) => step === name));
if (unknown.length > 0) {
  console.error(`expected steps of ${STEPS.map(([step]) => step).join(', ')}, received ${unknown.join(', ')}`);
  process.exit(2);
}

try {
  await prepare();
  for (const [name, step] of STEPS) {
    if (!isDue(name)) continue;
    console.log(`\n> ${name}`);
    const { passed, failed, skipped } = await step();
    totals.passed += passed;
    totals.failed += failed;
    totals.skipped += skipped;
    if (failed > 0) failures.push(name);
  }
} catch (error) {
  console.error(error.message);
  totals.failed += 1;
  failures.push('preparing');
}

if (failures.length > 0) console.error(`\nfailed: ${failures.join(', ')}`);
for (const each of missing) console.log(`skipped for want of ${each}`);
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
process.exitCode = totals.failed > 0 ? 1 : 0;

function isDue(name) {
  if (unitOnly) return name === 'tests';
  if (wanted.length > 0) return wanted.includes(name);
  return process.env.CI === 'true' || !ONLY_IN_CI.has(name);
}

function check(args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  return { passed: 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

async function runTests() {
  const { unit, situations, examples, scripts } = testFiles();
  if (unitOnly) return runMocha({ specs: [...unit, ...scripts], env: withoutServices('a run of the unit tests only') });
  const probe = await probeServices();
  missing = probe.missing;
  for (const each of missing) console.log(`missing: ${each}`);
  const result = await runMocha({
    specs: [...unit, ...situations, ...examples, ...scripts],
    env: probe.env,
    coverage: true,
  });
  if (missing.length === 0 || process.env.CI !== 'true') return result;
  // A CI run that skips what it should prove would be green for nothing.
  console.error('with CI=true every service has to be there');
  return { ...result, failed: result.failed + missing.length };
}

function checkCoverage() {
  // What needs a missing service did not run, and says nothing about how well it is tested.
  if (missing.length > 0) console.log('  printed only, not checked: a service is missing');
  return check(['tools/scripts/check-coverage.mjs', ...(missing.length > 0 ? ['--print'] : [])]);
}
