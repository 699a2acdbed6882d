import { checkFlag, checkKnown, checkOneOf, checkWholeNumber, isRecord } from '../errors/check-option.js';
import { describeValue, Problems } from '../errors/configuration-error.js';
import { checkDuration, type Duration, MAX_TIMER_MS, parseDuration } from '../time/duration.js';
import { type JsonSchema, type Option, type OptionTable, type ReadOptions, readOptions } from './option.js';

/** What every kind of option says of itself. */
interface Described {
  /** What it means: Markdown, one line. */
  readonly text: string;
  /** What holds when it is left out, where `or` does not say it. Default `none`. */
  readonly byDefault?: string;
}

/** An option that is never missing: `or` is what holds when it is left out. */
type WithDefault<T> = Described & { readonly or: T };

type Made<Given, Read, Suffix extends string = ''> = Option<Given, Read, Suffix>;

/** `true` or `false`. */
export function flagOption(spec: WithDefault<boolean>): Made<boolean, boolean>;
export function flagOption(spec: Described): Made<boolean, boolean | undefined>;
export function flagOption(spec: Described & { readonly or?: boolean }): Made<boolean, boolean | undefined> {
  return make(spec, { type: 'boolean' }, (value, name, problems) => checkFlag(value, name, spec.or === true, problems));
}

/** One of several words. */
export function wordOption<const Word extends string>(
  words: readonly Word[],
  spec: Described & { readonly or: NoInfer<Word> },
): Made<Word, Word>;
export function wordOption<const Word extends string>(
  words: readonly Word[],
  spec: Described,
): Made<Word, Word | undefined>;
export function wordOption<const Word extends string>(
  words: readonly Word[],
  spec: Described & { readonly or?: Word },
): Made<Word, Word | undefined> {
  return make(spec, { enum: words }, (value, name, problems) =>
    checkOneOf(value, name, words, spec.or ?? (words[0] as Word), problems),
  );
}

interface Range {
  /** What it counts, for the text of a fault: `all calls of the handler`. */
  readonly counts?: string;
  /** The least value. */
  readonly from: number;
  /** The greatest value. Default: no limit. */
  readonly to?: number;
}

/** A whole number in a range, both ends included. */
export function wholeNumberOption(spec: WithDefault<number> & Range): Made<number, number>;
export function wholeNumberOption(spec: Described & Range): Made<number, number | undefined>;
export function wholeNumberOption(
  spec: Described & Range & { readonly or?: number },
): Made<number, number | undefined> {
  const { from, to, or = from } = spec;
  return make(spec, { type: 'integer', ...limits(spec) }, (value, name, problems) =>
    checkWholeNumber(
      value,
      spec.counts === undefined ? name : `${name} (${spec.counts})`,
      { from, to: to ?? Number.MAX_SAFE_INTEGER, or },
      problems,
    ),
  );
}

/** A number in a range, both ends included. */
export function numberOption(spec: WithDefault<number> & Range): Made<number, number>;
export function numberOption(spec: Described & Range): Made<number, number | undefined>;
export function numberOption(spec: Described & Range & { readonly or?: number }): Made<number, number | undefined> {
  const { from, to, or = from } = spec;
  return make(spec, { type: 'number', ...limits(spec) }, (value, name, problems) => {
    if (typeof value === 'number' && value >= from && value <= (to ?? Number.MAX_VALUE)) return value;
    problems.add(
      `${name} must be a number from ${from}${to === undefined ? '' : ` to ${to}`}; got ${describeValue(value)}`,
    );
    return or;
  });
}

/** What {@link durationOption} takes besides its text. */
interface Span {
  /** Whether 0 may be given. Default `false`: a wait of nothing is a mistake where nothing could be done in it. */
  readonly zero?: boolean;
  /** `true` where no timer of this process runs for it, and it may be longer than one can: 24.8 days. Default `false`. */
  readonly unbounded?: boolean;
}

/** A span of time. What is read is milliseconds, and its name ends in `Ms`. */
export function durationOption(spec: WithDefault<Duration> & Span): Made<Duration, number, 'Ms'>;
export function durationOption(spec: Described & Span): Made<Duration, number | undefined, 'Ms'>;
export function durationOption(
  spec: Described & Span & { readonly or?: Duration },
): Made<Duration, number | undefined, 'Ms'> {
  const or = parseDuration(spec.or);
  const described = { text: spec.text, byDefault: spec.byDefault ?? defaultText(spec.or), or };
  const made = make<Duration, number | undefined>(described, durationSchema(spec), (value, name, problems) => {
    const long = spec.unbounded === true ? parseDuration(value) : undefined;
    const ms = long ?? checkDuration(value, name, or ?? 1, problems);
    if (ms > 0 || spec.zero === true) return ms;
    problems.add(
      or === undefined
        ? `${name} must be longer than 0; leave it out for no limit`
        : `${name} must be more than 0 ms; got ${describeValue(value)}`,
    );
    return or;
  });
  return Object.freeze({ ...made, suffix: 'Ms' });
}

