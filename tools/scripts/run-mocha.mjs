/** Runs mocha on compiled tests and brings back its totals: used by `npm test` and by `npm run test:brokers`. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { files, root } from './sources.mjs';

const OUTSIDE = new Set(['node_modules', 'coverage']);
// A run that hangs must end by itself, with a word on it: nobody may be watching.
const LIMIT_MS = 30 * 60_000;

/** The compiled tests, unit tests first, then the situations, the examples and the checks themselves. */
export function testFiles() {
  const compiled = [...files('packages', /\.test\.js$/, OUTSIDE), ...files('examples', /\.test\.js$/, OUTSIDE)];
  return {
    unit: compiled.filter((file) => /^packages\/[^/]+\/dist\//.test(file)),
    situations: [
      ...compiled.filter((file) => /^packages\/[^/]+\/dist-test\//.test(file)),
      ...files('tools/conformance/dist', /\.test\.js$/, OUTSIDE),
    ],
    examples: compiled.filter((file) => /^examples\/.*\/dist(-test)?\//.test(file)),
    scripts: files('tools/scripts', /\.test\.mjs$/),
  };
}

/** Runs the files and resolves with `{ passed, failed, skipped }`; a mocha that dies without totals counts as one failure. */
export async function runMocha({ specs, env = {}, coverage = false }) {
  if (specs.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const folder = mkdtempSync(join(tmpdir(), 'leveret-totals-'));
  const totals = join(folder, 'totals.json');
  const mocha = ['node_modules/mocha/bin/mocha.js', '--reporter', './tools/scripts/mocha-reporter.mjs', ...specs];
  if (process.env.CI) mocha.splice(1, 0, '--forbid-only');
  try {
    const code = await ended([...(coverage ? c8() : []), ...mocha], { ...env, LEVERET_TEST_TOTALS: totals });
    const counted = readTotals(totals);
    // Mocha's exit code is the number of failures; anything else that is not 0 happened outside the tests.
    return code !== 0 && counted.failed === 0 ? { ...counted, failed: 1 } : counted;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function c8() {
  return [
    'node_modules/c8/bin/c8.js',
    // Files that no test loads count as well, or a forgotten one would not be missed.
    '--all',
    '--src=packages',
    '--include=packages/*/dist/**/*.js',
    '--exclude=**/*.test.js',
    '--exclude=**/test-support/**',
    '--reporter=json-summary',
    '--reporter=html',
    process.execPath,
  ];
}

function ended(args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: 'inherit',
      // Colours would be lost otherwise: c8 and mocha start further processes.
      env: { ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}), ...process.env, ...env },
      detached: true,
    });
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
      resolve(code ?? 1);
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
