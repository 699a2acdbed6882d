/** The mutants of a compiled file, with the lines of its source; and which of them are known to change nothing. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/sources.mjs';
import { mutationsOf } from './mutations.mjs';

/** Mutants that change nothing, each with its reason, and files that are tests themselves. */
export const { equivalents: EQUIVALENTS, tests: EXPORTED_TESTS } = JSON.parse(
  readFileSync(new URL('equivalents.json', import.meta.url), 'utf8'),
);

/** @param {string} file compiled, from the root */
export function candidatesIn(file) {
  const code = readFileSync(join(root, file), 'utf8');
  const map = existsSync(join(root, `${file}.map`))
    ? JSON.parse(readFileSync(join(root, `${file}.map`), 'utf8'))
    : undefined;
  const lines = map?.sourcesContent?.[0]?.split('\n');
  const found = mutationsOf(code, map).map((each) => ({ ...each, file, source: lines?.[each.line - 1]?.trim() ?? '' }));
  // For the compiler's eyes: nothing ever comes there.
  return found.filter(({ source }) => !source.includes('satisfies never'));
}

/** What is known of a mutant that changes nothing. An entry without `was` or `text` means every mutant of its line. */
export function isMeant(entry, { file, source, was, text }) {
  return (
    entry.file === sourceOf(file) &&
    entry.line === source &&
    (entry.was ?? was) === was &&
    (entry.text ?? text) === text
  );
}

export function sourceOf(file) {
  return file.replace('/dist/', '/src/').replace(/\.js$/, '.ts');
}
