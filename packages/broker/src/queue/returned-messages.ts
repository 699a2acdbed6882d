import type { Clock } from '../clock/virtual-clock.js';
import type { VersionProfile } from '../version/version-profile.js';
import type { Backlog, BacklogHost } from './backlog.js';
import {
  countFailure,
  countForLimit,
  countReturn,
  countsFailures,
  type ReturnKind,
  refusalFails,
  returnFails,
} from './delivery-count.js';
import type { Message } from './message.js';
import { decideReturn } from './quorum-return.js';

/** What returned messages need from their queue. */
export interface ReturnedMessagesHost extends BacklogHost {
  startDelivering(): void;
}

/** What becomes of messages that were handed out and come back: counted, then dead-lettered or put into the backlog. */
export class ReturnedMessages {
  readonly #host: ReturnedMessagesHost;
  readonly #backlog: Backlog;
  readonly #clock: Clock;
  readonly #profile: VersionProfile;
  /** Those that wait for their delayed retry. */
  readonly #paused = new Set<Message>();

  constructor(host: ReturnedMessagesHost, backlog: Backlog, clock: Clock, profile: VersionProfile) {
    this.#host = host;
    this.#backlog = backlog;
    this.#clock = clock;
    this.#profile = profile;
  }

  /** About how many bytes of memory the messages take that wait for their delayed retry. */
  get weight(): number {
    let weight = 0;
    for (const message of this.#paused) weight += message.weight;
    return weight;
  }

  /** Refused for good. */
  discard(message: Message, kind: ReturnKind): void {
    if (countsFailures(this.#host.type, this.#profile) && refusalFails(kind, this.#profile)) countFailure(message);
    this.#host.died(message, 'rejected');
  }

  /**
   * Back to the queue.
   *
   * @param messages in the order in which they were handed out
   */
  putBack(messages: readonly Message[], kind: ReturnKind): void {
    if (this.#host.type !== 'classic') {
      for (const message of messages) this.#returnToQuorum(message, kind);
      return;
    }
    const fails = countsFailures('classic', this.#profile) && returnFails(kind, this.#profile);
    // From the last to the first: each then belongs at the very front, and finding its place costs nothing.
    for (let i = messages.length - 1; i >= 0; i--) {
      const message = messages[i];
      if (message === undefined) continue;
      message.redelivered = true;
      if (fails) countFailure(message);
      this.#backlog.putBack(message);
    }
  }

  /** Forgets what waits. */
  clear(): void {
    this.#paused.clear();
  }

  #returnToQuorum(message: Message, kind: ReturnKind): void {
    message.redelivered = true;
    countReturn(message, returnFails(kind, this.#profile));
    const count = countForLimit(message, this.#profile);
    const decision = decideReturn(count, kind, this.#host.settings, this.#profile);
    switch (decision.to) {
      case 'dead-letter':
        this.#host.died(message, 'delivery_limit');
        return;
      case 'pause':
        this.#pause(message, decision.delayMs);
        return;
      case 'end':
        this.#backlog.putAtEnd(message);
        return;
      default:
        this.#backlog.putBack(message);
    }
  }

  #pause(message: Message, delayMs: number): void {
    this.#paused.add(message);
    this.#clock.schedule(() => {
      if (!this.#paused.delete(message)) return;
      this.#backlog.putBack(message);
      this.#host.startDelivering();
    }, delayMs);
  }
}
