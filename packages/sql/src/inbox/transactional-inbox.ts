import {
  type ApplicationIdentity,
  backoffDelayMs,
  boundedKey,
  type ClaimLost,
  ConfigurationError,
  type Duration,
  describeValue,
  durationMs,
  type GuardedAttempt,
  type GuardedResult,
  type IdempotencyGuard,
  inContext,
  NEEDS_NO_SIGNAL,
  type PlainAttempt,
  pause,
  type StillRunning,
  type StoreConcern,
  serviceKey,
  systemClock,
} from '@leveret/core';
import { LentTransaction, lenderOf } from '../database/lent-transaction.js';
import { type SqlDatabase, serviceOf } from '../database/sql-database.js';
import { sqlFault } from '../database/sql-fault.js';
import {
  ClosingFailed,
  isOwn,
  type Opened,
  SharedCommitFailed,
  transactionTogether,
  type Worked,
} from '../database/together.js';
import { checkServer } from '../schema/server-check.js';
import { failed, type Stage, toldBy, unproved } from './inbox-faults.js';
import {
  findRow,
  hasRowsBefore,
  INSERT_ONCE,
  type InboxRow,
  insertedBy,
  openingInsert,
  ROW_IS_GONE,
  stillText,
} from './insert-once.js';

/** How an inbox waits. */
export interface TransactionalInboxOptions {
  /** How long a duplicate waits for the transaction that handles the message now. Above 0; default 2 s. */
  readonly lockTimeout?: Duration;
  /**
   * How often the handler is called again, within the same attempt, when its transaction was rolled back by a deadlock or a
   * serialization failure, or met a server that writes no more. The pauses grow from 10 ms to half a second, at random.
   * From 0; default 10: some three seconds.
   */
  readonly conflictRetries?: number;
  /** Called behind each commit, such as to wake the relay of an outbox in this process. What it throws is ignored. */
  readonly onCommit?: () => void;
}

/** Waits before the handler is called again: what met before should not meet again. */
const CONFLICT_BACKOFF = { initialIntervalMs: 10, multiplier: 2, maxIntervalMs: 500, jitter: 0.5 };

/** A transaction that has the row has it until it ends. */
const NEVER_LOST: ClaimLost = { aborted: false, reason: undefined, addEventListener: () => {} };

/** Answers when an attempt ends that has its result, an error; nothing where that is its end. */
type UntilEnd = (error: unknown) => Promise<void> | undefined;

/** With leveret's own adapters the connection stays with its lender until nothing runs on it. */
const NEVER_RUNS_ON: UntilEnd = () => undefined;

interface Progress {
  stage: Stage;
  thrown?: { readonly error: unknown };
}

/**
 * Handles each message once for each listener: the row that remembers it is written in the handler's own transaction, so
 * that effect and memory are committed together or not at all.
 *
 * | what happens | the transaction | the result |
 * |---|---|---|
 * | first delivery | row, effect, commit | `handled` |
 * | handled before | row is there | `duplicate`, without calling the handler |
 * | another transaction has the message, for longer than `lockTimeout` | rolled back | `in-progress` |
 * | handler threw | rolled back | the error is thrown on |
 * | deadlock or serialization failure | rolled back | handler called again, up to `conflictRetries` times |
 * | the server writes no more, as after a failover | rolled back, its connection closed | the same |
 * | handler swallowed a failed statement, or rolled back itself | rolled back | LEV_INBOX_TRANSACTION |
 * | no answer to COMMIT | committed or not | LEV_INBOX_COMMIT: the redelivery finds the row, or not |
 *
 * A handler must not commit, and on MySQL send no statement that does (`ALTER TABLE`, `TRUNCATE`): when it fails afterwards,
 * its message counts as handled.
 *
 * The row is written first: a concurrent duplicate then waits instead of calling its handler as well. A message in progress
 * holds one connection, and so does each duplicate that waits.
 */
