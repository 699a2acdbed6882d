import { durationMs } from '@leveret/core';
import { InvalidArgumentError } from 'commander';

/** `50/s`, `50`, `600/m` as messages in a second. */
export function readRate(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(text);
  const seconds = { s: 1, m: 60, h: 3600 }[(match?.[2] ?? 's') as 's' | 'm' | 'h'];
  const rate = Number(match?.[1]) / seconds;
  if (!(rate > 0)) throw new InvalidArgumentError('expected a rate such as 50/s or 600/m');
  return rate;
}

/** A whole number from `from` on. */
export function readCount(from: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= from)) throw new InvalidArgumentError(`expected a whole number from ${from} on`);
    return value;
  };
}

/** `10s`, `5m`, `500ms` in milliseconds. */
export function readDuration(text: string): number {
  try {
    return durationMs(/^\d+$/.test(text) ? Number(text) : text, 'duration');
  } catch {
    throw new InvalidArgumentError('expected a duration such as 500ms, 10s or 5m');
  }
}

/** One more of an option that may be given several times; commas do as well. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').filter((part) => part !== '')];
}

/** One more, with commas in it. */
export function collectWhole(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** `x-max-length=5` as a name and a value: numbers and flags as such, everything else as text. */
function readArgument(text: string): readonly [string, unknown] {
  const at = text.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError(`expected name=value, received ${JSON.stringify(text)}`);
  const value = text.slice(at + 1);
  if (/^-?\d+$/.test(value)) return [text.slice(0, at), Number(value)];
  return [text.slice(0, at), value === 'true' || (value === 'false' ? false : value)];
}

/** One more argument of a queue. */
export function collectArgument(
  text: string,
  before: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const [name, value] = readArgument(text);
  return { ...before, [name]: value };
}
