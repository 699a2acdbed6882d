/** Runs two programs in turn, A B A B, each in a fresh process, so that a drift of the machine hits both alike. */
import { spawn } from 'node:child_process';

const LIMIT_MS = 300_000;

/** Runs a script and answers what it prints as JSON on its last line. One that does not end is killed. */
export function runJson(script, args, limitMs = LIMIT_MS) {
  return new Promise((resolve, reject) => {
    // The collector is exposed so that memory can be read after a collection.
    const child = spawn(process.execPath, ['--expose-gc', script, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code !== 0) reject(new Error(`ended with ${signal ?? `code ${code}`}: ${script} ${args.join(' ')}`));
      else resolve(JSON.parse(out.trim().split('\n').at(-1)));
    });
  });
}

/** The measurements of A and of B, one of each per round. */
export async function inTurn(rounds, a, b) {
  const results = { a: [], b: [] };
  for (let round = 0; round < rounds; round++) {
    results.a.push(await a());
    results.b.push(await b());
  }
  return results;
}

export function median(numbers) {
  const sorted = [...numbers].sort((x, y) => x - y);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of A/B, pair by pair, with its range. */
export function ratio(a, b, of) {
  const each = a.map((value, index) => of(value) / of(b[index]));
  return { median: median(each), min: Math.min(...each), max: Math.max(...each) };
}

export function showRatio({ median: middle, min, max }) {
  return `${middle.toFixed(2)} (${min.toFixed(2)}-${max.toFixed(2)})`;
}
