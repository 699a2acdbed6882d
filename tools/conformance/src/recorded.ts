import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { BrokerVersion } from '@leveret/broker';
import type { Program } from './program/program.js';
import { type Run, runProgram } from './program/run-program.js';
import { generateProgram } from './random/generate.js';
import { suite } from './scenarios/suite.js';
import { EmbeddedTarget } from './targets/embedded-target.js';

const RANDOM_PROGRAMS = 60;

/** What quick scenarios and some random programs have shown, each as a digest, by the name of the program. */
export type Recorded = Readonly<Record<string, string>>;

/** The programs that are recorded of a version. */
export function recordedPrograms(version: BrokerVersion): readonly Program[] {
  const quick = suite.filter(({ slow, versions }) => slow !== true && (versions?.includes(version) ?? true));
  return [...quick, ...Array.from({ length: RANDOM_PROGRAMS }, (_, index) => generateProgram(index + 1))];
}

/** Runs a program on a fresh embedded broker of a version. */
export async function observedOf(program: Program, version: BrokerVersion): Promise<Run['observations']> {
  await using embedded = await EmbeddedTarget.start(version, 'v');
  return (await runProgram(program, embedded)).observations;
}

export function digestOf(observations: Run['observations']): string {
  return createHash('sha256').update(JSON.stringify(observations)).digest('hex').slice(0, 24);
}

export function readRecorded(version: BrokerVersion): Recorded {
  return JSON.parse(readFileSync(fileOf(version), 'utf8')) as Recorded;
}

/** Writes down what the embedded broker shows now. Answers the names of the programs that showed something else before. */
export async function record(version: BrokerVersion): Promise<readonly string[]> {
  const before = readRecorded(version);
  const now: Record<string, string> = {};
  for (const program of recordedPrograms(version)) now[program.name] = digestOf(await observedOf(program, version));
  writeFileSync(fileOf(version), `${JSON.stringify(now, null, 2)}\n`);
  return Object.keys(now).filter((name) => before[name] !== now[name]);
}

function fileOf(version: BrokerVersion): URL {
  return new URL(`../recorded/${version}.json`, import.meta.url);
}
