/**
 * `npm run differential`: classes with decorators and options by chance, and bodies by chance for each: read by class-transformer
 * and class-validator, and read by compiled rules. Ends with 1 when anything differs: an instance, its prototypes, the order of
 * its properties, a violation, its text, their order, an error.
 *
 *   npm run differential                             12,500 classes with 8 bodies each
 *   npm run differential -- --classes 500 --seed 7
 *   npm run differential -- --seed 7 --from 1234 --classes 1     one finding again
 */
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import {
  compareReadings,
  newTally,
  usingQuickContainer,
} from '../../packages/leveret/dist/test-support/same-reading.js';
import { Random } from '../../packages/leveret/dist-test/fuzz/random.js';

const { values } = parseArgs({
  options: {
    classes: { type: 'string', default: '12500' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
  },
});
const from = Number(values.from);
const until = from + Number(values.classes);
const EVERY = 500;
const MOST = 20;

usingQuickContainer();
const tally = newTally();
const findings = [];
for (let index = from; index < until && findings.length < MOST; index++) {
  try {
    await compareReadings(new Random(Number(values.seed) * 1_000_003 + index), tally);
  } catch (error) {
    findings.push(index);
    console.log(`class ${index} (--seed ${values.seed} --from ${index} --classes 1): ${error.message}`);
  }
  if ((index + 1) % EVERY === 0) console.log(`${index + 1 - from} classes, ${tally.cases} readings`);
}
console.log(JSON.stringify(tally));
if (findings.length > 0) {
  console.error(`expected compiled rules to read as the libraries do; ${findings.length} classes were read otherwise`);
  process.exitCode = 1;
}
