import type { Message } from '../message/message.js';
import type { Clock } from '../time/clock.js';
import { exactKey } from './message-identity.js';

/** Its messages come back as soon as the broker has noticed that the channel is gone. */
const REMEMBERED_MS = 600_000;
/** No more can be at work at once, or next to it. */
const MOST = 1000;

/**
 * The messages of a listener that were handled to the end when their channels were gone already, so that no ack was ever sent: the broker
 * has each of them, and delivers it again, as a rule to this process if it is the only one. It is acknowledged then, and not
 * handled again; once for each time that it was handled.
 *
 * No message is lost by that, whatever ids publishers make: of messages that are alike in everything, no more are acknowledged than
 * were handled, for each ack has a call of the handler of its own.
 * @see docs/decisions/0055-an-ack-that-could-not-be-sent-is-sent-later.md
 */
export class UnsentAcks {
  readonly #clock: Clock;
  /** Oldest first. */
  #owed: { readonly key: string; readonly until: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many messages are remembered, those included whose time is over. */
  get size(): number {
    return this.#owed.length;
  }

  /** The message was handled, and its ack can never be sent. */
  owe(message: Message): void {
    const key = exactKey(message);
    if (key === undefined) return;
    if (this.#owed.length === MOST) this.#owed.shift();
    this.#owed.push({ key, until: this.#clock.monotonic() + REMEMBERED_MS });
  }

  /** Whether an ack is owed to this delivery of a message; then it is owed once less. */
  take(message: Message): boolean {
    if (!message.redelivered || this.#owed.length === 0) return false;
    const now = this.#clock.monotonic();
    this.#owed = this.#owed.filter(({ until }) => until > now);
    const key = this.#owed.length === 0 ? undefined : exactKey(message);
    const index = key === undefined ? -1 : this.#owed.findIndex((each) => each.key === key);
    if (index < 0) return false;
    this.#owed.splice(index, 1);
    return true;
  }
}
