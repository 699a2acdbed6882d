import { type Enter, keepContext } from '../events/own-context.js';
import { within } from '../time/clock.js';
import type { Delivery, DeliverySink, InterruptionCause, Subscription, Transport } from '../transport/transport.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import type { ListenerDefinition } from './listener-definition.js';
import { prefetchedAtShutdown } from './prefetched-at-shutdown.js';
import { DeliveryProcess } from './process-delivery.js';

/** A channel that does not close is left to its connection: it must not hold up a shutdown. */
const CLOSE_LIMIT_MS = 5000;

/** What a consumer tells its listener. */
export interface ConsumerEvents {
  consuming(consumerTag: string): void;
  interrupted(cause: InterruptionCause, error: Error | undefined): void;
  failed(error: Error): void;
}

/**
 * One consumer of a listener: a channel of its own, its prefetched deliveries in the order they came, and at most one
 * of them at work.
 */
export class Consumer implements DeliverySink {
  readonly #env: DeliveryEnvironment;
  readonly #transport: Transport;
  readonly #events: ConsumerEvents;
  readonly #waiting = new DeliveryQueue();
  /** The async context in which the listener was started: each delivery begins there, whatever the one before left behind. */
  #enter: Enter = (work) => work();
  #running: DeliveryProcess | undefined;
  #idle: (() => void) | undefined;
  #stopping: 'run' | 'give-back' | undefined;
  #subscription: Subscription | undefined;
  #attached = false;

  constructor(env: DeliveryEnvironment, transport: Transport, events: ConsumerEvents) {
    this.#env = env;
    this.#transport = transport;
    this.#events = events;
  }

  /** Resolves when the broker has the consumer; rejects when it can never have it. */
  start(): Promise<void> {
    const { definition } = this.#env;
    this.#enter = keepContext();
    this.#subscription = this.#transport.subscribe(
      {
        queue: definition.queue,
        prefetch: definition.prefetch,
        noAck: this.#noAck,
        exclusive: definition.exclusive,
        priority: definition.priority,
        arguments: definition.consumerArguments,
        tagPrefix: definition.id,
        missingQueue: definition.missingQueue,
      },
      this,
    );
    return this.#subscription.ready;
  }

  /** The broker has the consumer at the moment. */
  get attached(): boolean {
    return this.#attached;
  }

  /** Deliveries held: at work or waiting. */
  get held(): number {
    return this.#waiting.size + (this.#running === undefined ? 0 : 1);
  }

  /** Stops taking: cancels at the broker, ends waits, and gives back what was prefetched where that costs nothing. */
  async cancel(): Promise<void> {
    this.#stopping = atShutdown(this.#env.definition, this.#transport);
    const cancelled = this.#subscription?.cancel();
    // Behind the cancel: before it, the broker would hand what is given back to this same consumer again.
    this.#running?.interrupt('stopping');
    if (this.#stopping === 'give-back') this.#giveBackWaiting();
    // Deliveries may still come until cancel-ok: deliver() knows what to do with them.
    await cancelled;
    this.#attached = false;
  }

  /** Resolves when nothing is at work and nothing waits. */
  whenIdle(): Promise<void> {
    if (this.#running === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  /** The shutdown can wait no longer: fires the running handler's signal and gives back all that waits. */
  hurry(): void {
    this.#stopping = 'give-back';
    this.#giveBackWaiting();
    this.#running?.interrupt('deadline');
  }

  /** Closes the channel. What is not settled by now goes back to the queue; a handler still at work is reported. */
  async close(): Promise<boolean> {
    const abandoned = this.#running;
    if (abandoned !== undefined) this.#env.reporter.report(abandoned.delivery, { type: 'abandoned' });
    const closed = this.#subscription?.close() ?? Promise.resolve();
    this.#subscription = undefined;
    // The broker delivers it again: what waits for its next attempt must not make one more of it.
    if (!this.#noAck) abandoned?.interrupt('channel-gone');
    await within(this.#env.clock, CLOSE_LIMIT_MS, closed, () => undefined);
    this.#attached = false;
    return abandoned !== undefined;
  }

  deliver(delivery: Delivery): void {
    if (this.#stopping === 'give-back') this.#giveBack(delivery);
    else if (this.#running === undefined) void this.#work(delivery);
    else this.#waiting.push(delivery);
  }

  consuming(consumerTag: string): void {
    this.#attached = true;
    this.#events.consuming(consumerTag);
  }

  interrupted(cause: InterruptionCause, error: Error | undefined): void {
    this.#attached = false;
    if (!this.#noAck) {
      // A cancelled consumer keeps its channel: what it delivered can still be settled there.
      this.#waiting.keep((delivery) => delivery.channel.isOpen);
      if (this.#running?.delivery.channel.isOpen === false) this.#running.interrupt('channel-gone');
    }
    this.#events.interrupted(cause, error);
  }

  failed(error: Error): void {
    this.#attached = false;
    this.#events.failed(error);
  }

  /** The broker has forgotten what it sent: deliveries depend on no channel, and cannot be given back. */
  get #noAck(): boolean {
    return this.#env.definition.failurePolicy.acknowledge === 'none';
  }

  async #work(first: Delivery): Promise<void> {
    let delivery: Delivery | undefined = first;
    while (delivery !== undefined) {
      // A delivery whose channel is gone comes again by itself: handling this copy would only make a duplicate.
      if (delivery.channel.isOpen || this.#noAck) {
        const running = new DeliveryProcess(delivery, this.#env, this.#enter);
        this.#running = running;
        if (this.#stopping !== undefined) running.interrupt('stopping');
        await this.#enter(() => running.run());
      }
      delivery = this.#waiting.shift();
    }
    this.#running = undefined;
    this.#idle?.();
    this.#idle = undefined;
  }

  #giveBackWaiting(): void {
    for (let delivery = this.#waiting.shift(); delivery !== undefined; delivery = this.#waiting.shift()) {
      this.#giveBack(delivery);
    }
  }

  #giveBack(delivery: Delivery): void {
    const { reporter } = this.#env;
    if (this.#noAck) reporter.report(delivery, { type: 'dropped', error: undefined, reason: 'stopping' });
    else if (delivery.channel.giveBack(delivery.deliveryTag))
      reporter.report(delivery, { type: 'given-back', reason: 'stopping' });
  }
}

function atShutdown(definition: ListenerDefinition, transport: Transport): 'run' | 'give-back' {
  const known = definition.queueDeclaration?.declare === 'always' ? definition.queueDeclaration.type : undefined;
  return prefetchedAtShutdown(definition.failurePolicy.acknowledge === 'none', known, transport.broker);
}

/** First in, first out, without moving what stays. */
class DeliveryQueue {
  #items: (Delivery | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Drops what does not pass the test. */
  keep(test: (delivery: Delivery) => boolean): void {
    this.#items = this.#items.slice(this.#head).filter((item) => item !== undefined && test(item));
    this.#head = 0;
  }

  push(delivery: Delivery): void {
    this.#items.push(delivery);
  }

  shift(): Delivery | undefined {
    if (this.#head === this.#items.length) return undefined;
    const delivery = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head === 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return delivery;
  }
}
