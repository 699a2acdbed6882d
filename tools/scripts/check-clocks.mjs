/**
 * The clock on the wall may be set at any moment, so it says what is written down and never how long something waits: what it
 * tells goes into a name that ends in `At` and is not reckoned with. Waits, deadlines and ages go by `monotonic()`. The broker
 * has a clock of its own, whose `now()` is monotonic.
 */
import { code, conclude, files, isTest, read } from './sources.mjs';

/** Where the clocks are made, and what has to follow the wall: cron patterns, and the conformance suite that sets it. */
const MAY_KNOW = [
  'packages/core/src/time/clock.ts',
  'packages/core/src/events/logger.ts',
  'packages/core/src/idempotency/store-conformance.ts',
  'packages/leveret/src/schedule/schedule.ts',
  'packages/leveret/src/schedule/wait-for-beat.ts',
  'packages/leveret/src/application/read-and-check.ts',
  'packages/broker/src/clock/virtual-clock.ts',
  // Works the broker's clock.
  'packages/testing/src/broker/embedded-side.ts',
];
const WALL = /\b(?:[cC]lock\.now|Date\.now)\(\)|\bnew Date\(\)/;
const BROKER_WALL = /\bDate\.now\(\)|\bnew Date\(\)/;
const STAMP = /\b\w*At\b\s*(?:\?\?=|=|:)\s*[\w.#]*\.now\(\)[,;]?(?: \}[,;)]*)?$/;

const faults = [];
let stamps = 0;
for (const file of files('packages', /\.ts$/).filter((path) => path.includes('/src/') && !isTest(path))) {
  if (MAY_KNOW.includes(file)) continue;
  const wall = file.startsWith('packages/broker/') ? BROKER_WALL : WALL;
  for (const line of code(read(file)).split('\n')) {
    if (!wall.test(line)) continue;
    stamps += 1;
    if (STAMP.test(line.trim())) continue;
    faults.push(`${file}: '${line.trim()}' goes by the clock on the wall: use monotonic(), or name the stamp ...At`);
  }
}

conclude(`stamps by the clock on the wall (${stamps})`, faults);
