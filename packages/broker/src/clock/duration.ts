const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds as a number, or text such as `'1500ms'`, `'20s'`, `'10m'`, `'1h'`, `'2d'`. */
export type Duration = number | string;

/**
 * Turns a duration into milliseconds.
 *
 * @throws {TypeError} when the text is no number with a unit, or the number is negative or not finite
 */
export function toMilliseconds(duration: Duration): number {
  const match = typeof duration === 'string' ? /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(duration.trim()) : null;
  const value = match === null ? duration : Number(match[1]) * (UNITS[match[2] ?? 'ms'] ?? 1);
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new TypeError(
      `duration: expected milliseconds (0 or more) or text such as '1500ms', '20s', '10m', '1h'; received ${JSON.stringify(duration)}`,
    );
  }
  return value;
}
