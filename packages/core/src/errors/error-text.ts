import { types } from 'node:util';
import { describeValue } from './configuration-error.js';
import { redactUrls } from './redact.js';

/** Whether it is an error, also one of another realm, such as a `vm` context. Throws for a proxy that is revoked. */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || types.isNativeError(thrown);
}

/**
 * What was thrown, as text: the message of an error, else the value itself, without passwords of URLs. Never throws, whatever
 * was thrown.
 */
export function errorText(thrown: unknown): string {
  try {
    return redactUrls(String(isError(thrown) ? thrown.message : thrown));
  } catch {
    return describeValue(thrown);
  }
}

/** What was thrown, as an error: itself, or an error with its text. Never throws, whatever was thrown. */
export function asError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error) return thrown;
  } catch {
    // A revoked proxy: its text is all there is.
  }
  return new Error(errorText(thrown));
}
