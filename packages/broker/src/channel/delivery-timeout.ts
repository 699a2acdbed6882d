import type { ScheduledCall } from '../clock/virtual-clock.js';
import type { Consumer } from '../queue/consumer.js';
import type { ChannelEnvironment } from './channel-host.js';
import type { UnackedDeliveries } from './unacked-deliveries.js';

/** What happens to who does not settle in time. */
export interface DeliveryTimeoutActions {
  /** Closes the channel, as RabbitMQ did before it took consumers away. */
  failChannel(timeoutMs: number): void;
  /** Cancels a consumer and gives what it holds back to the queue. */
  takeAway(consumer: Consumer): void;
}

/**
 * Looks after the deliveries of one channel that are not settled in time, by the clock of the queues.
 *
 * @see https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout
 */
export class DeliveryTimeout {
  readonly #unacked: UnackedDeliveries;
  readonly #environment: ChannelEnvironment;
  readonly #actions: DeliveryTimeoutActions;
  #timer: ScheduledCall | undefined;
  #stopped = false;

  constructor(unacked: UnackedDeliveries, environment: ChannelEnvironment, actions: DeliveryTimeoutActions) {
    this.#unacked = unacked;
    this.#environment = environment;
    this.#actions = actions;
  }

  /** Clock time to note on a delivery; 0 when there is no timeout. */
  now(): number {
    return this.#environment.consumerTimeoutMs === undefined ? 0 : this.#environment.clock.now();
  }

  /** Makes sure that the oldest delivery is looked at when it is due. */
  watch(): void {
    if (this.#timer === undefined) this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Acts when the oldest delivery is due; looks again when it would be. */
  #look(): void {
    const { consumerTimeoutMs, clock } = this.#environment;
    if (consumerTimeoutMs === undefined) return;
    const oldest = this.#unacked.oldest();
    this.#timer = undefined;
    if (oldest === undefined || this.#stopped) return;
    const waitMs = oldest.sentAt + consumerTimeoutMs - clock.now();
    if (waitMs > 0) this.#timer = clock.schedule(() => this.#look(), waitMs);
    else this.#timedOut(consumerTimeoutMs);
  }

  #timedOut(timeoutMs: number): void {
    const { profile, clock } = this.#environment;
    if (profile.consumerTimeout === 'close-channel') {
      this.#actions.failChannel(timeoutMs);
      return;
    }
    const late = new Set<Consumer>();
    for (const { consumer, queue, sentAt } of this.#unacked) {
      const isLate = sentAt + timeoutMs <= clock.now();
      if (isLate && consumer !== undefined && queue.type === 'quorum') late.add(consumer);
    }
    for (const consumer of late) this.#actions.takeAway(consumer);
    this.#timer = clock.schedule(() => this.#look(), timeoutMs);
  }
}
