/**
 * Every error code of core's registry is explained in docs/errors.md and thrown somewhere, and no other code is used or
 * explained: a person who searches the docs for the code in a log finds it.
 */
import { code, conclude, exists, files, isTest, read } from './sources.mjs';

const REGISTRY = 'packages/core/src/errors/error-codes.ts';
const DOCS = 'docs/errors.md';
const CODE = /\bLEV_[A-Z0-9_]*[A-Z0-9]\b/g;
const faults = [];

const codesIn = (text) => new Set(text.match(CODE));
const registered = exists(REGISTRY) ? codesIn(code(read(REGISTRY))) : new Set();
const explained = new Set(
  exists(DOCS) ? [...read(DOCS).matchAll(/^## (LEV_[A-Z0-9_]+)\s*$/gm)].map((match) => match[1]) : [],
);
const mentioned = exists(DOCS) ? codesIn(read(DOCS)) : new Set();

const used = new Map();
for (const file of files('packages', /\.ts$/).filter((path) => path !== REGISTRY && !isTest(path))) {
  for (const each of codesIn(code(read(file)))) used.set(each, file);
}

for (const each of registered) {
  if (!explained.has(each)) faults.push(`${each} has no '## ${each}' in ${DOCS}`);
  if (!used.has(each)) faults.push(`${each} is in the registry, but no source uses it`);
}
for (const [each, file] of used)
  if (!registered.has(each)) faults.push(`${file} uses ${each}, which is not in ${REGISTRY}`);
for (const each of mentioned)
  if (!registered.has(each)) faults.push(`${DOCS} names ${each}, which is not in ${REGISTRY}`);
if (registered.size === 0) faults.push(`${REGISTRY} has no codes`);

conclude(`error codes and their docs (${registered.size})`, faults);
