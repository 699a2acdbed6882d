import { type Clock, within } from '../time/clock.js';
import { consumesStream } from './check-stream.js';
import type { ListenerDefinition } from './listener-definition.js';
import { StreamOffsetWriter } from './stream-offset-store.js';
import { StreamPosition } from './stream-position.js';

/** A store that does not answer must not hold up a shutdown: what is not saved comes again. */
const FLUSH_LIMIT_MS = 2000;

/** The place of a listener in its stream: in memory, and in its store when it has one. */
export class StreamPlace {
  readonly position: StreamPosition;
  readonly #definition: ListenerDefinition;
  readonly #clock: Clock;
  readonly #writer: StreamOffsetWriter | undefined;

  /** @param failed told of a place that could not be saved */
  private constructor(definition: ListenerDefinition, clock: Clock, failed: (error: unknown) => void) {
    const { id, queue, streamOffsets: store } = definition;
    this.#definition = definition;
    this.#clock = clock;
    this.#writer = store && new StreamOffsetWriter((offset) => store.save(id, queue, offset), clock, failed);
    this.position = new StreamPosition(clock, (offset) => this.#writer?.want(offset));
  }

  /** `undefined` for a listener of a queue. */
  static of(definition: ListenerDefinition, clock: Clock, failed: (error: unknown) => void): StreamPlace | undefined {
    return consumesStream(definition) ? new StreamPlace(definition, clock, failed) : undefined;
  }

  /**
   * Goes on where the store says, unless it is known here.
   * @throws {Error} what the store throws: where to begin is not known then
   */
  async restore(): Promise<void> {
    const { id, queue, streamOffsets: store } = this.#definition;
    if (store === undefined || this.position.isKnown) return;
    const offset = await store.load(id, queue);
    if (offset !== undefined) this.position.startBehind(offset);
  }

  /** Waits for what is to be saved. Never rejects. */
  async flush(): Promise<void> {
    if (this.#writer !== undefined) await within(this.#clock, FLUSH_LIMIT_MS, this.#writer.flush(), () => undefined);
  }
}
