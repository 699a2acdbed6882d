import type { Clock } from '../clock/virtual-clock.js';
import type { DeathReason, Message } from '../queue/message.js';
import type { Queue } from '../queue/queue.js';
import type { RoutingTable } from '../routing/router.js';
import type { VersionProfile } from '../version/version-profile.js';
import { makeDeadLetter } from './dead-letter.js';
import { routeMessage } from './route-message.js';

/** Publishes dead messages to the dead-letter exchange of their queue, one batch after the other. */
export class DeadLetterPublisher {
  readonly #table: RoutingTable<Queue>;
  readonly #clock: Clock;
  readonly #profile: VersionProfile;
  #waiting: { queue: Queue; message: Message; reason: DeathReason }[] = [];
  #settling = false;

  constructor(table: RoutingTable<Queue>, clock: Clock, profile: VersionProfile) {
    this.#table = table;
    this.#clock = clock;
    this.#profile = profile;
  }

  /** Takes a dead message; one of a queue without a dead-letter exchange is dropped. */
  add(queue: Queue, message: Message, reason: DeathReason): void {
    if (queue.settings.deadLetterExchange !== undefined) this.#waiting.push({ queue, message, reason });
  }

  /** Publishes what waits, and what dies of that. */
  settle(): void {
    if (this.#settling || this.#waiting.length === 0) return;
    this.#settling = true;
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting;
        this.#waiting = [];
        for (const { queue, message, reason } of batch) this.#publish(queue, message, reason);
      }
    } finally {
      this.#settling = false;
    }
  }

  #publish(queue: Queue, dead: Message, reason: DeathReason): void {
    const { deadLetterExchange, deadLetterRoutingKey } = queue.settings;
    const exchange = deadLetterExchange === undefined ? undefined : this.#table.exchange(deadLetterExchange);
    if (exchange === undefined) return;
    const timeSeconds = Math.floor(this.#clock.wallTime() / 1000);
    const event = {
      queue: queue.name,
      reason,
      timeSeconds,
      deadLetterExchange: exchange.name,
      deadLetterRoutingKey,
    };
    const { message, routingKeys, closesCycle } = makeDeadLetter(dead, event, this.#profile);
    for (const target of routeMessage(this.#table, exchange, message, routingKeys)) {
      if (!closesCycle(target.name)) target.publish(message.copy(), undefined);
    }
  }
}
