import { setTimeout as delay } from 'node:timers/promises';
import {
  asItCame,
  type BrokerFacts,
  type ConnectionEvent,
  type ConnectionHealth,
  type ConnectionRole,
  type ConsumeRequest,
  type DeclareOptions,
  type DeliverySink,
  type PublishChannel,
  type ReplyChannel,
  type Subscription,
  type Topology,
  type Transport,
  type Unanswered,
} from '@leveret/core';
import { ConsumerWatch } from './delivery-record.js';
import type { Journal } from './journal.js';

/** A transport whose deliveries, settlements and publishes are written down. */
export class WatchedTransport implements Transport {
  readonly #inner: Transport;
  readonly #journal: Journal;

  constructor(inner: Transport, journal: Journal) {
    this.#inner = inner;
    this.#journal = journal;
  }

  get publishBlocked(): boolean {
    return this.#inner.publishBlocked;
  }

  get broker(): BrokerFacts | undefined {
    return this.#inner.broker;
  }

  /** As long as the broker has not answered, something happens: no time passes that would be missing from a delay. */
  async declare(topology: Topology, options?: DeclareOptions): Promise<void> {
    const declared = { yet: false };
    const declaring = this.#inner.declare(topology, options).finally(() => {
      declared.yet = true;
    });
    declaring.catch(() => {});
    for (; !declared.yet; await delay(1)) this.#journal.stir();
    return declaring;
  }

  connect(role: ConnectionRole): Promise<void> {
    return this.#inner.connect(role);
  }

  subscribe(request: ConsumeRequest, sink: DeliverySink): Subscription {
    const journal = this.#journal;
    const consumer = new ConsumerWatch(request);
    journal.consumers.add(consumer);
    const subscription = this.#inner.subscribe(request, {
      deliver: (delivery) => sink.deliver(journal.arrived(asItCame(delivery), consumer)),
      consuming(consumerTag) {
        journal.stir();
        sink.consuming(consumerTag);
      },
      interrupted(cause, error, timeoutMs) {
        journal.stir();
        sink.interrupted(cause, error, timeoutMs);
      },
      failed(error) {
        journal.stir();
        sink.failed(error);
      },
    });
    return {
      ready: subscription.ready,
      pause() {
        consumer.isPaused = true;
        subscription.pause();
      },
      resume(prefetch) {
        Object.assign(consumer, { isPaused: false, prefetch });
        subscription.resume(prefetch);
      },
      cancel() {
        consumer.isPaused = true;
        return subscription.cancel();
      },
      close: async () => {
        await subscription.close();
        journal.consumers.delete(consumer);
      },
    };
  }

  async openPublishChannel(options: {
    readonly confirm: boolean;
    readonly timeoutMs: number;
  }): Promise<PublishChannel> {
    return this.#watch(await this.#inner.openPublishChannel(options));
  }

  async openReplyChannel(options: { readonly timeoutMs: number }): Promise<ReplyChannel> {
    return this.#watch(await this.#inner.openReplyChannel(options));
  }

  health(): readonly ConnectionHealth[] {
    return this.#inner.health();
  }

  /** What an inner transport cannot tell is taken to be there. */
  async countMessages(queue: string, timeoutMs: number): Promise<number | 'missing'> {
    return (await this.#inner.countMessages?.(queue, timeoutMs)) ?? 0;
  }

  isAsDeclared(queue: string): boolean {
    return this.#inner.isAsDeclared?.(queue) === true;
  }

  holdsBack(queue: string): boolean {
    return this.#inner.holdsBack?.(queue) === true;
  }

  unanswered(): readonly Unanswered[] {
    return this.#inner.unanswered?.() ?? [];
  }

  on(listener: (event: ConnectionEvent) => void): () => void {
    return this.#inner.on(listener);
  }

  close(options: { readonly timeoutMs: number }): Promise<void> {
    return this.#inner.close(options);
  }

  #watch<C extends PublishChannel>(channel: C): C {
    const publish = channel.publish.bind(channel);
    channel.publish = (publication, settled) => {
      const over = this.#journal.published(publication);
      try {
        return publish(publication, (outcome) => {
          over();
          settled(outcome);
        });
      } catch (error) {
        over();
        throw error;
      }
    };
    return channel;
  }
}
