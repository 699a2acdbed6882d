import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Role } from '../contract/contract.js';

/** The tokens of the two roles; a role without one cannot be had. */
export interface ConsoleTokens {
  /** At least 16 characters. */
  readonly operate?: string | undefined;
  readonly read?: string | undefined;
}

/** Shorter ones can be guessed. */
export const SHORTEST_TOKEN = 16;

/** Makes a token: 32 bytes by chance, as letters that an address may hold. */
export function makeToken(): string {
  return randomBytes(32).toString('base64url');
}

/** The role that a token gives. Takes the same time for every token that is wrong. */
export function roleOf(token: string, { operate, read }: ConsoleTokens): Role | undefined {
  const [isOperate, isRead] = [isSame(token, operate), isSame(token, read)];
  return isOperate ? 'operate' : isRead ? 'read' : undefined;
}

/** Compares in constant time, whatever the lengths. */
export function isSame(given: string, expected: string | undefined): boolean {
  const isEqual = timingSafeEqual(digest(given), digest(expected ?? ''));
  return isEqual && expected !== undefined && expected !== '';
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
