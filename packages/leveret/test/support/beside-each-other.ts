import { before, it } from 'mocha';

/** How long one may take. */
const LIMIT_MS = 60_000;

/**
 * Tests that mostly wait, and each have queues and an application of their own: all of a suite begin together, and each is
 * reported by itself. To be called in a `describe`, behind the hooks that they need; it answers what takes the place of `it`.
 */
export function besideEachOther(): (title: string, test: () => Promise<void>) => void {
  const tests: (() => void)[] = [];
  before('begin all', () => {
    for (const begin of tests) begin();
  });
  return (title, test) => {
    let ended: Promise<void> = Promise.resolve();
    tests.push(() => {
      ended = test();
      // Reported by the test, when its turn has come.
      ended.catch(() => undefined);
    });
    it(title, () => ended).timeout(LIMIT_MS);
  };
}
