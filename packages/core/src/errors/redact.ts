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

/** So many texts, errors, lists and objects of one error or log field are looked at: further ones are not shown. */
const MAX_LOOKED_AT = 5000;

/** The error itself when there is nothing to take out of it, else a copy of the same class. Never throws. */
export function redactError(error: Error, redact: Redact): Error {
  const shown = redactValue(error, redact);
  return shown instanceof Error ? shown : new Error(NOT_SHOWN);
}

/**
 * Takes it out of a text, an error, and of lists and plain objects of them; all else, and whatever there is nothing to take out
 * of, is answered as it is. Never throws: what throws when it is read is not shown.
 */
export function redactValue(value: unknown, redact: Redact): unknown {
  try {
    return new Redaction(redact).of(value);
  } catch {
    return NOT_SHOWN;
  }
}

class Redaction {
  readonly #redact: Redact;
  readonly #seen = new Map<object, unknown>();
  #lookedAt = 0;

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  of(value: unknown): unknown {
    if (typeof value === 'string') return ++this.#lookedAt > MAX_LOOKED_AT ? NOT_SHOWN : this.#redact(value);
    if (typeof value !== 'object' || value === null) return value;
    if (this.#seen.has(value)) return this.#seen.get(value);
    const isError = value instanceof Error;
    if (!isError && !Array.isArray(value) && !isPlain(value)) return value;
    if (++this.#lookedAt > MAX_LOOKED_AT) return NOT_SHOWN;
    // What bites its own tail is not shown there: its copy does not exist yet.
    this.#seen.set(value, NOT_SHOWN);
    const shown = isError ? this.#ofError(value) : Array.isArray(value) ? this.#ofList(value) : this.#ofObject(value);
    this.#seen.set(value, shown);
    return shown;
  }

  #ofList(list: readonly unknown[]): readonly unknown[] {
    const items = list.map((item) => this.of(item));
    return items.some((item, index) => item !== list[index]) ? items : list;
  }

  #ofObject(object: object): object {
    const entries = Object.entries(object);
    const shown = entries.map(([name, value]) => [name, this.of(value)] as const);
    return shown.some(([, value], index) => value !== entries[index]?.[1]) ? Object.fromEntries(shown) : object;
  }

  #ofError(error: Error): Error {
    const properties = Object.getOwnPropertyDescriptors(error) as Record<string, PropertyDescriptor>;
    // Where they are inherited, as from a class that declares them, or getters.
    properties['message'] ??= hidden(error.message);
    properties['stack'] ??= hidden(error.stack);
    let changed = false;
    for (const [name, property] of Object.entries(properties)) {
      const before: unknown = 'value' in property ? property.value : Reflect.get(error, name);
      const after = this.of(before);
      if (after === before) continue;
      changed = true;
      properties[name] = { ...hidden(after), enumerable: property.enumerable ?? false };
    }
    return changed ? (Object.create(Object.getPrototypeOf(error), properties) as Error) : error;
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function hidden(value: unknown): PropertyDescriptor {
  return { value, writable: true, configurable: true, enumerable: false };
}
