import type { Clock } from '@leveret/core';
import type { ConsoleParts } from '../api/console-parts.js';
import { countOutbox } from '../application/show-outbox.js';
import { showSchedules } from '../application/show-schedules.js';
import { faultOf } from '../http/console-fault.js';
import type { ConsoleEvent, EventStreams } from '../http/event-streams.js';
import { every } from '../time/every.js';

const EVERY_MS = 2000;
/** A count reads an index entry of every row of the outbox. */
const OUTBOX_EVERY_MS = 30_000;

/** Tells the pages that are open what has changed. Asks nobody while there are none. */
export class Live {
  readonly #parts: Pick<ConsoleParts, 'list' | 'app' | 'listeners' | 'outbox'>;
  readonly #streams: EventStreams;
  readonly #clock: Clock;
  readonly #last = new Map<ConsoleEvent['name'], string>();
  readonly #stop: () => void;
  #outboxAt = Number.NEGATIVE_INFINITY;

  constructor(parts: Pick<ConsoleParts, 'list' | 'app' | 'listeners' | 'outbox'>, streams: EventStreams, clock: Clock) {
    this.#parts = parts;
    this.#streams = streams;
    this.#clock = clock;
    this.#stop = every(clock, EVERY_MS, async () => {
      if (streams.clients > 0) await this.#tell();
    });
  }

  /** What a page begins with. */
  async first(): Promise<readonly ConsoleEvent[]> {
    return this.#ask(true);
  }

  close(): void {
    this.#stop();
  }

  async #tell(): Promise<void> {
    for (const event of await this.#ask(false)) {
      const text = JSON.stringify(event.data);
      if (this.#last.get(event.name) === text) continue;
      this.#last.set(event.name, text);
      this.#streams.send(event);
    }
  }

  async #ask(isFirst: boolean): Promise<readonly ConsoleEvent[]> {
    const { list, app, listeners } = this.#parts;
    const events: ConsoleEvent[] = [];
    if (listeners !== undefined) events.push({ name: 'listeners', data: listeners.all() });
    if (app !== undefined) events.push({ name: 'schedules', data: showSchedules(app) });
    try {
      events.push({ name: 'queues', data: await list.counts() });
      events.push(...(await this.#outbox(isFirst)));
      events.push({ name: 'fault', data: null });
    } catch (error) {
      events.push({ name: 'fault', data: faultOf(error).fault.error });
    }
    return events;
  }

  async #outbox(isFirst: boolean): Promise<readonly ConsoleEvent[]> {
    const { outbox } = this.#parts;
    const now = this.#clock.monotonic();
    if (outbox === undefined || (!isFirst && now - this.#outboxAt < OUTBOX_EVERY_MS)) return [];
    this.#outboxAt = now;
    return [{ name: 'outbox', data: await countOutbox(outbox) }];
  }
}
