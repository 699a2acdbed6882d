import { checkOneOf, checkWholeNumber } from '../errors/check-option.js';
import type { Problems } from '../errors/configuration-error.js';
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

export const READ_HINT_NAMES = Object.keys({
  maxBodyBytes: true,
  maxElements: true,
  longNumbers: true,
} satisfies Record<keyof ReadHints, true>) as readonly (keyof ReadHints)[];

/** The hints that are given, and no other; notes what is wrong with them. */
export function checkReadHints(given: ReadHints, problems: Problems): ReadHints {
  const { maxBodyBytes, maxElements, longNumbers } = given;
  const count = (value: unknown, name: string) =>
    checkWholeNumber(value, name, { from: 1, to: Number.MAX_SAFE_INTEGER, or: 1 }, problems);
  return {
    ...(maxBodyBytes === undefined ? {} : { maxBodyBytes: count(maxBodyBytes, 'maxBodyBytes') }),
    ...(maxElements === undefined ? {} : { maxElements: count(maxElements, 'maxElements') }),
    ...(longNumbers === undefined
      ? {}
      : { longNumbers: checkOneOf(longNumbers, 'longNumbers', LONG_NUMBERS, 'refuse', problems) }),
  };
}

const LONG_NUMBERS: readonly LongNumbers[] = ['refuse', 'bigint', 'text', 'round'];
