import { randomBytes } from 'node:crypto';

// A tag has 255 bytes; what is made unique and counted on comes after the prefix.
const MAX_PREFIX_BYTES = 200;

/** A consumer tag that no other consumer has: the prefix, cut to 200 bytes of UTF-8, and twelve random hexadecimal digits. */
export function uniqueTag(prefix: string): string {
  return `${cut(prefix, MAX_PREFIX_BYTES)}-${randomBytes(6).toString('hex')}`;
}

function cut(text: string, bytes: number): string {
  return Buffer.byteLength(text) <= bytes
    ? text
    : Buffer.from(text)
        .subarray(0, bytes)
        .toString()
        .replace(/\uFFFD+$/, '');
}
