/**
 * Mocha's spec reporter that also writes its totals to the file in LEVERET_TEST_TOTALS, for the last line of `npm test`,
 * and that ends a run which something still keeps alive: a socket or a timer left open is a fault of the code or the test.
 */
import { writeFileSync } from 'node:fs';
import mocha from 'mocha';

const GRACE_MS = 20_000;

class TotalsReporter extends mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = runner.stats;
      const write = (totals) => {
        if (process.env.LEVERET_TEST_TOTALS) writeFileSync(process.env.LEVERET_TEST_TOTALS, JSON.stringify(totals));
      };
      write({ passed: passes, failed: failures, skipped: pending });
      const watch = setTimeout(() => {
        console.error(
          `the tests have ended, but this keeps the process alive: ${process.getActiveResourcesInfo().join(', ')}`,
        );
        write({ passed: passes, failed: failures + 1, skipped: pending });
        process.exit(1);
      }, GRACE_MS);
      // Unreferenced: it fires only if something else is still there.
      watch.unref();
    });
  }
}

// biome-ignore lint/style/noDefaultExport: mocha takes a reporter from the default export.
export default TotalsReporter;
