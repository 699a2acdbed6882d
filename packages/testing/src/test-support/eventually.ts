import { setImmediate as turn } from 'node:timers/promises';

const LIMIT_MS = 2000;

/** Resolves once the condition holds; rejects when that takes longer than 2 s. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`expected within ${LIMIT_MS} ms: ${what}`);
    await turn();
  }
}
