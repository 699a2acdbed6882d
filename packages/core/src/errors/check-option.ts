import { describeValue, type Problems } from './configuration-error.js';
import { didYouMean } from './did-you-mean.js';

/** The value when it is one of `allowed`, else the fallback and, unless it was left out, a problem. */
export function checkOneOf<T extends string>(
  value: unknown,
  name: string,
  allowed: readonly T[],
  fallback: T,
  problems: Problems,
): T {
  if (value === undefined) return fallback;
  if (allowed.includes(value as T)) return value as T;
  problems.add(`${name} must be one of ${allowed.map((one) => `'${one}'`).join(', ')}; got ${describeValue(value)}`);
  return fallback;
}

/** A range of whole numbers, both ends included, and the value to take when none is given. */
export interface WholeNumberRange {
  readonly from: number;
  readonly to: number;
  readonly or: number;
}

/** The value when it is a whole number in the range, else the range's `or` and, unless it was left out, a problem. */
export function checkWholeNumber(value: unknown, name: string, range: WholeNumberRange, problems: Problems): number {
  if (value === undefined) return range.or;
  if (Number.isSafeInteger(value) && (value as number) >= range.from && (value as number) <= range.to) {
    return value as number;
  }
  const to = range.to === Number.MAX_SAFE_INTEGER ? '' : ` to ${range.to}`;
  problems.add(`${name} must be a whole number from ${range.from}${to}; got ${describeValue(value)}`);
  return range.or;
}

/** Whether a value is an object that can hold options. Arrays are not. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value when it is true or false, else the fallback and, unless it was left out, a problem. */
export function checkFlag(value: unknown, name: string, fallback: boolean, problems: Problems): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  problems.add(`${name} must be true or false; got ${describeValue(value)}`);
  return fallback;
}

/**
 * Notes every option that nobody knows, with the one that was probably meant. The only check of its kind.
 * @param what whose options they are; `''` where the place of the problems says so
 */
export function checkKnown(options: object, known: readonly string[], what: string, problems: Problems): void {
  const of = what === '' ? '' : ` of ${what}`;
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    problems.add(
      `unknown option ${describeValue(name)}${of}.${didYouMean(name, known)} Known are: ${known.join(', ')}`,
    );
  }
}

/** Like {@link checkKnown}, for what may be no object at all. Answers whether it holds options. */
export function checkOptions(
  value: unknown,
  known: readonly string[],
  what: string,
  problems: Problems,
): value is Readonly<Record<string, unknown>> {
  if (!isRecord(value)) {
    problems.add(`${what === '' ? '' : `${what} `}must be an object of options; got ${describeValue(value)}`);
    return false;
  }
  checkKnown(value, known, what, problems);
  return true;
}
