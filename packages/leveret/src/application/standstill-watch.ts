import { type Clock, type EventSink, type Logger, logSafely, type Unanswered } from '@leveret/core';

/** What stands still, and that it does so no longer. Between the two, it is in `health().standstills`. */
export interface StandstillEvent {
  readonly type: 'standstill-began' | 'standstill-ended';
  readonly standstill: Unanswered;
}

/** What a watch works with. */
export interface StandstillWatchSetup {
  /** What has had no answer for so long. */
  readonly unanswered: (olderThanMs: number) => readonly Unanswered[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink<StandstillEvent>;
}

/**
 * A healthy queue answers within milliseconds, and electing a leader takes a cluster a second or two: what takes longer than
 * this is news, and what is shorter would only be noise while nodes are restarted one by one.
 */
const STANDSTILL_MS = 5_000;
const EVERY_MS = 1_000;

/** Lines name so many; the events and health name all. */
const MAX_NAMED = 10;

/** Looks every second for what the broker does not answer. Tells the log and the events when that begins, and when it ends. */
export class StandstillWatch {
  readonly #setup: StandstillWatchSetup;
  #current: ReadonlyMap<string, Unanswered> = new Map();
  #cancel: () => void = () => {};

  constructor(setup: StandstillWatchSetup) {
    this.#setup = setup;
  }

  /** What stands still, as of the last look. */
  get standstills(): readonly Unanswered[] {
    return [...this.#current.values()];
  }

  start(): void {
    this.#cancel = this.#setup.clock.after(EVERY_MS, () => {
      this.#look();
      this.start();
    });
  }

  /** Looks no more; what stood still is forgotten. */
  stop(): void {
    this.#cancel();
    this.#current = new Map();
  }

  #look(): void {
    const found = standstillsOf(this.#setup.unanswered(STANDSTILL_MS), STANDSTILL_MS);
    const before = this.#current;
    this.#current = found;
    this.#tell('standstill-began', without(found, before));
    this.#tell('standstill-ended', without(before, found));
  }

  #tell(type: StandstillEvent['type'], standstills: readonly Unanswered[]): void {
    if (standstills.length === 0) return;
    const fields = {
      standstills: standstills.slice(0, MAX_NAMED).map(titleOf),
      ...(standstills.length > MAX_NAMED ? { more: standstills.length - MAX_NAMED } : {}),
    };
    const [level, text] =
      type === 'standstill-began'
        ? (['warn', 'the broker does not answer'] as const)
        : (['info', 'what the broker did not answer stands still no longer'] as const);
    logSafely(this.#setup.logger, level, fields, text);
    for (const standstill of standstills) this.#setup.events.emit({ type, standstill });
  }
}

/** What has had no answer for so long, each once: several consumers of a queue, and both connections, may ask for the same. */
export function standstillsOf(unanswered: readonly Unanswered[], olderThanMs: number): ReadonlyMap<string, Unanswered> {
  const found = new Map<string, Unanswered>();
  for (const each of unanswered) {
    const title = titleOf(each);
    if (each.forMs >= Math.max(olderThanMs, found.get(title)?.forMs ?? 0)) found.set(title, each);
  }
  return found;
}

function without(all: ReadonlyMap<string, Unanswered>, known: ReadonlyMap<string, Unanswered>): readonly Unanswered[] {
  return [...all].filter(([title]) => !known.has(title)).map(([, each]) => each);
}

function titleOf(unanswered: Unanswered): string {
  switch (unanswered.kind) {
    case 'publish': {
      const { exchange, routingKey } = unanswered;
      if (exchange === '') return `publishing to queue ${JSON.stringify(routingKey)}`;
      return `publishing to exchange ${JSON.stringify(exchange)}, routing key ${JSON.stringify(routingKey)}`;
    }
    case 'consume':
      return `consuming from queue ${JSON.stringify(unanswered.queue)}`;
    case 'declare':
      return `declaring ${unanswered.name}`;
    default:
      return unanswered satisfies never;
  }
}
