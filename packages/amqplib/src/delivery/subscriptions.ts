import {
  type Clock,
  type ConnectionHealth,
  type ConsumeRequest,
  type DeliverySink,
  LeveretError,
  type Subscription,
  type Unanswered,
  within,
} from '@leveret/core';
import type { Link } from '../connection/link.js';
import type { ManagedConnection } from '../connection/managed-connection.js';
import type { TopologyKeeper } from '../topology/topology-keeper.js';
import { ConsumerSubscription } from './consumer-subscription.js';
import { suspectsOf } from './decide-suspects.js';
import { queueExists } from './queue-exists.js';
import { type SuspectHost, SuspectQueues } from './suspect-queues.js';

/** What subscriptions need of the transport. */
export interface SubscriptionsHost extends Pick<SuspectHost, 'connect' | 'suspected'> {
  /** The common connection. */
  readonly common: ManagedConnection;
  readonly keeper: TopologyKeeper;
  readonly clock: Clock;
}

/**
 * All consumers of an application: on one connection, but for those of queues that are suspected of ending it.
 */
export class Subscriptions {
  readonly #host: SubscriptionsHost;
  readonly #all = new Set<ConsumerSubscription>();
  readonly #suspects: SuspectQueues;
  #isClosed = false;

  constructor(host: SubscriptionsHost) {
    this.#host = host;
    this.#suspects = new SuspectQueues(
      {
        connect: (events) => host.connect(events),
        suspected: (queue, error) => host.suspected(queue, error),
        usable: (queue, link) => this.#tell(queue, (subscription) => subscription.connected(link)),
        ended: (_queue, link) => this.disconnected(link),
        failed: (queue, error) => this.#tell(queue, (subscription) => subscription.connectionFailed(error)),
      },
      host.clock,
    );
  }

  begin(request: ConsumeRequest, sink: DeliverySink): Subscription {
    const { keeper, clock } = this.#host;
    const subscription = new ConsumerSubscription(
      request,
      sink,
      {
        link: () => this.#linkFor(request.queue),
        declares: (queue) => keeper.declares(queue),
        redeclare: (queue, link) => keeper.redeclare(queue, link),
        exists: (queue, link) => queueExists(queue, link, clock),
        ended: (ended) => this.#all.delete(ended),
      },
      clock,
    );
    this.#all.add(subscription);
    // Later, because the caller has not got the subscription yet.
    queueMicrotask(() => this.#connect(subscription));
    return subscription;
  }

  /** The common connection stands, first or again. */
  connected(link: Link): void {
    for (const subscription of [...this.#all]) {
      if (!this.#suspects.has(subscription.queue)) subscription.connected(link);
    }
  }

  /** The common connection will not come back. */
  failed(error: Error): void {
    for (const subscription of [...this.#all]) subscription.connectionFailed(error);
  }

  /** A connection has ended: finds out whether a consumer is why. */
  disconnected(link: Link): void {
    const consumers = [...this.#all].filter((subscription) => subscription.uses(link)).map((each) => each.atEnd());
    for (const queue of suspectsOf({ error: link.error, channel: link.untakenOn }, consumers)) {
      // An exclusive queue belongs to the connection that declared it.
      if (!this.#host.keeper.isExclusive(queue)) this.#suspects.blame(queue, link.error);
    }
  }

  /** Of the connections that suspect queues have. */
  health(): readonly ConnectionHealth[] {
    return this.#suspects.health();
  }

  /** Consumers that the broker has not answered. */
  unanswered(): readonly Unanswered[] {
    return [...this.#all].flatMap(({ queue, unansweredForMs: forMs }) =>
      forMs === undefined ? [] : [{ kind: 'consume', queue, forMs } as const],
    );
  }

  /** Flushes what was settled and closes the channels, within `timeoutMs`. Never rejects. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    const closing = Promise.all([...this.#all].map((subscription) => subscription.close()));
    await within(this.#host.clock, timeoutMs, closing, () => undefined);
    await this.#suspects.close();
  }

  #connect(subscription: ConsumerSubscription): void {
    if (!this.#all.has(subscription)) return;
    if (this.#isClosed) {
      subscription.connectionFailed(new LeveretError('LEV_INVALID_STATE', 'The transport is closed; make a new one.'));
      return;
    }
    const { common } = this.#host;
    const link = this.#linkFor(subscription.queue);
    if (common.failure !== undefined) subscription.connectionFailed(common.failure);
    else if (link !== undefined) subscription.connected(link);
    else common.ensure();
  }

  #linkFor(queue: string): Link | undefined {
    return this.#suspects.has(queue) ? this.#suspects.link(queue) : this.#host.common.link;
  }

  #tell(queue: string, what: (subscription: ConsumerSubscription) => void): void {
    for (const subscription of [...this.#all]) if (subscription.queue === queue) what(subscription);
  }
}
