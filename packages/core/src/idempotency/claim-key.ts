import { createHash } from 'node:crypto';

/** Longest key in bytes of UTF-8 that a store is asked for. */
export const MAX_KEY_BYTES = 255;

/**
 * The key of a message for one listener, in a form that every store can hold. Different pairs give different keys: one
 * event may feed many listeners, and neither part can reach into the other.
 */
export function claimKey(listenerId: string, key: string): string {
  return boundedKey(`${listenerId.length}:${listenerId}:${key}`);
}

/**
 * The text itself when it has 1 to 255 bytes of UTF-8 and no control characters, else a digest of it: databases refuse
 * some texts and cut others, and a key that is cut is the key of another message too.
 */
export function boundedKey(text: string): string {
  if (text !== '' && !NOT_PLAIN.test(text) && Buffer.byteLength(text) <= MAX_KEY_BYTES) return text;
  // UTF-16, because UTF-8 writes every lone surrogate the same way.
  return `${DIGEST}${createHash('sha256').update(text, 'utf16le').digest('hex')}`;
}

const DIGEST = 'sha256:';
/** What stores disagree about: control characters and lone surrogates; and what looks like a digest. */
const NOT_PLAIN = /^sha256:|[\p{Cc}\p{Cs}]/u;
