import { describeValue } from './configuration-error.js';

/** What was thrown, as text: the message of an error, else the value itself. Never throws, whatever was thrown. */
export function errorText(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return describeValue(thrown);
  }
}

/** What was thrown, as an error: itself, or an error with its text. Never throws, whatever was thrown. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(errorText(thrown));
}
