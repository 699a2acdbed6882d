import { type Clock, LeveretError, type Logger, logSafely, within } from '@leveret/core';
import type { AuditJson } from '../contract/contract.js';
import { ConsoleFault } from '../http/console-fault.js';
import type { AuditSink } from './audit-sinks.js';

const MOST_KEPT = 500;
const MOST_IDS = 100;
const WRITE_MS = 10_000;
/** Refusals of people who are not logged in: anybody can cause them, as many as they like. */
const MOST_STRANGERS = 60;
const STRANGERS_MS = 60_000;

/** What is noted of an act; when it was is added. */
export type AuditEntry = Omit<AuditJson, 'at'>;

/** What that needs. */
export interface AuditDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sink: AuditSink | undefined;
  readonly onEntry: (entry: AuditJson) => void;
}

/** Who did what: in the log, in the sink, and the last of it here. */
export class AuditLog {
  readonly #deps: AuditDependencies;
  #last: AuditJson[] = [];
  #strangers = { since: Number.NEGATIVE_INFINITY, count: 0 };

  constructor(deps: AuditDependencies) {
    this.#deps = deps;
  }

  /** The newest first. */
  get last(): readonly AuditJson[] {
    return this.#last;
  }

  /**
   * Notes an act that is about to begin.
   * @throws {ConsoleFault} 503 when the sink does not take it: no act without a trace
   */
  async begin(entry: AuditEntry): Promise<void> {
    const written = this.#note(entry);
    try {
      await this.#write(written);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const text = `Nothing was done, because the audit log could not be written: ${reason}`;
      throw new ConsoleFault(503, LeveretError.is(error) ? error.code : 'LEV_OPERATION_REFUSED', text);
    }
  }

  /** Notes what an act came to, or that it was refused. Never rejects. */
  async note(entry: AuditEntry): Promise<void> {
    if (entry.role === undefined && !this.#mayNoteStranger()) return;
    const written = this.#note(entry);
    await this.#write(written).catch((err: unknown) => {
      logSafely(this.#deps.logger, 'error', { err, audit: written }, 'an entry of the audit log was not written');
    });
  }

  async close(): Promise<void> {
    await this.#deps.sink?.close().catch(() => {});
  }

  #note({ ids, ...entry }: AuditEntry): AuditJson {
    const { clock, logger, onEntry } = this.#deps;
    const notedAt = clock.now();
    const noted: AuditJson = { at: notedAt, ids: ids.slice(0, MOST_IDS), ...entry };
    this.#last = [noted, ...this.#last.slice(0, MOST_KEPT - 1)];
    logSafely(logger, entry.ok ? 'info' : 'warn', { audit: noted }, `console: ${entry.what}`);
    onEntry(noted);
    return noted;
  }

  async #write(entry: AuditJson): Promise<void> {
    const { sink, clock } = this.#deps;
    if (sink === undefined) return;
    await within(clock, WRITE_MS, sink.write(entry), () => {
      throw new LeveretError('LEV_OPERATION_REFUSED', `it took longer than ${WRITE_MS} ms`);
    });
  }

  #mayNoteStranger(): boolean {
    const now = this.#deps.clock.monotonic();
    if (now - this.#strangers.since > STRANGERS_MS) this.#strangers = { since: now, count: 0 };
    this.#strangers.count++;
    if (this.#strangers.count === MOST_STRANGERS) {
      logSafely(
        this.#deps.logger,
        'warn',
        {},
        'console: further refusals of people who are not logged in are not noted for a minute',
      );
    }
    return this.#strangers.count < MOST_STRANGERS;
  }
}
