/** Runs two programs in turn, A B A B, each in a fresh process, so that a drift of the machine hits both alike. */
import { spawn } from 'node:child_process';

const LIMIT_MS = 300_000;

/**
 * Runs a script and answers what it prints as JSON on its last line. One that does not end in time is killed, and so is one that
 * nobody waits for any more.
 */
export function runJson(script, args, { limitMs = LIMIT_MS, signal } = {}) {
  return new Promise((resolve, reject) => {
    // The collector is exposed so that memory can be read after a collection.
    const child = spawn(process.execPath, ['--expose-gc', script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let why;
    const kill = (reason) => {
      why ??= reason;
      child.kill('SIGKILL');
    };
    const onAbort = () => kill('was stopped');
    const limit = setTimeout(() => kill(`did not end within ${Math.round(limitMs / 1000)} s`), limitMs);
    signal?.addEventListener('abort', onAbort);
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    const over = () => {
      clearTimeout(limit);
      signal?.removeEventListener('abort', onAbort);
    };
    child.on('error', (error) => {
      over();
      reject(error);
    });
    child.on('close', (code, ended) => {
      over();
      if (code === 0) resolve(JSON.parse(out.trim().split('\n').at(-1)));
      else
        reject(
          Object.assign(new Error(why ?? `ended with ${ended ?? `code ${code}`}`), { isTooLong: why !== undefined }),
        );
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
