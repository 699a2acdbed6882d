/**
 * Whose turn it is to run a message that may end the process. One at a time in the whole process: two at once, and both
 * would be blamed for what one of them did.
 */
export class SuspectTurns {
  #owner: object | undefined;
  #waiters: (() => void)[] = [];

  /** Answers whether it is the owner's turn now. */
  take(owner: object): boolean {
    this.#owner ??= owner;
    return this.#owner === owner;
  }

  leave(owner: object): void {
    if (this.#owner !== owner) return;
    this.#owner = undefined;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** Resolves when a turn ends. */
  left(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }
}

/** Of this process. */
export const PROCESS_TURNS = new SuspectTurns();
