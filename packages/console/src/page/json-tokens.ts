/** What a piece of JSON is. */
export type JsonKind = 'key' | 'string' | 'number' | 'word' | 'other';

/** A piece of JSON text. All pieces together are the text. */
export interface JsonToken {
  readonly text: string;
  readonly kind: JsonKind;
}

const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g;

/**
 * Cuts JSON into what a reader tells apart by colour. Never fails: of what is not JSON, whatever looks like none of its values is
 * `other`. Behind `limit` pieces the rest is one.
 */
export function jsonTokens(text: string, limit = 5000): readonly JsonToken[] {
  const tokens: JsonToken[] = [];
  let from = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (tokens.length >= limit) break;
    const [whole, colon] = match;
    if (match.index > from) tokens.push({ text: text.slice(from, match.index), kind: 'other' });
    const value = colon === undefined ? whole : whole.slice(0, -colon.length);
    tokens.push({ text: value, kind: kindOf(value, colon !== undefined) });
    if (colon !== undefined) tokens.push({ text: colon, kind: 'other' });
    from = match.index + whole.length;
  }
  if (from < text.length) tokens.push({ text: text.slice(from), kind: 'other' });
  return tokens;
}

function kindOf(value: string, isKey: boolean): JsonKind {
  if (value.startsWith('"')) return isKey ? 'key' : 'string';
  return /^[tfn]/.test(value) ? 'word' : 'number';
}
