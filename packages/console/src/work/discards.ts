import type { Clock } from '@leveret/core';
import type { UndoableDiscard } from '@leveret/operations';
import type { DiscardJson } from '../contract/contract.js';

interface Kept {
  readonly json: DiscardJson;
  /** By the monotonic hand. */
  readonly until: number;
}

/** What was thrown away, and can still be had back. */
export class Discards {
  readonly #clock: Clock;
  #kept: Kept[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The newest first. */
  get all(): readonly DiscardJson[] {
    const now = this.#clock.monotonic();
    this.#kept = this.#kept.filter(({ until }) => until > now);
    return this.#kept.map(({ json }) => json);
  }

  /**
   * With those that others made, or this console before it was started anew.
   * @param found what the broker holds, the newest last
   * @param shown the queues that the console shows
   */
  withFound(found: readonly UndoableDiscard[], shown: readonly string[]): readonly DiscardJson[] {
    const own = this.all;
    const known = new Set(own.map(({ undo }) => undo));
    const others = found
      .filter(({ undo, queues }) => !known.has(undo) && queues.every((queue) => shown.includes(queue)))
      .map(({ messages, ...each }) => ({ discarded: messages, ...each }));
    return [...own, ...others].sort((a, b) => b.undoUntil - a.undoUntil);
  }

  keep(json: Omit<DiscardJson, 'undoUntil'>, forMs: number): DiscardJson {
    const keptAt = this.#clock.now();
    const kept = { ...json, undoUntil: keptAt + forMs };
    this.#kept = [{ json: kept, until: this.#clock.monotonic() + forMs }, ...this.#kept];
    return kept;
  }

  undone(undo: string): void {
    this.#kept = this.#kept.filter(({ json }) => json.undo !== undo);
  }
}
