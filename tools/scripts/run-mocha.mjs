/** Runs mocha on compiled tests and brings back its totals: used by `npm test` and by `npm run test:brokers`. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { files, root } from './sources.mjs';

const OUTSIDE = new Set(['node_modules', 'coverage']);
// A run that hangs must end by itself, with a word on it: nobody may be watching.
const LIMIT_MS = 30 * 60_000;
const LAST_WORDS_MS = 2_000;

/** The compiled tests, unit tests first, then the situations, the examples and the checks themselves. */
export function testFiles() {
  const compiled = [...files('packages', /\.test\.js$/, OUTSIDE), ...files('examples', /\.test\.js$/, OUTSIDE)];
  return {
    unit: compiled.filter((file) => /^packages\/[^/]+\/dist\//.test(file)),
    situations: [
      ...compiled.filter((file) => /^packages\/[^/]+\/dist-test\//.test(file)),
      ...files('tools/conformance/dist', /\.test\.js$/, OUTSIDE),
      ...files('tools/ledger/dist', /\.test\.js$/, OUTSIDE),
    ],
    examples: compiled.filter((file) => /^examples\/.*\/dist(-test)?\//.test(file)),
    scripts: ['tools/scripts', 'tools/mutants', 'tools/bench/lib'].flatMap((folder) => files(folder, /\.test\.mjs$/)),
  };
}

// Each in a process of its own, beside the others: what waits for databases, for brokers of its own, and for pages and commands.
const BESIDE = [
  /^packages\/(redis|sql)\//,
  /^(packages\/(amqplib|broker)|tools\/conformance)\//,
  /^packages\/(cli|console|operations)\//,
];
const V8_FOLDER = 'coverage/tmp';

/** Runs the files and resolves with `{ passed, failed, skipped }`; a mocha that dies without totals counts as one failure. */
export async function runMocha({ specs, env = {}, coverage = false }) {
  if (coverage) rmSync(join(root, V8_FOLDER), { recursive: true, force: true });
  const withCoverage = coverage ? { ...env, NODE_V8_COVERAGE: join(root, V8_FOLDER) } : env;
  const beside = BESIDE.map((those) => specs.filter((file) => those.test(file)));
  const others = specs.filter((file) => !BESIDE.some((those) => those.test(file)));
  const results = await Promise.all([
    runProcess(others, withCoverage, 'inherit'),
    // Printed in one piece, behind the others.
    ...beside.map((those) => runProcess(those, withCoverage, those.length === specs.length ? 'inherit' : 'pipe')),
  ]);
  for (const { output } of results) process.stdout.write(output);
  if (coverage) await ended(c8(), {}, 'inherit');
  const sum = (what) => results.reduce((total, { totals }) => total + totals[what], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

async function runProcess(specs, env, stdout) {
  if (specs.length === 0) return { totals: { passed: 0, failed: 0, skipped: 0 }, output: '' };
  const folder = mkdtempSync(join(tmpdir(), 'leveret-totals-'));
  const totals = join(folder, 'totals.json');
  const mocha = ['node_modules/mocha/bin/mocha.js', '--reporter', './tools/scripts/mocha-reporter.mjs', ...specs];
  if (process.env.CI) mocha.splice(1, 0, '--forbid-only');
  try {
    const { code, output } = await ended(mocha, { ...env, LEVERET_TEST_TOTALS: totals }, stdout);
    const counted = readTotals(totals);
    // Mocha's exit code is the number of failures; anything else that is not 0 happened outside the tests.
    return { totals: code !== 0 && counted.failed === 0 ? { ...counted, failed: 1 } : counted, output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function c8() {
  return [
    'node_modules/c8/bin/c8.js',
    'report',
    `--temp-directory=${V8_FOLDER}`,
    // Files that no test loads count as well, or a forgotten one would not be missed.
    '--all',
    '--src=packages',
    '--include=packages/*/dist/**/*.js',
    '--exclude=**/*.test.js',
    '--exclude=**/test-support/**',
    '--reporter=json-summary',
    '--reporter=html',
  ];
}

function ended(args, env, output) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['inherit', output, output],
      // Colours would be lost otherwise: mocha starts further processes.
      env: { ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}), ...process.env, ...env },
      detached: true,
    });
    const chunks = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => chunks.push(chunk));
    const end = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It is gone already.
      }
    };
    const forward = (signal) => end(signal);
    for (const name of ['SIGINT', 'SIGTERM']) process.on(name, forward);
    const timer = setTimeout(() => {
      console.error(`the tests did not end within ${LIMIT_MS / 60_000} minutes`);
      end('SIGKILL');
    }, LIMIT_MS);
    const settle = () => {
      clearTimeout(timer);
      for (const name of ['SIGINT', 'SIGTERM']) process.off(name, forward);
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('exit', (code) => {
      settle();
      const done = () => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() });
      // The last of its output may come behind its end; and what it left running may hold the pipe for ever.
      child.once('close', done);
      setTimeout(done, LAST_WORDS_MS).unref();
    });
  });
}

function readTotals(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
