import type { ScheduledCall } from '../clock/virtual-clock.js';
import type { QueueConsumer } from '../queue/queue.js';
import { lookup } from '../wire/field-table.js';
import type { ChannelEnvironment } from './channel-host.js';
import type { Delivery, UnackedDeliveries } from './unacked-deliveries.js';

/** What happens to who does not settle in time. */
export interface DeliveryTimeoutActions {
  /** Closes the channel, as RabbitMQ did before it took deliveries back. */
  failChannel(timeoutMs: number): void;
  /** Gives these deliveries of a consumer back to the queue; it gets no more before it has settled them. */
  takeBack(consumer: QueueConsumer, deliveries: readonly Delivery[]): void;
}

/**
 * Looks after the deliveries of one channel that are not settled in time, by the clock of the queues.
 *
 * | | 3.10 | 4.0 | 4.3 |
 * |---|---|---|---|
 * | who says how long | the node | the queue (argument or policy), else the node | the consumer, else the queue, else the node |
 * | for | everything | everything | consumers of quorum queues |
 *
 * @see https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout
 */
export class DeliveryTimeout {
  readonly #unacked: UnackedDeliveries;
  readonly #environment: ChannelEnvironment;
  readonly #actions: DeliveryTimeoutActions;
  #timer: ScheduledCall | undefined;
  /** Clock time at which the timer looks. */
  #looksAt = Infinity;
  #stopped = false;

  constructor(unacked: UnackedDeliveries, environment: ChannelEnvironment, actions: DeliveryTimeoutActions) {
    this.#unacked = unacked;
    this.#environment = environment;
    this.#actions = actions;
  }

  /** Makes sure that this delivery is looked at when it is due. */
  watch(delivery: Delivery): void {
    const timeoutMs = this.#timeoutOf(delivery);
    if (timeoutMs !== undefined) this.#lookAt(delivery.sentAt + timeoutMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #lookAt(dueAt: number): void {
    if (this.#stopped || dueAt >= this.#looksAt) return;
    this.#timer?.cancel();
    this.#looksAt = dueAt;
    this.#timer = this.#environment.clock.schedule(
      () => this.#look(),
      Math.max(0, dueAt - this.#environment.clock.now()),
    );
  }

  /** Acts on what is due; looks again when the next is. */
  #look(): void {
    this.#looksAt = Infinity;
    const { profile, clock } = this.#environment;
    const now = clock.now();
    const late = new Map<QueueConsumer, Delivery[]>();
    let next = Infinity;
    for (const delivery of this.#unacked) {
      const timeoutMs = this.#timeoutOf(delivery);
      if (timeoutMs === undefined || delivery.takenBack) continue;
      const dueAt = delivery.sentAt + timeoutMs;
      if (dueAt > now) {
        next = Math.min(next, dueAt);
      } else if (profile.consumerTimeout === 'close-channel' || delivery.consumer === undefined) {
        this.#actions.failChannel(timeoutMs);
        return;
      } else {
        const deliveries = late.get(delivery.consumer);
        if (deliveries === undefined) late.set(delivery.consumer, [delivery]);
        else deliveries.push(delivery);
      }
    }
    for (const [consumer, deliveries] of late) this.#actions.takeBack(consumer, deliveries);
    if (next < Infinity) this.#lookAt(next);
  }

  /** How long this delivery may wait; `undefined` for ever. */
  #timeoutOf({ queue, consumer }: Delivery): number | undefined {
    const { consumerTimeoutMs, profile } = this.#environment;
    if (profile.consumerTimeout === 'close-channel') return queue.settings.consumerTimeoutMs ?? consumerTimeoutMs;
    if (queue.type !== 'quorum' || consumer === undefined) return undefined;
    const own = lookup(consumer.arguments, 'x-consumer-timeout')?.value;
    return own === undefined ? (queue.settings.consumerTimeoutMs ?? consumerTimeoutMs) : Number(own);
  }
}
