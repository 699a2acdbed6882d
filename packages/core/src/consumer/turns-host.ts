import type { Delivery } from '../transport/transport.js';
import type { Begun } from './at-work.js';
import type { SuspectRunner } from './crash-guard.js';
import type { GiveBackReason } from './settle-delivery.js';

/** What the turns of deliveries need of their consumer, and tell it. */
export interface TurnsHost {
  /** As the crash guard knows it. */
  readonly runner: SuspectRunner;
  readonly workers: number;
  /** How many may be at work at once. */
  readonly limit: number;
  readonly isStopping: boolean;
  /** What waits may begin. */
  readonly mayBegin: boolean;
  /** What of a stream is put back is tried again here; while it is paused, it comes again with what is behind it. */
  readonly goesOn: boolean;
  /** The order is kept: what waits goes back with the channel. */
  readonly handsOver: boolean;
  /** The broker has forgotten what it sent. */
  readonly noAck: boolean;
  /** One begins. Answers whether it is the one that is to be tried alone. */
  begins(): boolean;
  giveBack(delivery: Delivery, reason: GiveBackReason): void;
  /** What waits has waited so long that the broker will take it back. */
  overdue(): void;
  /** One has had its turn. */
  ended(begun: Begun): void;
  /** The one that was tried alone has had its turn, and others are at work. */
  probeEnded(): void;
  /** Nothing is at work, and nothing waits that may begin. */
  comesToRest(): void;
}
