import { runTransaction, type TransactionSteps } from './run-transaction.js';
import { ClosingFailed, type Opened, type Opening, SharedCommitFailed } from './together.js';

/** What sharing a commit needs of a connection. */
export interface SharingConnection {
  /** Begins a transaction that has the lock for writing. */
  begin(): unknown;
  /** The same for one that is not shared: it begins with a savepoint, and with a statement that writes. */
  beginWith(savepoint: string, opening: Opening): Opened | Promise<Opened>;
  /** What a statement gave. */
  query(opening: Opening): Opened;
  /** Ends a transaction by `COMMIT`, or by another statement that does. */
  commit(text: string): unknown;
  exec(text: string): unknown;
  /** Undoes what is open, if anything is. Never throws. */
  rollBackIfOpen(): void;
}

/** Whoever waits for the commit. */
interface Waiting {
  resolve(): void;
  reject(error: unknown): void;
}

/** What was done, and what becomes of it; nothing more when it is committed. */
export interface Done<T> {
  readonly value: T;
  readonly committed: Promise<void> | undefined;
}

/** A commit waits for others as long as this at most, and only behind work that was this quick: nobody waits for slow handlers. */
const LONGEST_MS = 5;
const QUICK_MS = 1;
/** So many share a commit at most. */
const MOST = 64;
/** Where the work of one begins, among that of others. */
const MARK = 'leveret_shared';
/** Where the work of one begins that shares nothing. */
const ALONE = 'leveret';

/**
 * Lets the work of several callers, one behind the other on one connection, share a commit: on SQLite that is a wait for the
 * disk. Each is undone by itself when it fails, back to a savepoint, and has its result only when all are committed. When
 * something ends the transaction before, or its commit fails, those that waited hear of it by {@link SharedCommitFailed}.
 *
 * The savepoint tells also whether the transaction is still the same when the work is done: whoever has ended it cannot
 * release it ({@link ClosingFailed}).
 * @see docs/decisions/0044-messages-on-sqlite-share-a-commit.md
 */
export class SharedCommit<Connection> {
  readonly #connection: Connection;
  readonly #on: SharingConnection;
  readonly #joining: TransactionSteps;
  readonly #alone: TransactionSteps;
  #waiting: Waiting[] = [];
  #open = false;
  #openedAt = 0;
  /** Of the one who has the connection now. */
  #opening: Opening = { text: '' };
  #opened: Opened | undefined;

  constructor(connection: Connection, on: SharingConnection) {
    this.#connection = connection;
    this.#on = on;
    this.#joining = {
      begin: () => this.#join(),
      commit: () => release(() => on.exec(`RELEASE ${MARK}`)),
      rollback: () => on.exec(`ROLLBACK TO ${MARK}; RELEASE ${MARK}`),
      release: (destroy) => {
        if (destroy) this.#breakOff(new SharedCommitFailed(new Error('another of those that shared it has ended it')));
      },
    };
    this.#alone = {
      begin: () => this.#begin(),
      commit: () => release(() => on.commit(this.#opening.text === '' ? 'COMMIT' : `RELEASE ${ALONE}`)),
      rollback: () => on.exec('ROLLBACK'),
      release: (destroy) => {
        if (destroy) on.rollBackIfOpen();
      },
    };
  }

  /**
   * For whoever has the connection to itself.
   * @param opening the first statement; without a text none
   * @param nextJoins whether the next one who gets it does the same
   * @returns when the work is done: `committed` says what becomes of it
   */
  async run<T>(
    opening: Opening,
    work: (lent: Connection, opened: Opened | undefined) => Promise<T>,
    nextJoins: () => boolean,
  ): Promise<Done<T>> {
    // Whoever comes at the same time is behind it then.
    await null;
    this.#opening = opening;
    this.#opened = undefined;
    const working = (lent: Connection) => work(lent, this.#opened);
    if (!this.#open && !nextJoins()) {
      const value = await runTransaction(this.#connection, working, this.#alone, { of: 'synchronous' });
      return { value, committed: undefined };
    }
    const beganAt = performance.now();
    try {
      const value = await runTransaction(this.#connection, working, this.#joining, { of: 'synchronous' });
      const committed = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
      return { value, committed };
    } finally {
      if (this.#open) {
        const now = performance.now();
        const goesOn = now - beganAt < QUICK_MS && now - this.#openedAt < LONGEST_MS && this.#waiting.length < MOST;
        if (!goesOn || !nextJoins()) await this.#close();
      }
    }
  }

  async #begin(): Promise<void> {
    if (this.#opening.text === '') await this.#on.begin();
    else this.#opened = await this.#on.beginWith(ALONE, this.#opening);
  }

  async #join(): Promise<void> {
    if (!this.#open) {
      await this.#on.begin();
      this.#open = true;
      this.#openedAt = performance.now();
    }
    this.#on.exec(`SAVEPOINT ${MARK}`);
    if (this.#opening.text !== '') this.#opened = this.#on.query(this.#opening);
  }

  async #close(): Promise<void> {
    try {
      await this.#on.commit('COMMIT');
      this.#open = false;
      for (const { resolve } of this.#waiting.splice(0)) resolve();
    } catch (error) {
      this.#breakOff(this.#waiting.length > 1 ? new SharedCommitFailed(error) : error);
    }
  }

  /** Nobody's work is there, or nobody knows. */
  #breakOff(error: unknown): void {
    this.#on.rollBackIfOpen();
    this.#open = false;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** A savepoint that is not there any more: the transaction was ended that it was in. */
async function release(act: () => unknown): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw /no such savepoint/i.test(String(error)) ? new ClosingFailed(error) : error;
  }
}
