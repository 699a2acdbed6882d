import { isUtf8 } from 'node:buffer';
import { MASK } from '../contract/contract.js';
import type { MaskPaths } from './mask-paths.js';

/** What masking has found on its way. */
export interface Found {
  /** Masked values, as texts. */
  readonly secrets: string[];
  /** Where they stood. */
  readonly masked: string[];
}

const MAX_DEPTH = 20;
const DEEPER = '…';

/**
 * Headers or properties as JSON holds them, with {@link MASK} where nobody may look. Bytes are text where they are text, else
 * `{ $type: 'bytes', base64 }`; what lies deeper than 20 is left out.
 */
export function maskTree(value: unknown, place: readonly string[], paths: MaskPaths, found: Found): unknown {
  if (paths.covers(place)) {
    found.masked.push(place.join('.'));
    collect(value, found.secrets, 0);
    return MASK;
  }
  if (Buffer.isBuffer(value)) return bytesText(value) ?? { $type: 'bytes', base64: value.toString('base64') };
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (place.length >= MAX_DEPTH) return DEEPER;
  if (Array.isArray(value)) return value.map((each, index) => maskTree(each, [...place, String(index)], paths, found));
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, maskTree(each, [...place, name], paths, found)]),
  );
}

/** The same with the original wherever {@link MASK} was left standing at a masked place. */
export function unmaskTree(edited: unknown, original: unknown, place: readonly string[], paths: MaskPaths): unknown {
  if (edited === MASK && paths.covers(place)) return original;
  if (typeof edited !== 'object' || edited === null) return edited;
  if (Array.isArray(edited))
    return edited.map((each, index) =>
      unmaskTree(each, child(original, String(index)), [...place, String(index)], paths),
    );
  return Object.fromEntries(
    Object.entries(edited).map(([name, each]) => [
      name,
      unmaskTree(each, child(original, name), [...place, name], paths),
    ]),
  );
}

function child(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function collect(value: unknown, secrets: string[], depth: number): void {
  if (Buffer.isBuffer(value)) secrets.push(value.toString('utf8'));
  else if (typeof value === 'object' && value !== null) {
    if (depth < MAX_DEPTH) for (const each of Object.values(value)) collect(each, secrets, depth + 1);
  } else if (value !== undefined && value !== null) secrets.push(String(value));
}

function bytesText(bytes: Buffer): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they tell bytes from text
  return isUtf8(bytes) && !/[\u0000-\u0008\u000e-\u001f]/.test(bytes.toString('utf8'))
    ? bytes.toString('utf8')
    : undefined;
}
