/**
 * What becomes of a JSON number with more digits than a JavaScript number holds, such as a 64-bit id:
 *
 * | | a whole number | a fraction, or beyond 1.8e308 |
 * |---|---|---|
 * | `refuse` | the message is unreadable | the message is unreadable |
 * | `bigint` | a `bigint` | the message is unreadable |
 * | `text` | its digits, as text | as it was written, as text |
 * | `round` | the nearest number that there is | the nearest number that there is, or `Infinity` |
 */
export type LongNumbers = 'refuse' | 'bigint' | 'text' | 'round';

/** Whether a JSON text may hold a number that loses digits. Quick, for every message is asked; never wrong when it says no. */
export function mayLoseDigits(text: string): boolean {
  // Up to 15 digits, and any exponent of two, are held by a double whatever they are. So many in a row stand on every 16th place.
  for (let i = RUN - 1; i < text.length; i += RUN) {
    if (isOfRun(text.charCodeAt(i)) && runAround(text, i) >= RUN) return true;
  }
  return LONG_EXPONENT.test(text);
}

const RUN = 16;
const LONG_EXPONENT = /\d[eE][+-]?\d{3}/;

function runAround(text: string, at: number): number {
  let start = at;
  while (start > 0 && isOfRun(text.charCodeAt(start - 1))) start--;
  let end = at + 1;
  while (end < text.length && end - start < RUN && isOfRun(text.charCodeAt(end))) end++;
  return end - start;
}

function isOfRun(code: number): boolean {
  return (code >= ZERO && code <= NINE) || code === DOT;
}

/**
 * Whether a JSON number reads as another than was written: the nearest double is neither written so by JavaScript, nor with
 * as many digits as the sender wrote. 0.1, 1.50, 0.10000000000000001 and 1688888483063664600 lose nothing; 2^53 + 1,
 * 1688888483063664642, 1e400 and 1e-400 do.
 */
export function losesDigits(token: string): boolean {
  if (token.length < 16 && !/[eE][+-]?\d{3}/.test(token)) return false;
  const number = Number(token);
  if (Number.isSafeInteger(number) && isWhole(token)) return false;
  if (!Number.isFinite(number)) return VALID.test(token);
  const written = significant(token);
  if (written.digits === '' || isSame(written, significant(String(number)))) return false;
  if (isWhole(token)) return BigInt(number) !== BigInt(token);
  return (
    written.digits.length > MAX_PRECISION ||
    !isSame(written, significant(number.toExponential(written.digits.length - 1)))
  );
}

/** Whether a JSON number is written without a fraction and without an exponent. */
export function isWhole(token: string): boolean {
  return /^-?\d+$/.test(token);
}

// The most that toExponential knows. A double needs 17; more digits than this are no number that a program wrote.
const MAX_PRECISION = 100;

// What is no number in JSON has been made none by Number() already, or is found by the parser.
const VALID = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

interface Significant {
  readonly digits: string;
  readonly exponent: number;
}

function isSame(one: Significant, other: Significant): boolean {
  return one.digits === other.digits && one.exponent === other.exponent;
}

/** The digits of a number without zeros at either end, and the power of ten of the first: 0.0150 is '15', -2. */
function significant(token: string): Significant {
  const [mantissa = '', power = '0'] = token.replace(/^-/, '').split(/e(.*)/i);
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = whole + fraction;
  const first = all.search(/[1-9]/);
  if (first === -1) return { digits: '', exponent: 0 };
  return { digits: withoutEndingZeros(all.slice(first)), exponent: Number(power) + whole.length - 1 - first };
}

/** By hand: a pattern would try each run of zeros to its end. */
function withoutEndingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === ZERO) end--;
  return digits.slice(0, end);
}

const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
