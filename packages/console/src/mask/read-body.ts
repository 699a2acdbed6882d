import { isUtf8 } from 'node:buffer';
import { type BodyKind, MASK } from '../contract/contract.js';
import { hexDump } from './hex-dump.js';
import { type JsonLayout, rewriteJson, scalarsOf } from './json-text.js';
import type { MaskPaths } from './mask-paths.js';

/** A body as it may be shown. */
export interface ReadBody {
  readonly kind: BodyKind;
  readonly text: string;
  readonly isCut: boolean;
  /** Where {@link MASK} stands; `*` for the whole. */
  readonly masked: readonly string[];
  /** The values that it stands for. */
  readonly secrets: readonly string[];
}

/** What is masked, and how. */
export interface BodyMask {
  readonly paths: MaskPaths;
  /** Whether a body is shown in which paths lead nowhere, because it is no JSON. */
  readonly showUnreadable: boolean;
}

/** Larger ones are not read as JSON. */
const MAX_PARSED_BYTES = 8 * 2 ** 20;
const MAX_HEX_BYTES = 4096;

/** Reads a body for people: JSON in the layout that is asked for, other text as it is, bytes as a hex dump. */
export function readBody(
  body: Buffer,
  { paths, showUnreadable }: BodyMask,
  layout: JsonLayout,
  maxChars: number,
): ReadBody {
  if (body.length === 0) return { kind: 'empty', text: '', isCut: false, masked: [], secrets: [] };
  const isText = isUtf8(body.subarray(0, MAX_PARSED_BYTES)) && !hasControls(body);
  if (isText && body.length <= MAX_PARSED_BYTES) {
    const masked: string[] = [];
    const secrets: string[] = [];
    const hide = (place: readonly string[], raw: () => string) => {
      if (!paths.covers(place)) return undefined;
      masked.push(place.join('.'));
      secrets.push(...scalarsOf(raw()));
      return JSON.stringify(MASK);
    };
    // As a whole also where only its beginning is shown: what is masked may stand in other texts.
    const read = rewriteJson(
      body.toString('utf8'),
      layout,
      paths.isEmpty ? maxChars : NO_END,
      paths.isEmpty ? undefined : hide,
    );
    if (read !== undefined) {
      const isCut = read.isCut || read.text.length > maxChars;
      return { kind: 'json', text: read.text.slice(0, maxChars), isCut, masked, secrets };
    }
  }
  const kind = isText ? 'text' : 'binary';
  if (!paths.isEmpty && !showUnreadable) return { kind, text: MASK, isCut: true, masked: ['*'], secrets: [] };
  if (!isText) {
    return {
      kind,
      text: hexDump(body.subarray(0, MAX_HEX_BYTES)),
      isCut: body.length > MAX_HEX_BYTES,
      masked: [],
      secrets: [],
    };
  }
  const text = body.toString('utf8', 0, maxChars * 4).slice(0, maxChars);
  return { kind, text, isCut: Buffer.byteLength(text) < body.length, masked: [], secrets: [] };
}

/**
 * The body that an edited text means: with the original wherever {@link MASK} was left standing at a masked place. A body that had
 * no blanks has none afterwards.
 */
export function unmaskBody(edited: string, original: Buffer, paths: MaskPaths): Buffer {
  const before = original.toString('utf8');
  const compact = rewriteJson(before, 'compact', NO_END)?.text;
  const values = new Map<string, string>();
  rewriteJson(before, 'compact', NO_END, (place, raw) => {
    if (!paths.covers(place)) return undefined;
    values.set(JSON.stringify(place), raw());
    return '0';
  });
  const layout = compact === before ? 'compact' : 'as-is';
  const placeholder = JSON.stringify(MASK);
  const restored = rewriteJson(edited, layout, NO_END, (place, raw) => {
    if (!paths.covers(place)) return undefined;
    return raw() === placeholder ? values.get(JSON.stringify(place)) : undefined;
  });
  return Buffer.from(restored?.text ?? edited);
}

const NO_END = Number.MAX_SAFE_INTEGER;

function hasControls(body: Buffer): boolean {
  // Tabs, line breaks and form feeds are text.
  return body.subarray(0, MAX_PARSED_BYTES).some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27));
}
