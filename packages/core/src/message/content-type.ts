/** A content type taken apart: `application/json; charset=utf-8`. */
export interface ContentType {
  /** What leveret does with such a body. */
  readonly kind: 'json' | 'text' | 'binary' | 'none';
  /** The `charset` parameter, if there is one. */
  readonly charset: string | undefined;
}

const NONE: ContentType = { kind: 'none', charset: undefined };
const cache = new Map<string, ContentType>();
const MAX_CACHED = 256;

/**
 * Reads a content type. JSON is every type with `json` in it, in any case, as Spring takes it: `application/json`,
 * `application/cloudevents+json`, `text/json`, `application/x-json`; other text is `text/…`; `application/octet-stream` says nothing, like none at all; all else is binary.
 */
export function readContentType(value: string | undefined): ContentType {
  if (value === undefined || value === '') return NONE;
  const known = cache.get(value);
  if (known !== undefined) return known;
  const read = parseContentType(value);
  // Senders choose these texts: a bound keeps a hostile one from filling the memory.
  if (cache.size < MAX_CACHED) cache.set(value, read);
  return read;
}

function parseContentType(value: string): ContentType {
  const [media = '', ...parameters] = value.split(';');
  const type = media.trim().toLowerCase();
  let charset: string | undefined;
  for (const parameter of parameters) {
    const match = /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/i.exec(parameter);
    if (match !== null) charset = match[1];
  }
  if (type.includes('json')) return { kind: 'json', charset };
  if (type.startsWith('text/')) return { kind: 'text', charset };
  if (type === 'application/octet-stream') return { kind: 'none', charset };
  return { kind: 'binary', charset };
}
