import type { Problems } from '../errors/configuration-error.js';
import { type OptionsOf, readOptions } from '../options/option.js';
import { wholeNumberOption, wordOption } from '../options/option-kinds.js';
import type { LongNumbers } from './long-number.js';

/** What a listener, or a request, says about reading; it comes before what the converter was made with. */
export interface ReadHints {
  /**
   * Bodies larger than this many bytes are refused before they are decoded. From 1; default 1 MiB for a declared class or
   * array, 4 MiB for other JSON, 16 MiB (the broker's own limit since 4.0) for text and bytes.
   */
  readonly maxBodyBytes?: number;
  /**
   * JSON with more elements of arrays and members of objects than this, on all levels, is refused before it is parsed.
   * From 1; default 5,000 for a declared class or array, 50,000 for all else, and as many times more as `maxBodyBytes` is
   * raised.
   */
  readonly maxElements?: number;
  /** What becomes of JSON numbers with more digits than a JavaScript number holds, such as 64-bit ids. Default `refuse`. */
  readonly longNumbers?: LongNumbers;
}

/** What a converter is told about the reading of one body. */
export interface DecodeHints extends ReadHints {
  /** The value is checked afterwards although `target` is `Object`: as little is let in as for a declared class. */
  readonly isChecked?: boolean;
}

/** The table of {@link ReadHints}. */
export const READ_HINT_OPTIONS = {
  maxBodyBytes: wholeNumberOption({
    from: 1,
    byDefault: '1 MiB for a class, 4 MiB for other JSON, 16 MiB for text and bytes',
    text: 'larger bodies are refused before they are decoded',
  }),
  maxElements: wholeNumberOption({
    from: 1,
    byDefault: '5,000 for a class, else 50,000; more when `maxBodyBytes` is raised',
    text: 'JSON with more elements and members than this, on all levels, is refused before it is parsed',
  }),
  longNumbers: wordOption(['refuse', 'bigint', 'text', 'round'], {
    byDefault: '`refuse`',
    text: '[numbers that lose digits](#numbers-that-lose-digits): `refuse`, `bigint`, `text` or `round`',
  }),
} satisfies OptionsOf<ReadHints>;

/** The hints that are given, and no other; notes what is wrong with them. */
export function checkReadHints(given: ReadHints, problems: Problems): ReadHints {
  return givenHints(readOptions(READ_HINT_OPTIONS, given, problems));
}

/** The hints among options that were read already. */
export function givenHints(read: { readonly [Name in keyof ReadHints]-?: ReadHints[Name] | undefined }): ReadHints {
  const { maxBodyBytes, maxElements, longNumbers } = read;
  return {
    ...(maxBodyBytes !== undefined && { maxBodyBytes }),
    ...(maxElements !== undefined && { maxElements }),
    ...(longNumbers !== undefined && { longNumbers }),
  };
}
