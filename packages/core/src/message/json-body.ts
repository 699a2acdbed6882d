import { MessageConversionError } from '../errors/message-error.js';

/** Nesting deeper than this is refused: code that walks a payload recursively must not run out of stack. */
export const MAX_JSON_DEPTH = 512;

/**
 * Parses JSON from an untrusted sender. Refuses what could hurt later: nesting over {@link MAX_JSON_DEPTH}, a key
 * `__proto__`, and a `constructor` that holds a `prototype` (both are how prototypes get polluted when a payload is
 * copied).
 * @throws {MessageConversionError}
 */
export function parseJson(text: string): unknown {
  // A balanced text of n characters nests at most n / 2 deep, so short ones need no scan.
  if (text.length > 2 * MAX_JSON_DEPTH) checkDepth(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MessageConversionError(
      `The body is not valid JSON: ${(cause as Error).message}. Send JSON, or set the content type to what the body is.`,
      { cause },
    );
  }
  // An escaped key (\u005f_proto__) reads the same after parsing, hence the test for any escape.
  if (text.includes('__proto__') || text.includes('constructor') || text.includes('\\u')) checkKeys(value);
  return value;
}

function checkDepth(text: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > MAX_JSON_DEPTH) {
        throw new MessageConversionError(`The JSON body nests deeper than ${MAX_JSON_DEPTH} levels, which is refused.`);
      }
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

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
