/** What the isolation must know of a lane. */
export interface IsolatedLane {
  /** Messages in flight, that an end of the connection could be blamed on. */
  readonly unsure: number;
  /** Whether it still has messages that may have ended the connection. */
  readonly hasConnectionSuspects: boolean;
  /** Writes what may be written now. */
  pump(): void;
}

/**
 * Sees to it that a message that may have ended the connection is published while nothing else is in flight on it, on
 * whatever channel: else the innocent would be blamed, or hit again. One lane at a time; the others wait as long.
 */
export class Isolation {
  readonly #lanes = new Set<IsolatedLane>();
  #owner: IsolatedLane | undefined;

  join(lane: IsolatedLane): void {
    this.#lanes.add(lane);
  }

  leave(lane: IsolatedLane): void {
    this.#lanes.delete(lane);
    this.#release(lane);
  }

  /** Whether a lane may write now; `suspect`: a message that may have ended the connection. */
  allows(lane: IsolatedLane, suspect: boolean): boolean {
    if (!suspect) return this.#owner === undefined || this.#owner === lane;
    this.#owner ??= lane;
    if (this.#owner !== lane) return false;
    for (const other of this.#lanes) if (other !== lane && other.unsure > 0) return false;
    return true;
  }

  /** Whether another lane is publishing suspects by themselves. */
  isHeldBesides(lane: IsolatedLane): boolean {
    return this.#owner !== undefined && this.#owner !== lane;
  }

  /** A lane has written what it may: others may go on. */
  pumped(lane: IsolatedLane): void {
    const owner = this.#owner;
    if (owner === undefined) return;
    if (owner !== lane) {
      if (lane.unsure === 0) owner.pump();
    } else if (!lane.hasConnectionSuspects) {
      this.#release(lane);
    }
  }

  #release(lane: IsolatedLane): void {
    if (this.#owner !== lane) return;
    this.#owner = undefined;
    for (const other of this.#lanes) if (other !== lane) other.pump();
  }
}
