import { ConfigurationError, describeValue, type Problems } from '../errors/configuration-error.js';

type Unit = 'ms' | 's' | 'm' | 'h' | 'd';

/**
 * A span of time: milliseconds as a number, or text such as `'500ms'`, `'1s'`, `'1.5m'`, `'2h'`, `'7d'`. The compiler refuses
 * other texts (`'5 seconds'`, `'20 s'`); of a number that a program has worked out, milliseconds are given: `seconds * 1000`.
 */
// `${number}` would take '20 s' and '1e3s'.
export type Duration = number | `${bigint}${Unit}` | `${bigint}.${bigint}${Unit}`;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/**
 * The longest span a Node timer can hold: 2^31 - 1 ms, a little under 25 days. Longer ones would fire at once.
 * @see https://nodejs.org/api/timers.html#settimeoutcallback-delay-args
 */
export const MAX_TIMER_MS = 2_147_483_647;

/** Milliseconds of a duration, or `undefined` when the value is not one. Never negative, always finite. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = PATTERN.exec(value);
  if (match === null) return undefined;
  const ms = Number(match[1]) * (UNIT_MS[match[2] as string] as number);
  return Number.isFinite(ms) ? ms : undefined;
}

/**
 * Milliseconds of a duration.
 * @param name how the option is called in the error text
 * @throws {ConfigurationError} when the value is not a duration
 */
export function durationMs(value: unknown, name: string): number {
  const ms = parseDuration(value);
  if (ms === undefined) throw new ConfigurationError([durationProblem(value, name)]);
  return ms;
}

/** Like {@link durationMs}, but notes the fault in `problems` and answers `fallback`. */
export function checkDuration(value: unknown, name: string, fallback: number, problems: Problems): number {
  const ms = parseDuration(value);
  if (ms === undefined || ms > MAX_TIMER_MS) {
    problems.add(durationProblem(value, name));
    return fallback;
  }
  return ms;
}

function durationProblem(value: unknown, name: string): string {
  return `${name} must be milliseconds as a number from 0 to ${MAX_TIMER_MS}, or text such as '500ms', '1s', '2m'; got ${describeValue(value)}`;
}
