import type { DeathReason, Message } from './message.js';

/** A message that fell victim to a limit or to its age, or was refused for good. */
export interface DeadMessage {
  readonly message: Message;
  readonly reason: DeathReason;
}

/** Those who died since the queue last looked, in the order in which they are dead-lettered. */
export class Deaths {
  readonly #dropsGoFirst: boolean;
  #dead: DeadMessage[] = [];

  /** @param dropsGoFirst what was dropped over a limit goes before the others, the last one first */
  constructor(dropsGoFirst: boolean) {
    this.#dropsGoFirst = dropsGoFirst;
  }

  add(message: Message, reason: DeathReason): void {
    this.#dead.push({ message, reason });
  }

  /** Takes all of them. */
  take(): readonly DeadMessage[] {
    const dead = this.#dead;
    if (dead.length === 0) return dead;
    this.#dead = [];
    if (!this.#dropsGoFirst) return dead;
    const dropped = dead.filter(({ reason }) => reason === 'maxlen');
    return [...dropped.reverse(), ...dead.filter(({ reason }) => reason !== 'maxlen')];
  }
}
