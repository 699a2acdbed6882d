const LOOK_EVERY_MS = 2;

/** Resolves as soon as the condition holds. @throws {Error} naming what was awaited, when it does not hold in time */
export async function eventually(what: string, condition: () => boolean, withinMs = 5000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
