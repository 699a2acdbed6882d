/** Answers a text with what nobody may read taken out of it. */
export type Redact = (text: string) => string;

/**
 * The text with passwords of URLs written as `***`: `postgres://pay:***@host/db`, `?password=***`. Everything that leaves the
 * process goes through this.
 */
export function redactUrls(text: string): string {
  if (!text.includes('://')) return text;
  return text.replace(USER_INFO, '://$1:***@').replace(SECRET_PARAMETER, '$1***');
}

// Up to the last @ before the next URL, quote or blank: an unencoded password may hold any of @ / ? #. A port and a path with
// an @ in it look the same, and go too.
const USER_INFO = /:\/\/([^\s:@/?#]*):(?:(?!:\/\/)[^\s"'`<>])*@/g;
const SECRET_PARAMETER = /([?&](?:password|passwd|pwd|token|access_token|secret)=)[^&\s"'`<>]*/gi;

const NOT_SHOWN = '[not shown: redact failed]';

/**
 * What everything that leaves an application goes through: the passwords of URLs are taken out, and then what the
 * application's own function takes out. When that throws or answers no text, nothing is shown.
 */
export function redactor(own: Redact | undefined): Redact {
  if (own === undefined) return redactUrls;
  return (text) => {
    try {
      const redacted: unknown = own(redactUrls(text));
      return typeof redacted === 'string' ? redacted : NOT_SHOWN;
    } catch {
      return NOT_SHOWN;
    }
  };
}

const MAX_DEPTH = 8;

/** The error itself when there is nothing to take out of it, else a copy of the same class. Never throws. */
export function redactError(error: Error, redact: Redact): Error {
  try {
    return redacted(error, redact, 0) as Error;
  } catch {
    return new Error(NOT_SHOWN);
  }
}

/** Texts, errors, and lists of them; all else is answered as it is. */
function redacted(value: unknown, redact: Redact, depth: number): unknown {
  if (typeof value === 'string') return redact(value);
  if (depth === MAX_DEPTH) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => redacted(item, redact, depth + 1));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  return value instanceof Error ? redactedCopy(value, redact, depth) : value;
}

function redactedCopy(error: Error, redact: Redact, depth: number): Error {
  const properties = Object.getOwnPropertyDescriptors(error) as Record<string, PropertyDescriptor>;
  // Where it is inherited, as from a class that declares it, or a getter.
  properties['message'] ??= hidden(error.message);
  properties['stack'] ??= hidden(error.stack);
  let changed = false;
  for (const [name, property] of Object.entries(properties)) {
    const before: unknown = 'value' in property ? property.value : Reflect.get(error, name);
    const after = redacted(before, redact, depth + 1);
    if (after === before) continue;
    changed = true;
    properties[name] = { ...hidden(after), enumerable: property.enumerable ?? false };
  }
  return changed ? (Object.create(Object.getPrototypeOf(error), properties) as Error) : error;
}

function hidden(value: unknown): PropertyDescriptor {
  return { value, writable: true, configurable: true, enumerable: false };
}
