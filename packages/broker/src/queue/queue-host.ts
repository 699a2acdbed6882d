import type { Clock } from '../clock/virtual-clock.js';
import type { VersionProfile } from '../version/version-profile.js';
import type { DeathReason, Message } from './message.js';
import type { Queue } from './queue.js';

/** What a queue needs from the virtual host it stands in. */
export interface QueueHost {
  readonly clock: Clock;
  readonly profile: VersionProfile;
  /** Takes a dead message; it is published to the dead-letter exchange by {@link settleDeadLetters}. */
  deadLetter(queue: Queue, message: Message, reason: DeathReason): void;
  settleDeadLetters(): void;
  /** The queue has expired, or its last consumer left. */
  queueExpired(queue: Queue): void;
}
