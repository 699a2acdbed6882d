import { escapeText } from './escape-text.js';
import { carry } from './inspect-error.js';
import { LeveretError } from './leveret-error.js';

/** The declarations or options are wrong. `problems` holds every fault found, not only the first. */
export class ConfigurationError extends LeveretError {
  static override readonly name: string = 'ConfigurationError';
  /** Every fault, each with its place. */
  declare readonly problems: readonly string[];

  constructor(faults: readonly string[]) {
    const problems = faults.map(escapeText);
    const head =
      problems.length === 1 ? '1 fault in the configuration:' : `${problems.length} faults in the configuration:`;
    super('LEV_CONFIGURATION', [head, ...problems.map((problem) => `  - ${problem}`)].join('\n'));
    carry<ConfigurationError>(this, { problems });
  }
}

/**
 * Collects the faults of a configuration so that all of them are reported at once.
 * `at('listener Orders.onPaid')` gives a view that prefixes what it adds.
 */
export class Problems {
  readonly #list: string[];
  readonly #prefix: string;

  constructor(prefix = '', list: string[] = []) {
    this.#prefix = prefix;
    this.#list = list;
  }

  /** A view on the same list whose problems start with the given place. */
  at(place: string): Problems {
    return new Problems(this.#prefix === '' ? place : `${this.#prefix}, ${place}`, this.#list);
  }

  add(problem: string): void {
    this.#list.push(this.#prefix === '' ? problem : `${this.#prefix}: ${problem}`);
  }

  get list(): readonly string[] {
    return this.#list;
  }

  /** @throws {ConfigurationError} when there is at least one problem. */
  throwIfAny(): void {
    if (this.#list.length > 0) throw new ConfigurationError(this.#list);
  }
}

/**
 * A short, safe rendering of a value for an error text: its kind and, for scalars, its value. Never throws. What stands in
 * a body is nobody's business: of that, {@link describeKind} says only what it is.
 */
export function describeValue(value: unknown): string {
  try {
    return describe(value);
  } catch {
    // A proxy, or a class whose name is no text.
    return typeof value === 'function' ? 'a function' : 'an object';
  }
}

/** The kind of a value alone: `a string`, `a number`, `null`, `an array of 3`. Never throws. */
export function describeKind(value: unknown): string {
  if (typeof value === 'object' || value === undefined) return describeValue(value);
  return `a ${typeof value}`;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string')
    return escapeText(JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value));
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'undefined') return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return value.name === '' ? 'a function' : `function ${value.name}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  // Of its prototype: a sender may put any "constructor" into a body.
  const name = (Object.getPrototypeOf(value) as object | null)?.constructor?.name;
  return name === undefined || name === 'Object' ? 'an object' : `an instance of ${name}`;
}