export class TransactionalInbox<Tx> implements IdempotencyGuard {
  /** Whose messages it remembers: the service of the database. */
  readonly service: string;
  readonly #database: SqlDatabase<Tx>;
  readonly #lockTimeoutMs: number;
  readonly #conflictRetries: number;
  readonly #onCommit: (() => void) | undefined;
  /** Whether a listener has rows of before services had names. */
  readonly #rowsBefore = new Map<string, boolean | Promise<boolean>>();

  /** @throws {ConfigurationError} when an option is out of range, or the database does not say which service uses it */
  constructor(database: SqlDatabase<Tx>, options: TransactionalInboxOptions = {}) {
    this.service = serviceOf(database);
    const { lockTimeout = '2s', conflictRetries = 10, onCommit } = options;
    this.#database = database;
    this.#lockTimeoutMs = durationMs(lockTimeout, 'lockTimeout');
    if (this.#lockTimeoutMs <= 0) {
      throw new ConfigurationError([`lockTimeout must be more than 0 ms; got ${describeValue(lockTimeout)}`]);
    }
    if (!Number.isSafeInteger(conflictRetries) || conflictRetries < 0) {
      throw new ConfigurationError([
        `conflictRetries must be a whole number from 0; got ${describeValue(conflictRetries)}`,
      ]);
    }
    this.#conflictRetries = conflictRetries;
    this.#onCommit = onCommit && inContext(onCommit);
  }

  /** Writes down who uses it, and asks the database whether what it commits is safe. */
  check(application: ApplicationIdentity): Promise<readonly StoreConcern[]> {
    return checkServer(this.#database, application);
  }

  async run(
    listenerId: string,
    key: string,
    attempt: GuardedAttempt,
    stillRunning: StillRunning = () => undefined,
  ): Promise<GuardedResult> {
    const row = await this.#row(listenerId, key);
    for (let conflicts = 0; ; conflicts++) {
      const result = await this.#once(row, attempt, stillRunning, conflicts);
      if (result.kind === 'again') {
        await pause(systemClock, backoffDelayMs(CONFLICT_BACKOFF, conflicts + 1));
        continue;
      }
      if (result.kind === 'handled') this.#tellCommit();
      return result;
    }
  }

  async #row(listenerId: string, key: string): Promise<InboxRow> {
    const before = boundedKey(listenerId);
    return {
      listener: serviceKey(this.service, listenerId),
      before: (await this.#hasRowsBefore(before)) ? before : undefined,
      messageId: boundedKey(key),
      lockTimeoutMs: this.#lockTimeoutMs,
    };
  }

  /** Instances of before services had names were stopped: of what they wrote, there will be no more. */
  #hasRowsBefore(before: string): Promise<boolean> | boolean {
    const known = this.#rowsBefore.get(before);
    if (known !== undefined) return known;
    const asked = hasRowsBefore(this.#database, this.#database.dialect, before).then(
      (found) => {
        this.#rowsBefore.set(before, found);
        return found;
      },
      // Asked again with the next message; with this one the insert looks itself.
      () => {
        this.#rowsBefore.delete(before);
        return true;
      },
    );
    this.#rowsBefore.set(before, asked);
    return asked;
  }

