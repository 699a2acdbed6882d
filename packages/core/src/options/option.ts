import type { Problems } from '../errors/configuration-error.js';

/** A part of a JSON schema. @see https://json-schema.org/draft/2020-12/schema */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * One option, described once: what may be given, what becomes of it, and what the documentation says of it.
 * The functions of `option-kinds.ts` make them; tables of them are what {@link readOptions}, the pages and the JSON schemas
 * are made from.
 */
export interface Option<Given, Read, Suffix extends string = ''> {
  /** What it means, as the documentation says it: Markdown, one line. */
  readonly text: string;
  /** What holds when it is left out, as the documentation says it. */
  readonly byDefault: string;
  /** What a configuration file may say; `undefined` for what only code can give, such as a function. */
  readonly schema: JsonSchema | undefined;
  /** The options of an option that holds options. */
  readonly table: OptionTable | undefined;
  /** What the name of what was read ends in, such as `Ms`. */
  readonly suffix: Suffix;
  /** The value that holds, also for `undefined`. What is wrong is noted in `problems`, and then what is answered is of no use. */
  readonly read: (value: unknown, name: string, problems: Problems) => Read;
  /** For the compiler only: the type of what may be given. */
  readonly accepts?: (value: Given) => void;
}

// biome-ignore lint/suspicious/noExplicitAny: options of every type stand in one table
type AnyOption = Option<any, unknown, string>;

/** Options by their names, in the order of the documentation. */
export type OptionTable = Readonly<Record<string, AnyOption>>;

/** What a table must hold that describes the options of an interface: exactly its names, each able to take all it may be. */
export type OptionsOf<Given extends object> = {
  readonly [Name in keyof Given]-?: Option<Exclude<Given[Name], undefined>, unknown, string>;
};

/** What may be given where a table is read. */
export type GivenOptions<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: Table[Name] extends Option<infer Given, unknown, string> ? Given : never;
};

/** What reading a table answers: every option, complete. What is a span of time ends in `Ms`. */
export type ReadOptions<Table extends OptionTable> = {
  readonly [Name in keyof Table as `${Name & string}${Table[Name]['suffix']}`]: ReturnType<Table[Name]['read']>;
};

/**
 * Reads every option of a table, and fills in what is left out. Options that the table does not have are not looked at:
 * {@link checkKnown} is for them.
 * @param place put before each name in the text of a fault, such as `retry.`
 */
export function readOptions<Table extends OptionTable>(
  table: Table,
  given: object,
  problems: Problems,
  place = '',
): ReadOptions<Table> {
  const values = given as Readonly<Record<string, unknown>>;
  const read: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    read[`${name}${option.suffix}`] = option.read(values[name], `${place}${name}`, problems);
  }
  return Object.freeze(read) as ReadOptions<Table>;
}

/**
 * What one says of its own over what holds for all. An own value wins as a whole: an own `retry` is not mixed with the
 * default one. What is `undefined` says nothing.
 */
export function mergeOptions<Given extends object>(defaults: Given, own: Given): Given {
  return { ...defaults, ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) };
}
