import type { Publication } from '../message/message.js';
import type { PublishFailure } from './publish-failure.js';
import type { PublishJob } from './publish-job.js';

/** A destination of which nothing was confirmed since a message to it failed. */
export interface FailingDestination {
  readonly exchange: string;
  readonly routingKey: string;
  /** When the first message that failed was written, by the monotonic clock. */
  readonly since: number;
  /** When the last one failed. */
  readonly last: number;
  readonly nacks: number;
}

/** Destinations at a time: so many may fail at once where an exchange has a routing key for each customer. */
const MAX_DESTINATIONS = 100;

/** How long a destination is remembered to which nothing is published any more. */
const REMEMBER_MS = 60_000;

/**
 * Remembers destinations whose messages are nacked or not confirmed in time, until one is confirmed: so that their failing
 * lasts longer than the single messages that are given up. Costs nothing while nothing fails.
 */
export class FailingDestinations {
  readonly #all = new Map<string, FailingDestination>();

  /** A message was not confirmed. What its channel or connection is to blame for does not count. */
  failed(job: PublishJob, { kind }: PublishFailure, now: number): void {
    const isNack = kind === 'nacked' || kind === 'nacked-by-channel';
    if (!isNack && kind !== 'confirm-timeout') return;
    const { exchange, routingKey } = job.publication;
    const key = destinationKey(job.publication);
    const { since, nacks } = this.#all.get(key) ?? { since: job.unconfirmedSince, nacks: 0 };
    if (!this.#all.has(key) && this.#all.size >= MAX_DESTINATIONS) return;
    this.#all.set(key, { exchange, routingKey, since, last: now, nacks: isNack ? nacks + 1 : nacks });
  }

  confirmed(publication: Publication): void {
    if (this.#all.size > 0) this.#all.delete(destinationKey(publication));
  }

  /** Those that are remembered. */
  list(now: number): readonly FailingDestination[] {
    for (const [key, { last }] of this.#all) if (last + REMEMBER_MS <= now) this.#all.delete(key);
    return [...this.#all.values()];
  }
}

/** Equal for the same exchange and routing key. */
export function destinationKey({ exchange, routingKey }: Pick<Publication, 'exchange' | 'routingKey'>): string {
  return `${exchange}\0${routingKey}`;
}
