import { describeValue, type Problems } from '@leveret/core';

/** A class, also an abstract one. */
export type Named = abstract new (...given: never) => unknown;

/**
 * Why the name of a class is not, or may not be, the one in its source: there is none; a minifier made it; a bundler gave it
 * to the second class of one name.
 */
export type NameDoubt = 'missing' | 'minified' | 'renamed';

/** What compilers call a class that has no name of its own: also esbuild's `orders_default`, of an `export default class {}`. */
const NO_NAME = /^(?:|default|default_\d+|_?class(?:_?\d+)?|anonymous|\w*_default\d*)$/;
/** They call it so, too, and minifiers call others so. */
const LETTER = /^_[a-z]$/;

/**
 * `Created2` (esbuild, Bun), `_Created` (esbuild), `Created$1` (Rollup), `Created_1` (tsc), `events_Created` (webpack). What a
 * version ends in is meant: `CreatedV2`.
 */
const RENAMED = /^_|\$|^[a-z]\w*_[A-Z]|(?<![Vv])\d$/;

/** Minifiers need no more letters for 200,000 names. */
const SHORT = 3;

/** Leveret is often minified with the application: then this class is, too. */
class Untouched {}
const BUILD_SHORTENS = Untouched.name !== 'Untouched';

/** Whether a class may bear another name in the next build. `undefined` when its name can be relied on. */
export function doubtOfName(each: Named): NameDoubt | undefined {
  const name: unknown = each.name;
  if (typeof name !== 'string' || NO_NAME.test(name)) return 'missing';
  const shortening = name.length <= SHORT ? shorteningOf(each, name) : undefined;
  if (shortening === 'certain') return 'minified';
  if (LETTER.test(name)) return 'missing';
  if (shortening === 'likely') return 'minified';
  return RENAMED.test(name) ? 'renamed' : undefined;
}

/** `class t2{`, whose name nobody gave back: `keepNames` of esbuild sets it from outside, or in a static block. */
function shorteningOf(each: Named, name: string): 'certain' | 'likely' | undefined {
  const source = Function.prototype.toString.call(each);
  const [, written = name, space] = /^class(?:\s+([\w$]+))?[^{]*?(\s?)\{/.exec(source) ?? [];
  if (written !== name || source.includes(JSON.stringify(name))) return undefined;
  if (BUILD_SHORTENS || space === '') return 'certain';
  return /^[^A-Z]/.test(name) ? 'likely' : undefined;
}

/** The name that a class probably has in its source, for a line to be copied. */
export function sourceNameOf(each: Named): string {
  const doubt = doubtOfName(each);
  if (doubt === undefined) return each.name;
  if (doubt !== 'renamed') return 'NameInSource';
  return each.name.replace(/^_+|^[a-z]\w*_(?=[A-Z])|[$_]?\d+$|\$.*$/g, '') || 'NameInSource';
}

const REASONS: Readonly<Record<NameDoubt, string>> = {
  missing: 'and the class has none',
  minified: 'which the build has shortened',
  renamed: 'which looks like one that a bundler made: each build may give the class another',
};

/**
 * Notes a fault when a class has no name that an id could be made of: ids stand in logs and metrics.
 * @param line what to write instead of relying on a name, such as `@Listener({ id: 'orders', ... })`
 */
export function checkName(each: Named, line: string, problems: Problems): void {
  if (doubtOfName(each) !== 'missing') return;
  problems.add(
    `the class has no name, so that its ids are those of any other class without one. Give the class a name, or an id: ${line}`,
  );
}

/**
 * The fault of a name that is kept outside of the process and made of a class whose name does not last.
 * @param what is named, such as `the id "t2.onPaid"`
 * @param kept what depends on it, as the end of a sentence
 * @param line what says it for good
 */
export function passingNameFault(each: Named, what: string, kept: string, line: string): string | undefined {
  const doubt = doubtOfName(each);
  if (doubt === undefined) return undefined;
  return `${what} is made of the name of its class (${describeValue(each.name)}), ${REASONS[doubt]}. ${kept} Say it, as it is called in the source: ${line}`;
}
