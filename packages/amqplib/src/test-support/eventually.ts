const LOOK_EVERY_MS = 2;
/** Ample: reached only when something is wrong, or when a machine stands still. */
const LIMIT_MS = 15_000;

/** Resolves as soon as the condition holds. @throws {Error} naming what was awaited, when it does not hold in time */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = LIMIT_MS,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
