import { type Logger, logSafely } from '../events/logger.js';
import type { Clock } from '../time/clock.js';
import type { Transport } from '../transport/transport.js';
import { growsWhileWaiting, onlyWaits } from './decide-load-hint.js';
import type { ListenerDefinition } from './listener-definition.js';
import { ListenerLoad, type LoadSnapshot } from './listener-load.js';

/** What a watch works with. */
export interface LoadWatchSetup {
  readonly definition: ListenerDefinition;
  readonly transport: Pick<Transport, 'countMessages'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: as this runtime counts it. */
  readonly idleMs?: () => number | undefined;
}

const COUNT_LIMIT_MS = 5000;

/**
 * How busy a listener is. Once, it says so when its queue grows although its handlers only wait: whoever knows drivers expects
 * what is fetched in advance to be handled at once, and it is handled one after the other.
 */
export class LoadWatch {
  readonly load: ListenerLoad;
  readonly #setup: LoadWatchSetup;
  /** Lengths of the queue after windows in which handlers only waited, without one between them in which they did not. */
  #lengths: readonly number[] = [];
  #hasHinted = false;
  #isCounting = false;

  constructor(setup: LoadWatchSetup) {
    this.#setup = setup;
    const { definition, clock, idleMs } = setup;
    this.load = new ListenerLoad(definition.concurrency, clock.monotonic(), (load) => void this.#look(load), idleMs);
  }

  snapshot(): LoadSnapshot {
    return this.load.snapshot(this.#setup.clock.monotonic());
  }

  /** Never rejects. */
  async #look(load: LoadSnapshot): Promise<void> {
    const { definition, transport } = this.#setup;
    // Where the order is kept, or the consumer is alone, more of them are no way out.
    if (this.#hasHinted || this.#isCounting || definition.ordered || definition.exclusive) return;
    if (!onlyWaits(load)) {
      this.#lengths = [];
      return;
    }
    this.#isCounting = true;
    try {
      const messages = await transport.countMessages?.(definition.queue, COUNT_LIMIT_MS);
      if (typeof messages === 'number') this.#counted(messages, load);
    } catch {
      // Nobody can tell: the next window asks again.
    } finally {
      this.#isCounting = false;
    }
  }

  #counted(messages: number, { busy, waiting }: LoadSnapshot): void {
    this.#lengths = [...this.#lengths.slice(-2), messages];
    if (!growsWhileWaiting(this.#lengths)) return;
    this.#hasHinted = true;
    const { id, queue, concurrency } = this.#setup.definition;
    const fields = { listener: id, queue, concurrency, messages, busy: percent(busy), waiting: percent(waiting ?? 0) };
    const text =
      'the queue grows while its handlers wait for something else than this process: each consumer handles one message at a time, so a higher concurrency would help';
    logSafely(this.#setup.logger, 'info', fields, text);
  }
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`;
}
