import { MessageConversionError } from '../errors/message-error.js';
import { losesDigits } from './long-number.js';

/** Nesting deeper than this is refused: code that walks a payload recursively must not run out of stack. */
export const MAX_JSON_DEPTH = 512;

/** Where a number stands in a JSON text. */
export interface NumberToken {
  readonly start: number;
  readonly end: number;
}

/**
 * Goes once through a JSON text, before anything is made of it. Answers the numbers that lose digits, which nobody asks
 * for with `numbers: false`.
 * @param maxElements elements of arrays and members of objects that the text may have, on all levels
 * @throws {MessageConversionError} when it nests over {@link MAX_JSON_DEPTH}, or has too many elements
 */
export function scanJson(text: string, maxElements: number, numbers: boolean): readonly NumberToken[] {
  const found: NumberToken[] = [];
  let depth = 0;
  let elements = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === COMMA) elements++;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      elements++;
      depth++;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
    else if (numbers && isDigit(code)) i = endOfNumber(text, i, found) - 1;
    if (depth > MAX_JSON_DEPTH || elements > maxElements) throw tooMuch(depth, maxElements);
  }
  return found;
}

function tooMuch(depth: number, maxElements: number): MessageConversionError {
  return new MessageConversionError(
    depth > MAX_JSON_DEPTH
      ? `The JSON body nests deeper than ${MAX_JSON_DEPTH} levels, which is refused.`
      : `The JSON body has more than ${maxElements} elements and members, which is refused. Send less at once, or raise maxElements of the listener.`,
  );
}

/** So far a string is read unit by unit: a call into the engine pays for long ones only. */
const SHORT_STRING = 64;

/** Where the string that begins at a quote has its other quote; the end of the text when it has none. */
export function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length) {
    for (const near = Math.min(i + SHORT_STRING, text.length); i < near; i++) {
      const code = text.charCodeAt(i);
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) return i;
    }
    const quote = text.indexOf('"', i);
    if (quote === -1) return text.length;
    if (!isEscaped(text, i, quote)) return quote;
    i = quote + 1;
  }
  return text.length;
}

/** Whether an odd number of backslashes stands before a place; where the text is looked at from, none is open. */
function isEscaped(text: string, from: number, at: number): boolean {
  let before = at;
  while (before > from && text.charCodeAt(before - 1) === BACKSLASH) before--;
  return (at - before) % 2 === 1;
}

/** Where the number ends whose first digit is at `first`; it is added to `found` when it loses digits. */
function endOfNumber(text: string, first: number, found: NumberToken[]): number {
  let end = first + 1;
  while (end < text.length && isOfNumber(text.charCodeAt(end))) end++;
  const start = text.charCodeAt(first - 1) === MINUS ? first - 1 : first;
  if (losesDigits(text.slice(start, end))) found.push({ start, end });
  return end;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isOfNumber(code: number): boolean {
  return isDigit(code) || code === DOT || code === PLUS || code === MINUS || code === LOWER_E || code === UPPER_E;
}

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_E = 0x45;
const LOWER_E = 0x65;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
