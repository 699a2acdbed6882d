import { type Enter, keepContext } from '../events/own-context.js';
import { type BackoffPolicy, backoffDelayMs } from '../time/backoff.js';
import { pause, within } from '../time/clock.js';
import type { Delivery, DeliverySink, InterruptionCause, Subscription, Transport } from '../transport/transport.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import { atShutdown } from './prefetched-at-shutdown.js';
import { DeliveryProcess } from './process-delivery.js';
import type { Work, Worker } from './still-at-work.js';
import { StreamDelivery, takeFromStream } from './stream-delivery.js';
import { startAt } from './stream-position.js';
import { TurnWatch } from './turn-watch.js';
import { WaitingDeliveries } from './waiting-deliveries.js';

/** A channel that does not close is left to its connection: it must not hold up a shutdown. */
const CLOSE_LIMIT_MS = 5000;

/** What a consumer tells its listener. */
export interface ConsumerEvents {
  consuming(consumerTag: string): void;
  interrupted(cause: InterruptionCause, error: Error | undefined): void;
  failed(error: Error): void;
  /** What waits for its turn has waited so long that the broker will take it back. */
  overdue(): void;
}

/** The delivery at work. `since`: when it came, by the monotonic clock. */
interface Running {
  readonly process: DeliveryProcess;
  readonly since: number;
  ended: Promise<void> | undefined;
}

/**
 * One consumer of a listener: a channel of its own, its prefetched deliveries in the order they came, and at most one
 * of them at work.
 */
export class Consumer implements DeliverySink, Worker {
  readonly #env: DeliveryEnvironment;
  readonly #transport: Transport;
  readonly #events: ConsumerEvents;
  readonly #waiting = new WaitingDeliveries();
  /** The async context in which the listener was started: each delivery begins there, whatever the one before left behind. */
  #enter: Enter = (work) => work();
  #running: Running | undefined;
  /** Goes through what waits, one after the other. */
  #isWorking = false;
  /** Takes nothing until what it works at has ended. */
  #isPaused = false;
  #nudge: (() => void) | undefined;
  readonly #turns: TurnWatch;
  #idle: (() => void) | undefined;
  #stopping: 'run' | 'give-back' | 'hand-over' | undefined;
  #subscription: Subscription | undefined;
  #attached = false;

  constructor(env: DeliveryEnvironment, transport: Transport, events: ConsumerEvents) {
    this.#env = env;
    this.#transport = transport;
    this.#events = events;
    const oldest = () => (this.#stopping === undefined ? this.#waiting.first?.since : undefined);
    this.#turns = new TurnWatch(env.clock, env.patience, oldest, () => events.overdue());
  }

  /** Resolves when the broker has the consumer; rejects when it can never have it. */
  start(): Promise<void> {
    const { definition, stillAtWork } = this.#env;
    this.#enter = keepContext();
    stillAtWork.join(this);
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
        handsOverAtClose: definition.ordered,
        ...startAt(this.#env.position, definition.consumerArguments),
      },
      this,
    );
    return this.#subscription.ready;
  }

  /** What it works at, with the end of that. */
  get work(): Work | undefined {
    const running = this.#running;
    return running?.ended && { message: running.process.delivery.message, ended: running.ended };
  }

  /** The broker has the consumer at the moment. */
  get attached(): boolean {
    return this.#attached;
  }

  /** Deliveries held: at work or waiting. */
  get held(): number {
    return this.#waiting.size + (this.#running === undefined ? 0 : 1);
  }

