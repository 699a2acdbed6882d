/**
 * Loaded into every process that a test starts (worker.mjs says so in NODE_OPTIONS): the mutant at work is at work there as well,
 * and what is come by is written down for the worker, which looks into the file behind each test.
 */
import { appendFileSync } from 'node:fs';
import { ASKED } from './instrument.mjs';

/** Environment of such processes: the number of the mutant, and the file for what is come by, where that is asked. */
export const AT_WORK = 'LEVERET_MUTANT_AT_WORK';
export const REACHED = 'LEVERET_MUTANTS_REACHED';

const atWork = Number(process.env[AT_WORK]);
const file = process.env[REACHED];
const reached = new Set();

globalThis[Symbol.for(ASKED)] ??= (number) => {
  if (file !== undefined && !reached.has(number)) {
    reached.add(number);
    // At once: many of these processes are killed.
    appendFileSync(file, `${number}\n`);
  }
  return number === atWork;
};