/** The JSON schema of a {@link Duration} of any length. */
export const DURATION_SCHEMA = durationSchema({ unbounded: true });

function durationSchema({ unbounded }: Span): JsonSchema {
  const ms = { type: 'number', minimum: 0, ...(unbounded === true ? {} : { maximum: MAX_TIMER_MS }) };
  return { anyOf: [ms, { type: 'string', pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$' }] };
}

interface Wording {
  /** What it must be, for the text of a fault. Default `a text that is not empty`. */
  readonly mustBe?: string;
}

/** Text that is not empty. */
export function textOption(spec: WithDefault<string> & Wording): Made<string, string>;
export function textOption(spec: Described & Wording): Made<string, string | undefined>;
export function textOption(spec: Described & Wording & { readonly or?: string }): Made<string, string | undefined> {
  return make(spec, { type: 'string', minLength: 1 }, (value, name, problems) => {
    if (typeof value === 'string' && value !== '') return value;
    problems.add(`${name} must be ${spec.mustBe ?? 'a text that is not empty'}; got ${describeValue(value)}`);
    return spec.or;
  });
}

/**
 * A function. Only code can give it.
 * @param spec.takes what it is called with, for the text of a fault: `of the error`
 */
export function functionOption<Given extends (...args: never[]) => unknown>(
  spec: Described & { readonly takes?: string; readonly or: Given },
): Made<Given, Given>;
export function functionOption<Given extends (...args: never[]) => unknown>(
  spec: Described & { readonly takes?: string },
): Made<Given, Given | undefined>;
export function functionOption<Given extends (...args: never[]) => unknown>(
  spec: Described & { readonly takes?: string; readonly or?: Given },
): Made<Given, Given | undefined> {
  return make(spec, undefined, (value, name, problems) => {
    if (typeof value === 'function') return value as Given;
    const takes = spec.takes === undefined ? '' : ` ${spec.takes}`;
    problems.add(`${name} must be a function${takes}; got ${describeValue(value)}`);
    return spec.or;
  });
}

/** A list whose items are all of one kind. */
export function listOption<Item, ReadItem>(
  item: Option<Item, ReadItem, string>,
  spec: Described & { readonly atLeast?: number },
): Made<readonly Item[], readonly Exclude<ReadItem, undefined>[] | undefined> {
  const { atLeast = 0 } = spec;
  const schema = item.schema && { type: 'array', items: item.schema, ...(atLeast > 0 && { minItems: atLeast }) };
  return make(spec, schema, (value, name, problems) => {
    if (Array.isArray(value) && value.length >= atLeast) {
      return value.map((each, index) => item.read(each, `${name}[${index}]`, problems) as Exclude<ReadItem, undefined>);
    }
    problems.add(
      `${name} must be an array${atLeast > 0 ? ` of at least ${atLeast}` : ''}; got ${describeValue(value)}`,
    );
    return undefined;
  });
}

/** What {@link groupOption} takes besides its table. */
interface GroupSpec<Table extends OptionTable, Result> extends Described {
  /** Whether `true` stands for every default, and `false` for leaving it out. */
  readonly flag?: boolean;
  /** Makes something of the options, and notes what is wrong between them. Called only when each of them is right. */
  readonly make?: (read: ReadOptions<Table>, place: string, problems: Problems) => Result;
}

/**
 * Options of an option, such as `retry: { maxAttempts, … }`. Left out, it is `undefined`; with `always` its own defaults
 * hold then.
 */
export function groupOption<Given, const Table extends OptionTable, Result = ReadOptions<Table>>(
  table: Table,
  spec: GroupSpec<Table, Result> & { readonly always: true },
): Made<Given, Result>;
export function groupOption<Given, const Table extends OptionTable, Result = ReadOptions<Table>>(
  table: Table,
  spec: GroupSpec<Table, Result>,
): Made<Given, Result | undefined>;
export function groupOption<Given, const Table extends OptionTable, Result = ReadOptions<Table>>(
  table: Table,
  spec: GroupSpec<Table, Result> & { readonly always?: boolean },
): Made<Given, Result | undefined> {
  const own = objectSchema(table);
  const schema = spec.flag === true ? { anyOf: [{ type: 'boolean' }, own] } : own;
  const defaults = (): Result | undefined => (spec.always === true ? readGroup({}, '', new Problems()) : undefined);
  const readGroup = (value: unknown, name: string, problems: Problems): Result | undefined => {
    if (spec.flag === true && value === false) return undefined;
    const options = value === true && spec.flag === true ? {} : value;
    if (!isRecord(options)) {
      const flags = spec.flag === true ? 'true, false or ' : '';
      problems.add(`${name} must be ${flags}an object; got ${describeValue(value)}`);
      return defaults();
    }
    const faults = problems.list.length;
    checkKnown(options, Object.keys(table), name, problems);
    const read = readOptions(table, options, problems, `${name}.`);
    // That the option is there is true even so, and may contradict another one.
    if (problems.list.length > faults) return defaults() ?? (read as Result);
    return spec.make === undefined ? (read as Result) : spec.make(read, name, problems);
  };
  return Object.freeze({
    ...make<Given, Result | undefined>(spec, schema, readGroup),
    table,
    read: (value: unknown, name: string, problems: Problems) =>
      value === undefined ? defaults() : readGroup(value, name, problems),
  });
}

/** What is read elsewhere or by a function of its own, such as a class, a schema, or options of several forms. */
export function customOption<Given, Read = Given | undefined>(
  spec: Described & {
    readonly schema?: JsonSchema;
    /** Called also for `undefined`. Default: the value as it is given; it is looked at where it is used. */
    readonly read?: (value: unknown, name: string, problems: Problems) => Read;
  },
): Made<Given, Read> {
  const { schema, read = (value: unknown) => value as Read } = spec;
  return Object.freeze({ ...make<Given, Read>(spec, schema, read), read });
}

/** An option that may also be one value that stands for something of its own, such as `false` for ever. */
export function orValue<const Value extends boolean | string | number, Means, Given, Read, Suffix extends string>(
  value: Value,
  means: Means,
  option: Option<Given, Read, Suffix>,
): Made<Given | Value, Read | Means, Suffix> {
  const { accepts: _, ...described } = option;
  return Object.freeze({
    ...described,
    schema: option.schema && { anyOf: [{ const: value }, option.schema] },
    read: (given: unknown, name: string, problems: Problems) =>
      given === value ? means : option.read(given, name, problems),
  });
}

/** An option that must be given. */
export function requiredOption<Given, Read, Suffix extends string>(
  option: Option<Given, Read, Suffix>,
): Made<Given, Exclude<Read, undefined>, Suffix> {
  return Object.freeze({
    ...option,
    byDefault: 'required',
    read: (value: unknown, name: string, problems: Problems) => {
      if (value === undefined) problems.add(`${name} is missing`);
      return option.read(value, name, problems) as Exclude<Read, undefined>;
    },
  });
}

/** The JSON schema of an object that has the options of a table and no others. */
export function objectSchema(table: OptionTable): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const [name, { schema, text, byDefault }] of Object.entries(table)) {
    if (schema === undefined) continue;
    const description = `${text}. Default: ${byDefault}`.replace(MARKDOWN_LINK, '$1');
    properties[name] = { description, ...schema };
  }
  const needed = Object.keys(properties).filter((name) => table[name]?.byDefault === 'required');
  return {
    type: 'object',
    properties,
    ...(needed.length > 0 && { required: needed }),
    additionalProperties: false,
  };
}

/** A page of the documentation leads elsewhere; a schema has no elsewhere. */
const MARKDOWN_LINK = /\[([^\]]+)\]\([^)]*\)/g;

type Check<Read> = (value: unknown, name: string, problems: Problems) => Read;

function make<Given, Read>(
  spec: Described & { readonly or?: unknown },
  schema: JsonSchema | undefined,
  check: Check<Read>,
): Made<Given, Read> {
  return Object.freeze({
    text: spec.text,
    byDefault: spec.byDefault ?? defaultText(spec.or),
    schema,
    table: undefined,
    suffix: '',
    read: (value: unknown, name: string, problems: Problems) =>
      value === undefined ? (spec.or as Read) : check(value, name, problems),
  });
}

function defaultText(or: unknown): string {
  // Not by toLocaleString: the first call of it takes 10 ms, when the program starts.
  if (typeof or === 'number') return String(or).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  const span = typeof or === 'string' ? /^([\d.]+)(ms|s|m|h|d)$/.exec(or) : null;
  if (span !== null) return `${span[1]} ${{ m: 'min', d: 'days' }[span[2] as string] ?? span[2]}`;
  return or === undefined ? 'none' : `\`${String(or)}\``;
}

function limits({ from, to }: Range): JsonSchema {
  return { minimum: from, ...(to !== undefined && { maximum: to }) };
}
