import { runTransaction, type TransactionSteps } from './run-transaction.js';
import { SharedCommitFailed } from './together.js';

/** What sharing a commit needs of a connection. */
export interface SharingConnection {
  /** Begins the transaction that is shared. */
  begin(): Promise<unknown>;
  /** Commits it. */
  commit(): Promise<unknown>;
  exec(text: string): unknown;
  /** Undoes what is open, if anything is. Never throws. */
  rollBackIfOpen(): void;
}

/** Whoever waits for the commit. */
interface Waiting {
  resolve(): void;
  reject(error: unknown): void;
}

/** A commit waits for others as long as this at most, and only behind work that was this quick: nobody waits for slow handlers. */
const LONGEST_MS = 5;
const QUICK_MS = 1;
/** So many share a commit at most. */
const MOST = 64;
/** Where the work of one begins that others have been before. */
const MARK = 'leveret_shared';

/**
 * Lets the work of several callers, one behind the other on one connection, share a commit: on SQLite that is a wait for the
 * disk. Each is undone by itself when it fails, back to a savepoint, and has its result only when all are committed. When
 * something ends the transaction before, or its commit fails, those that waited hear of it by {@link SharedCommitFailed}.
 * @see docs/decisions/0044-messages-on-sqlite-share-a-commit.md
 */
export class SharedCommit<Connection> {
  readonly #connection: Connection;
  readonly #on: SharingConnection;
  #waiting: Waiting[] = [];
  #open = false;
  #openedAt = 0;

  constructor(connection: Connection, on: SharingConnection) {
    this.#connection = connection;
    this.#on = on;
  }

  /**
   * For whoever has the connection to itself.
   * @param nextJoins whether the next one who gets it does the same
   * @returns when the work is done: `committed` says what becomes of it
   */
  async run<T>(
    work: (lent: Connection) => Promise<T>,
    nextJoins: () => boolean,
  ): Promise<{ readonly value: T; readonly committed: Promise<void> }> {
    const beganAt = performance.now();
    try {
      const value = await runTransaction(this.#connection, work, this.#steps(), { of: 'synchronous' });
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

  #steps(): TransactionSteps {
    const on = this.#on;
    const release = (destroy: boolean) => {
      if (destroy) this.#breakOff(new SharedCommitFailed(new Error('another of those that shared it has ended it')));
    };
    if (!this.#open) {
      const begin = async () => {
        await on.begin();
        this.#open = true;
        this.#openedAt = performance.now();
      };
      const rollback = async () => {
        on.exec('ROLLBACK');
        this.#open = false;
      };
      return { begin, commit: async () => {}, rollback, release };
    }
    return {
      begin: async () => on.exec(`SAVEPOINT ${MARK}`),
      commit: async () => on.exec(`RELEASE ${MARK}`),
      rollback: async () => {
        on.exec(`ROLLBACK TO ${MARK}`);
        on.exec(`RELEASE ${MARK}`);
      },
      release,
    };
  }

  async #close(): Promise<void> {
    try {
      await this.#on.commit();
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
