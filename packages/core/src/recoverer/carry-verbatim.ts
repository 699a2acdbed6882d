import type { Message, MessageHeaders, Publication, VerbatimHeader } from '../message/message.js';

/** What a copy of a message takes along byte for byte, because nothing else says exactly what came. */
export interface Carried {
  readonly verbatim: NonNullable<Publication['verbatim']>;
  /** `verbatim` stands for all headers of the message: none of them is to be written from its value. */
  readonly allHeaders: boolean;
  /** Bytes that this takes in the header table of the copy. */
  readonly bytes: number;
  /** For the copy's own headers: the bytes that could not be followed, and how many headers had no room. */
  readonly headers: MessageHeaders;
}

const SECTION_HEADER = 'x-leveret-original-properties';
const LEFT_OUT_HEADER = 'x-leveret-headers-left-out';

/**
 * Decides what a copy takes along of the bytes that a message came with, or `undefined` when its values say all. What a
 * copy may not have is `without`; what has no room in `budgetBytes` is left out and counted, the largest first.
 */
export function carryVerbatim(
  { verbatim }: Message,
  without: (name: string) => boolean,
  budgetBytes: number,
): Carried | undefined {
  if (verbatim === undefined) return undefined;
  const { expiration: _expiration, userId: _userId, ...properties } = verbatim.properties;
  if (verbatim.section !== undefined) {
    const { section } = verbatim;
    const fits = section.length <= budgetBytes;
    const headers = fits ? { [SECTION_HEADER]: section } : { [LEFT_OUT_HEADER]: 1 };
    return { verbatim: { properties, headers: [] }, allHeaders: false, bytes: 0, headers };
  }
  const wanted = verbatim.headers.filter(({ name }) => !without(name));
  const kept = withinBudget(wanted, budgetBytes);
  const leftOut = wanted.length - kept.length;
  return {
    verbatim: { properties, headers: kept },
    allHeaders: verbatim.headers.length > 0,
    bytes: sizeOf(kept),
    headers: leftOut === 0 ? {} : { [LEFT_OUT_HEADER]: leftOut },
  };
}

function withinBudget(headers: readonly VerbatimHeader[], budgetBytes: number): readonly VerbatimHeader[] {
  let over = sizeOf(headers) - budgetBytes;
  if (over <= 0) return headers;
  const leftOut = new Set<VerbatimHeader>();
  for (const header of [...headers].sort((a, b) => b.entry.length - a.entry.length)) {
    if (over <= 0) break;
    leftOut.add(header);
    over -= header.entry.length;
  }
  return headers.filter((header) => !leftOut.has(header));
}

function sizeOf(headers: readonly VerbatimHeader[]): number {
  return headers.reduce((bytes, { entry }) => bytes + entry.length, 0);
}
