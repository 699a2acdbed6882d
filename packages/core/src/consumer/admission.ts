import { backoffDelayMs } from '../time/backoff.js';
import { pause } from '../time/clock.js';
import type { Delivery } from '../transport/transport.js';
import type { CrashGuard, SuspectRunner } from './crash-guard.js';
import type { CrashRecords, RecordedStart } from './crash-records.js';
import { STORE_DOWN } from './decide-hold.js';
import type { DeliveryEnvironment } from './delivery-environment.js';

/** How a delivery may be started: with a record of that, or not at all, because that ended the process so often. */
export interface Admission {
  readonly start?: RecordedStart;
  readonly crashes?: number;
}

/** Of what nothing is suspected. */
export const FREE: Admission = Object.freeze({});

/** Asks of a consumer whether what may end the process is to be started now. */
export class Admissions {
  readonly #consumer: SuspectRunner;
  readonly #crashes: CrashGuard;
  readonly #env: Pick<DeliveryEnvironment, 'clock' | 'reporter'>;
  readonly #nudgedOr: (ended: Promise<unknown>) => Promise<void>;
  /** Questions to the store that failed in a row. */
  #failures = 0;

  /** @param nudgedOr waits, until something has happened to what waits there */
  constructor(
    consumer: SuspectRunner,
    crashes: CrashGuard,
    env: Pick<DeliveryEnvironment, 'clock' | 'reporter'>,
    nudgedOr: (ended: Promise<unknown>) => Promise<void>,
  ) {
    this.#consumer = consumer;
    this.#crashes = crashes;
    this.#env = env;
    this.#nudgedOr = nudgedOr;
  }

  /**
   * Whether what comes again may be started, and writes down that it is. Answers `undefined` when it has to be asked again: it is
   * not alone yet, nobody can tell, or something has happened to it meanwhile.
   * @param isNext it is still the one whose turn it is
   */
  async ask(delivery: Delivery, isNext: () => boolean): Promise<Admission | undefined> {
    const { records } = this.#crashes;
    if (records === undefined) {
      const isHarmless = !this.#crashes.isCounted(delivery.message);
      return isHarmless || (await this.#isAlone()) ? FREE : undefined;
    }
    // One that is alone is to stay alone.
    if (this.#crashes.blocks(this.#consumer) && !(await this.#isAlone())) return undefined;
    const suspicion = await records.begin(delivery.message);
    switch (suspicion.kind) {
      case 'unknown':
        await this.#waitForStore(delivery, suspicion.error);
        return undefined;
      case 'crash-loop':
        this.#failures = 0;
        return isNext() ? { crashes: suspicion.starts + 1 } : undefined;
      case 'started':
        this.#failures = 0;
        return this.#started(records, suspicion.start, isNext);
    }
  }

  /** The first time it may run beside others: they may have nothing to do with it. */
  async #started(records: CrashRecords, start: RecordedStart, isNext: () => boolean): Promise<Admission | undefined> {
    if (isNext() && (start.starts === 1 || this.#crashes.whenAlone(this.#consumer) === undefined)) return { start };
    // Whatever ends the process while it waits, it is not this.
    await records.end(start);
    if (isNext()) await this.#isAlone();
    return undefined;
  }

  async #waitForStore(delivery: Delivery, error: unknown): Promise<void> {
    const { reporter, clock } = this.#env;
    reporter.report(delivery, { type: 'crash-loop-unknown', error });
    const over = new AbortController();
    await this.#nudgedOr(pause(clock, backoffDelayMs(STORE_DOWN, ++this.#failures), over.signal));
    over.abort();
  }

  /** Waits until it is alone, or something has changed; answers whether it is. */
  async #isAlone(): Promise<boolean> {
    const alone = this.#crashes.whenAlone(this.#consumer);
    if (alone !== undefined) await this.#nudgedOr(alone);
    return alone === undefined;
  }
}
