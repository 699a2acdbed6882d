import type { Clock } from '../time/clock.js';
import { pause } from '../time/clock.js';

/** Remembers how far listeners have come in their streams, longer than a process lives. */
export interface StreamOffsetStore {
  /** The offset of the last message that a listener is done with; `undefined` when it has not begun. */
  load(listener: string, stream: string): Promise<number | undefined>;
  /** Remembers it. Must never move back. */
  save(listener: string, stream: string, offset: number): Promise<void>;
}

const FAILED_PAUSE_MS = 1000;

/** Saves the place of one listener behind its handler: one save at a time, and always the latest place. */
export class StreamOffsetWriter {
  readonly #save: (offset: number) => Promise<void>;
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  #wanted: number | undefined;
  #saved: number | undefined;
  #saving: Promise<void> | undefined;

  /** @param failed told of each save that failed; it is tried again */
  constructor(save: (offset: number) => Promise<void>, clock: Clock, failed: (error: unknown) => void) {
    this.#save = save;
    this.#clock = clock;
    this.#failed = failed;
  }

  want(offset: number): void {
    this.#wanted = offset;
    this.#saving ??= this.#run();
  }

  /** Resolves when the latest place is saved, or a save has failed. */
  async flush(): Promise<void> {
    await this.#saving;
  }

  async #run(): Promise<void> {
    while (this.#wanted !== undefined && this.#wanted !== this.#saved) {
      const offset = this.#wanted;
      try {
        await this.#save(offset);
        this.#saved = offset;
      } catch (error) {
        this.#failed(error);
        // The next place is as good: nothing is lost but that messages come again.
        void pause(this.#clock, FAILED_PAUSE_MS).then(() => this.want(this.#wanted ?? offset));
        break;
      }
    }
    this.#saving = undefined;
  }
}
