import type { ChannelSlot } from './channel-keeper.js';
import type { Linked, LinkedList } from './linked-list.js';
import type { PublishJob } from './publish-job.js';

/**
 * One message written once to one channel: which message, where, when, and whether anybody still waits for its answer.
 *
 *     in flight --answer--> answered
 *         \--- abandon --> abandoned --answer--> answered
 *
 * It keeps the counts of its channel, so that they are right whatever comes first.
 */
export class PublishWrite implements Linked<PublishWrite> {
  readonly kind = 'sent';
  readonly job: PublishJob;
  readonly slot: ChannelSlot;
  /** When it was written, by the monotonic clock. */
  readonly at: number;
  list: LinkedList<PublishWrite> | undefined = undefined;
  previous: PublishWrite | undefined = undefined;
  next: PublishWrite | undefined = undefined;
  #state: 'in-flight' | 'abandoned' | 'answered' = 'in-flight';

  constructor(job: PublishJob, slot: ChannelSlot, at: number) {
    this.job = job;
    this.slot = slot;
    this.at = at;
    slot.inFlight++;
  }

  get isInFlight(): boolean {
    return this.#state === 'in-flight';
  }

  /** Nobody waits for its answer any more: its time has run out, or an earlier write of the message was answered. */
  abandon(): void {
    if (this.#state !== 'in-flight') return;
    this.#leave('abandoned');
    this.slot.abandoned++;
  }

  /** Its answer came. Answers whether somebody waited for it. */
  answer(): boolean {
    if (this.#state === 'abandoned') this.slot.abandoned--;
    return this.#end();
  }

  /** Its channel ended first. Answers whether somebody waited; the channel goes on counting what had been abandoned on it. */
  lose(): boolean {
    return this.#end();
  }

  #end(): boolean {
    const awaited = this.isInFlight;
    if (awaited) this.#leave('answered');
    else this.#state = 'answered';
    return awaited;
  }

  #leave(state: 'abandoned' | 'answered'): void {
    this.#state = state;
    this.list?.remove(this);
    if (--this.slot.inFlight === 0 && this.slot.channel.isOpen) this.slot.onIdle();
  }
}