  /** Writes the row, unless it is there or was sent together with BEGIN, and calls the handler if it is the first. */
  async #within(
    tx: Tx,
    opened: Opened | undefined,
    row: InboxRow,
    progress: Progress,
    attempt: GuardedAttempt,
    untilEnd: UntilEnd,
  ): Promise<Worked<GuardedResult>> {
    const executor = this.#database.within(tx);
    const { dialect } = this.#database;
    const inserted =
      opened === undefined ? await INSERT_ONCE[dialect.name](executor, dialect, row) : insertedBy(dialect, opened);
    if (!inserted.written) {
      if (await findRow(executor, dialect, row)) return { value: { kind: 'duplicate' } };
      throw unproved(inserted.fault);
    }
    const check =
      opened === undefined ? () => findRow(executor, dialect, row) : stillText(dialect, row, inserted.transaction);
    return this.#handle(tx, check, progress, attempt, untilEnd);
  }

  /**
   * Calls the handler in the transaction, which has the row.
   * @param check whether the row is there still, asked by itself or together with COMMIT, where COMMIT does not fail by itself: a
   * transaction that was broken or ended meanwhile can still be "committed" without an error
   */
  async #handle(
    tx: Tx,
    check: string | undefined | (() => Promise<boolean>),
    progress: Progress,
    attempt: GuardedAttempt,
    untilEnd: UntilEnd,
  ): Promise<Worked<GuardedResult>> {
    // leveret's own adapters lend by themselves, and let go of the connection behind the result.
    const loan = lenderOf(tx) === undefined ? new LentTransaction(tx, { of: 'mapper' }) : undefined;
    try {
      progress.stage = 'handler';
      const call = attempt as PlainAttempt;
      const lent = loan?.lent ?? tx;
      const value = await (call[NEEDS_NO_SIGNAL] === true
        ? call(lent, NEVER_LOST)
        : attempt(lent, new AbortController().signal));
      progress.stage = 'check';
      if (typeof check === 'function' && !(await check())) throw new Error(ROW_IS_GONE);
      progress.stage = 'commit';
      return {
        value: { kind: 'handled', value, remembered: true },
        closing: typeof check === 'function' ? undefined : check,
      };
    } catch (error) {
      progress.thrown = { error };
      loan?.end();
      // A mapper gives its connection back when this rejects: not while a handler may still write on it.
      if (loan !== undefined) await untilEnd(error);
      throw error;
    } finally {
      loan?.end();
    }
  }

  /** What it throws is not a failure of the message, which is handled. */
  #tellCommit(): void {
    try {
      this.#onCommit?.();
    } catch {
      // Whoever wants to know catches it there.
    }
  }

  async #once(
    row: InboxRow,
    attempt: GuardedAttempt,
    stillRunning: StillRunning,
    conflicts: number,
    alone = false,
  ): Promise<GuardedResult | { readonly kind: 'again' }> {
    const database = this.#database;
    const { dialect } = database;
    const { messageId } = row;
    // What the mapper throws in the end may be the error of its rollback: the first one counts.
    const progress: Progress = { stage: 'begin' };
    try {
      const handling = (untilEnd: UntilEnd) =>
        transactionTogether<Tx, GuardedResult>(
          database,
          alone ? undefined : openingInsert(dialect, row),
          (tx, opened) => this.#within(tx, opened, row, progress, attempt, untilEnd),
        );
      return await (isOwn(database) ? handling(NEVER_RUNS_ON) : atResult(stillRunning, handling));
    } catch (caught) {
      // The row says whether it was committed after all.
      if (caught instanceof SharedCommitFailed && stillRunning() === undefined)
        return this.#once(row, attempt, stillRunning, conflicts, true);
      const { thrown } = progress;
      const stage = caught instanceof ClosingFailed ? 'check' : progress.stage;
      const error = thrown === undefined ? toldBy(caught) : thrown.error;
      const fault = sqlFault(error);
      const again = conflicts < this.#conflictRetries && stillRunning() === undefined;
      if ((fault === 'conflict' || fault === 'read-only') && again) return { kind: 'again' };
      if (fault === 'busy' && stage === 'begin') return { kind: 'in-progress', retryAfterMs: this.#lockTimeoutMs };
      throw stage === 'handler' ? error : failed(stage, messageId, error);
    }
  }
}

/**
 * Rejects at the result of an attempt, although the transaction that it ran in is open until the attempt's end.
 * @param work calls `untilEnd` with the error of a result that is not the end
 */
function atResult<T>(stillRunning: StillRunning, work: (untilEnd: UntilEnd) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const untilEnd = (error: unknown) => {
      const running = stillRunning();
      if (running !== undefined) reject(error);
      return running;
    };
    work(untilEnd).then(resolve, reject);
  });
}
