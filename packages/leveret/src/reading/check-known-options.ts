import { describeValue, didYouMean, type Problems } from '@leveret/core';

/** Notes every option that nobody knows, with the one that was probably meant. Answers whether the value holds options at all. */
export function checkKnownOptions(
  value: unknown,
  what: string,
  known: readonly string[],
  problems: Problems,
): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.add(`${what} must be an object of options; got ${describeValue(value)}`);
    return false;
  }
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue;
    problems.add(
      `unknown option ${JSON.stringify(name)} of ${what}.${didYouMean(name, known)} Known are: ${known.join(', ')}`,
    );
  }
  return true;
}
