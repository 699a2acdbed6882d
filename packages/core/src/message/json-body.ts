import { randomUUID } from 'node:crypto';
import { MessageConversionError } from '../errors/message-error.js';
import { pathAt } from './json-path.js';
import { isWhole, type LongNumbers, mayLoseDigits } from './long-number.js';
import type { ReadHints } from './read-hints.js';
import { MAX_JSON_DEPTH, type NumberToken, scanJson } from './scan-json.js';

/**
 * Parses JSON from an untrusted sender. Refuses what could hurt later: nesting over {@link MAX_JSON_DEPTH}, more elements
 * than allowed, numbers that lose digits, a key `__proto__`, and a `constructor` that holds a `prototype` (both are how
 * prototypes get polluted when a payload is copied).
 * @throws {MessageConversionError}
 */
export function parseJson(
  text: string,
  { maxElements, longNumbers }: Required<Pick<ReadHints, 'maxElements' | 'longNumbers'>>,
): unknown {
  const numbers = longNumbers !== 'round' && mayLoseDigits(text);
  // A balanced text of n characters nests at most n / 2 deep, and has fewer elements: short ones need no scan.
  const isLong = text.length > 2 * MAX_JSON_DEPTH || text.length > maxElements;
  const long = numbers || isLong ? scanJson(text, maxElements, numbers) : NONE;
  const value = long.length === 0 ? parse(text) : parseLong(text, long, longNumbers);
  // An escaped key (\u005f_proto__) reads the same after parsing, hence the test for any escape.
  if (text.includes('__proto__') || text.includes('constructor') || text.includes('\\u')) checkKeys(value);
  return value;
}

const NONE: readonly NumberToken[] = [];

/** Nothing of the body stands in the error: V8 quotes what is around the fault. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const place = / at position \d+/.exec((error as Error).message)?.[0];
    const fault = place === undefined ? (text.trim() === '' ? ': it is empty' : '') : place;
    throw new MessageConversionError(
      `The body is not valid JSON${fault}. Send JSON, or set the content type to what the body is.`,
    );
  }
}

/** Begins what stands for a long number while the text is parsed. No sender can guess it. */
const MARK = `leveret-${randomUUID()}-`;

function parseLong(text: string, long: readonly NumberToken[], longNumbers: LongNumbers): unknown {
  // Once as it is: no mark may make JSON of what is none.
  parse(text);
  const lost = long.find(({ start, end }) => !isReadable(text.slice(start, end), longNumbers));
  if (lost !== undefined) throw tooLong(text, lost);
  let marked = '';
  let from = 0;
  for (const { start, end } of long) {
    marked += `${text.slice(from, start)}"${MARK}${text.slice(start, end)}"`;
    from = end;
  }
  return withoutMarks(parse(marked + text.slice(from)), longNumbers === 'bigint' ? BigInt : String);
}

/** Making a bigint takes time that grows with the square of its digits. */
const MAX_BIGINT_DIGITS = 1000;

function isReadable(token: string, longNumbers: LongNumbers): boolean {
  if (longNumbers === 'text') return true;
  return longNumbers === 'bigint' && token.length <= MAX_BIGINT_DIGITS && isWhole(token);
}

function tooLong(text: string, { start, end }: NumberToken): MessageConversionError {
  const path = pathAt(text, start);
  return new MessageConversionError(
    `The number${path === '' ? '' : ` at ${path}`} of the JSON body, ${end - start} characters long, cannot be held by a JavaScript number without loss. ` +
      "Send it as a string, or read such numbers otherwise: longNumbers: 'bigint', 'text' or 'round' of the listener.",
  );
}

function withoutMarks(root: unknown, restore: (digits: string) => unknown): unknown {
  const plain = (value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? restore(value.slice(MARK.length)) : value;
  const open: unknown[] = [root];
  while (open.length > 0) {
    const container = open.pop();
    if (typeof container !== 'object' || container === null) continue;
    for (const key of Object.keys(container)) {
      const children = container as Record<string, unknown>;
      const child = children[key];
      const restored = plain(child);
      if (restored !== child) children[key] = restored;
      else open.push(child);
    }
  }
  return plain(root);
}

function checkKeys(root: unknown): void {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const key of Object.keys(value)) {
      const child = (value as Record<string, unknown>)[key];
      if (key === '__proto__' || (key === 'constructor' && holdsPrototype(child))) {
        throw new MessageConversionError(
          `The JSON body holds the key "${key}" in a form that can pollute prototypes, which is refused.`,
        );
      }
      open.push(child);
    }
  }
}

function holdsPrototype(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}
