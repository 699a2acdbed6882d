import { badRequest } from './console-fault.js';

/** Names and ids of a request. */
const MOST_ITEMS = 10_000;
const LONGEST = 1000;

/** Reads the fields of a request, and says which one is wrong. Only its own fields count. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;

  /** @throws {ConsoleFault} 400 for a field that is not known */
  constructor(values: Readonly<Record<string, unknown>>, known: readonly string[]) {
    this.#values = values;
    for (const name of Object.keys(values))
      if (!known.includes(name)) throw badRequest(`There is no field ${name} here.`);
  }

  text(name: string, longest = LONGEST): string {
    return this.optionalText(name, longest) ?? this.#missing(name);
  }

  optionalText(name: string, longest = LONGEST): string | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value.length > longest)
      throw badRequest(`${name} must be text of at most ${longest} characters.`);
    return value;
  }

  optionalNumber(name: string, from: number, to: number): number | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !(value >= from && value <= to))
      throw badRequest(`${name} must be a number from ${from} to ${to}.`);
    return value;
  }

  optionalWord<const Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    const word = words.find((each) => each === value);
    if (word === undefined) throw badRequest(`${name} must be one of ${words.join(', ')}.`);
    return word;
  }

  optionalTexts(name: string): readonly string[] | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    const isRight =
      Array.isArray(value) &&
      value.length <= MOST_ITEMS &&
      value.every((each) => typeof each === 'string' && each.length <= LONGEST);
    if (!isRight) throw badRequest(`${name} must be a list of at most ${MOST_ITEMS} texts.`);
    return value as string[];
  }

  /** `'all'`, or a list. */
  allOrTexts(name: string): 'all' | readonly string[] {
    return this.#get(name) === 'all' ? 'all' : (this.optionalTexts(name) ?? this.#missing(name));
  }

  allOrIds(name: string): 'all' | readonly number[] {
    const value = this.#get(name);
    if (value === 'all') return 'all';
    const isRight =
      Array.isArray(value) &&
      value.length <= MOST_ITEMS &&
      value.every((each) => Number.isSafeInteger(each) && each >= 0);
    if (!isRight) throw badRequest(`${name} must be "all", or a list of at most ${MOST_ITEMS} ids.`);
    return value as number[];
  }

  optionalObject(name: string): Readonly<Record<string, unknown>> | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw badRequest(`${name} must be an object.`);
    return value as Record<string, unknown>;
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }

  #missing(name: string): never {
    throw badRequest(`${name} is missing.`);
  }
}
