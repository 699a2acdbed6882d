import type { Book } from './book.js';
import { type FaultWindow, lastBegun } from './timing.js';
import type { AgainFigures } from './verdict.js';

/** One effect beyond the first of its message. */
export interface AgainEffect {
  readonly n: number;
  /** Wall ms at which it was committed. */
  readonly committedAt: number;
  /** The process that wrote it is the one that wrote the first. */
  readonly inPlace: boolean;
}

/** What is counted of effects before any fault. */
const NO_FAULT = 'no fault';

/** Adds up, by the kind of fault that began last before them, what was handled again, and how it came to that. */
export function countAgain(
  effects: readonly AgainEffect[],
  book: Book,
  faults: readonly FaultWindow[],
): Record<string, AgainFigures> {
  const figures: Record<string, { -readonly [name in keyof AgainFigures]: number }> = {};
  const inOrder = [...faults].sort((left, right) => left.wallAt - right.wallAt);
  for (const { n, committedAt, inPlace } of effects) {
    const fault = lastBegun(inOrder, committedAt);
    const kind = fault?.kind ?? NO_FAULT;
    figures[kind] ??= { effects: 0, publishedAgain: 0, atWork: 0, inPlace: 0 };
    const of = figures[kind];
    of.effects++;
    if ((book.publishes[n] ?? 0) > 1) of.publishedAgain++;
    else if ((book.committedAt[n] ?? 0) > (fault?.wallAt ?? 0)) of.atWork++;
    if (inPlace) of.inPlace++;
  }
  return figures;
}