  /**
   * Stops taking: cancels at the broker, ends waits, and gives back what was prefetched where that costs nothing. Where the
   * order is kept, what waits goes back with the channel, for until then the broker would hand it to this consumer again.
   */
  async cancel(): Promise<void> {
    this.#stopping = this.#handsOver ? 'hand-over' : atShutdown(this.#env.definition, this.#transport);
    const cancelled = this.#subscription?.cancel();
    // Behind the cancel: before it, the broker would hand what is given back to this same consumer again.
    this.#running?.process.interrupt('stopping');
    if (this.#stopping !== 'run') this.#giveBackWaiting('stopping');
    this.#nudge?.();
    // Deliveries may still come until cancel-ok: deliver() knows what to do with them.
    await cancelled;
    this.#attached = false;
  }

  /** Resolves when nothing is at work and nothing waits. */
  whenIdle(): Promise<void> {
    if (!this.#isWorking) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  /** The shutdown can wait no longer: fires the running handler's signal and gives back all that waits. */
  hurry(): void {
    if (this.#stopping !== 'hand-over') this.#stopping = 'give-back';
    this.#giveBackWaiting('stopping');
    this.#running?.process.interrupt('deadline');
    this.#nudge?.();
  }

  /** Closes the channel. What is not settled by now goes back to the queue; a handler still at work is reported. */
  async close(): Promise<boolean> {
    const abandoned = this.#running?.process;
    this.#turns.end();
    this.#env.stillAtWork.leave(this);
    if (abandoned !== undefined) this.#env.reporter.report(abandoned.delivery, { type: 'abandoned' });
    const closed = this.#subscription?.close() ?? Promise.resolve();
    this.#subscription = undefined;
    // The broker delivers it again: what waits for its next attempt must not make one more of it.
    if (!this.#noAck) abandoned?.interrupt('channel-gone');
    await within(this.#env.clock, CLOSE_LIMIT_MS, closed, () => undefined);
    this.#attached = false;
    return abandoned !== undefined;
  }

  /**
   * From now on the broker may have one unsettled delivery at this consumer. What waits goes back, behind a cancel, so that
   * it is not given to this consumer again; it takes the next when what it works at has ended.
   */
  takeOneAtATime(): void {
    if (this.#noAck || this.#isPaused || this.#stopping !== undefined || this.#subscription === undefined) return;
    this.#isPaused = true;
    this.#attached = false;
    this.#subscription.pause();
    this.#giveBackWaiting('waited-too-long');
    this.#nudge?.();
    if (!this.#isWorking) this.#takeAgain();
  }

  deliver(delivery: Delivery): void {
    const { position, clock } = this.#env;
    const taken = position === undefined ? delivery : takeFromStream(delivery, position);
    if (taken === undefined) return;
    if (this.#stopping === 'give-back' || this.#stopping === 'hand-over' || this.#isPaused) {
      this.#giveBack(taken, this.#isPaused ? 'waited-too-long' : 'stopping');
      return;
    }
    this.#waiting.push(taken, clock.monotonic());
    if (!this.#isWorking) void this.#work();
    else if (!this.#noAck) this.#turns.begin();
  }

  consuming(consumerTag: string): void {
    this.#attached = true;
    this.#env.position?.began();
    this.#events.consuming(consumerTag);
  }

  interrupted(cause: InterruptionCause, error: Error | undefined, timeoutMs?: number): void {
    this.#attached = false;
    if (!this.#noAck) {
      if (cause === 'delivery-timeout') this.#takenBack(timeoutMs);
      // A cancelled consumer keeps its channel: what it delivered can still be settled there.
      this.#waiting.keep((delivery) => delivery.channel.isOpen);
      const running = this.#running;
      if (running !== undefined && (cause === 'delivery-timeout' || !running.process.delivery.channel.isOpen)) {
        running.process.interrupt('channel-gone');
      }
      this.#nudge?.();
    }
    this.#events.interrupted(cause, error);
  }

  failed(error: Error): void {
    this.#attached = false;
    this.#events.failed(error);
  }

  get #handsOver(): boolean {
    return this.#env.definition.ordered && !this.#noAck;
  }

  /** The broker has forgotten what it sent: deliveries depend on no channel, and cannot be given back. */
  get #noAck(): boolean {
    return this.#env.definition.failurePolicy.acknowledge === 'none';
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
      const { delivery, since } = next;
      const other = this.#env.stillAtWork.onThe(delivery.message);
      if (other !== undefined && this.#stopping === undefined) {
        await this.#nudgedOr(other);
        continue;
      }
      this.#waiting.shift();
      if (other !== undefined) this.#giveBack(delivery, 'stopping');
      // A delivery whose channel is gone comes again by itself: handling this copy would only make a duplicate.
      else if (delivery.channel.isOpen || this.#noAck) await this.#handle(delivery, since);
    }
    this.#isWorking = false;
    this.#idle?.();
    this.#idle = undefined;
    if (this.#isPaused) this.#takeAgain();
  }

  async #handle(delivery: Delivery, since: number): Promise<void> {
    if (!(delivery.channel instanceof StreamDelivery)) return this.#handleOnce(delivery, since);
    const { channel } = delivery;
    if (this.#env.position?.isDone(channel.offset) === true) channel.ack();
    else await this.#handleOnce(delivery, since);
    for (let times = 1; channel.takeWish() && channel.isOpen && this.#stopping === undefined; times++) {
      await this.#nudgedOr(pause(this.#env.clock, backoffDelayMs(AGAIN, times)));
      if (!channel.isOpen || this.#stopping !== undefined) return;
      const message = { ...delivery.message, redelivered: true };
      await this.#handleOnce({ ...delivery, message }, this.#env.clock.monotonic());
    }
  }

  async #handleOnce(delivery: Delivery, since: number): Promise<void> {
    const process = new DeliveryProcess(delivery, this.#env, this.#enter);
    const running: Running = { process, since, ended: undefined };
    this.#running = running;
    if (this.#stopping !== undefined) process.interrupt('stopping');
    running.ended = this.#enter(() => process.run());
    await running.ended;
    this.#running = undefined;
    const still = delivery.channel.isOpen ? undefined : process.stillRunning();
    if (still !== undefined) this.#env.stillAtWork.add({ message: delivery.message, ended: still });
  }

  /** Waits for the end of a handler, or until something has happened to what waits here. */
  async #nudgedOr(ended: Promise<unknown>): Promise<void> {
    this.#turns.begin();
    const nudged = new Promise<void>((resolve) => {
      this.#nudge = resolve;
    });
    await Promise.race([ended.catch(() => {}), nudged]);
    this.#nudge = undefined;
  }

  #takeAgain(): void {
    this.#isPaused = false;
    if (this.#stopping === undefined) this.#subscription?.resume(1);
  }

  /** The broker has taken back what it waited for in vain, or is about to. What it has not, goes back without fault. */
  #takenBack(timeoutMs: number | undefined): void {
    const { clock, patience, reporter } = this.#env;
    const oldest = this.#running?.since ?? this.#waiting.first?.since;
    if (timeoutMs !== undefined) patience.learn(timeoutMs);
    else if (oldest !== undefined) patience.learn(clock.monotonic() - oldest);
    if (this.#running !== undefined) reporter.report(this.#running.process.delivery, { type: 'taken-back' });
    for (let delivery = this.#waiting.shift(); delivery !== undefined; delivery = this.#waiting.shift()) {
      delivery.channel.giveBack(delivery.deliveryTag);
      reporter.report(delivery, { type: 'taken-back' });
    }
  }

  #giveBackWaiting(reason: 'stopping' | 'waited-too-long'): void {
    for (let delivery = this.#waiting.shift(); delivery !== undefined; delivery = this.#waiting.shift()) {
      this.#giveBack(delivery, reason);
    }
  }

  #giveBack(delivery: Delivery, reason: 'stopping' | 'waited-too-long'): void {
    const { reporter } = this.#env;
    if (this.#noAck) reporter.report(delivery, { type: 'dropped', error: undefined, reason });
    else if (this.#stopping === 'hand-over') reporter.report(delivery, { type: 'given-back', reason });
    else if (delivery.channel.giveBack(delivery.deliveryTag)) reporter.report(delivery, { type: 'given-back', reason });
  }
}

/** What of a stream is put back is tried again here: its order stays. */
const AGAIN: BackoffPolicy = { initialIntervalMs: 1000, multiplier: 2, maxIntervalMs: 30_000, jitter: 0.2 };
