import type { Clock } from '@leveret/core';
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
