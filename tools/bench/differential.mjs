/**
 * `npm run differential`: classes with decorators and options by chance, and bodies by chance for each: read by class-transformer
 * and class-validator, and read by compiled rules. Ends with 1 when anything differs: an instance, its prototypes, the order of
 * its properties, a violation, its text, their order, an error.
 *
 *   npm run differential                             12,500 classes with 8 bodies each
 *   npm run differential -- --classes 500 --seed 7
 *   npm run differential -- --seed 7 --from 1234 --classes 1     one finding again
 */
import { readArguments } from '../scripts/arguments.mjs';
import 'reflect-metadata';
import {
  compareReadings,
  newTally,
  usingQuickContainer,
} from '../../packages/leveret/dist/test-support/same-reading.js';
import { Random } from '../../packages/leveret/dist-test/fuzz/random.js';

const { values } = readArguments(import.meta.url, {
  classes: { type: 'number', default: 12500 },
  seed: { type: 'number', default: 1 },
  from: { type: 'number', default: 0 },
});
const from = values.from;
const until = from + values.classes;
const EVERY = 500;
const MOST = 20;

usingQuickContainer();
const tally = newTally();
const findings = [];
for (let index = from; index < until && findings.length < MOST; index++) {
  try {
    await compareReadings(new Random(values.seed * 1_000_003 + index), tally);
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
