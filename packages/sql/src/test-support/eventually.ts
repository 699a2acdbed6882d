import { pause, systemClock } from '@leveret/core';

const BOUND_MS = 8_000;

/** Waits until a condition holds. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + BOUND_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${BOUND_MS} ms in vain until ${what}`);
    await pause(systemClock, 5);
  }
}
