import type { ScheduledCall } from '../clock/virtual-clock.js';
import { channelError, connectionError } from '../errors/amqp-error.js';
import type { Consumer, ConsumerOwner } from '../queue/consumer.js';
import type { ReturnKind } from '../queue/delivery-count.js';
import type { Message } from '../queue/message.js';
import type { Queue } from '../queue/queue.js';
import { encodeMethod, type MethodName, type MethodValue } from '../wire/methods.js';
import type { ChannelHost, FlushTarget } from './channel-host.js';
import { Confirms } from './confirms.js';
import { type Content, ContentAssembly } from './content-assembly.js';
import { type PublishMethod, preparePublication, routePublication } from './publisher.js';
import type { ReplyReceiver } from './reply-registry.js';
import { Transaction } from './transaction.js';
import { type Delivery, UnackedDeliveries } from './unacked-deliveries.js';

/**
 * One AMQP channel: delivery tags, unacknowledged deliveries, prefetch, confirms and transactions. What its methods ask
 * of the virtual host is in `channel-methods.ts`.
 */
export class Channel implements ConsumerOwner, ReplyReceiver, FlushTarget {
  readonly number: number;
  readonly host: ChannelHost;
  /** Consumers by tag. */
  readonly consumers = new Map<string, Consumer>();
  /** The queue declared last on this channel: what an empty queue name stands for. */
  lastQueue: string | undefined;
  /** Prefetch for consumers still to come; 0 for no limit. */
  prefetch = 0;
  /** Prefetch shared by all consumers of the channel; 0 for no limit. */
  sharedPrefetch = 0;
  /** Consumer of direct replies: its tag and address. */
  replyConsumer: { readonly tag: string; readonly address: string } | undefined;
  confirms: Confirms | undefined;
  transaction: Transaction | undefined;
  readonly #assembly: ContentAssembly;
  readonly #unacked = new UnackedDeliveries();
  #open = true;
  #publish: PublishMethod | undefined;
  #deliveryTag = 0;
  /** Deliveries to consumers, without those of basic.get. */
  #sharedUnacked = 0;
  #flushWaits = false;
  #timeout: ScheduledCall | undefined;

  constructor(number: number, host: ChannelHost) {
    this.number = number;
    this.host = host;
    const { maxMessageBytes, profile } = host.environment;
    this.#assembly = new ContentAssembly(maxMessageBytes, profile.refusesLongBodies);
  }

  get writable(): boolean {
    return this.#open && this.host.writable;
  }

  get hasSharedCredit(): boolean {
    return this.sharedPrefetch === 0 || this.#sharedUnacked < this.sharedPrefetch;
  }

  /** Deliveries that wait to be settled. */
  get unackedCount(): number {
    return this.#unacked.size;
  }

  /** Whether a method would interrupt a content: what is expected instead. */
  get expectedContent(): 'header' | 'body' | undefined {
    return this.#assembly.state === 'method' ? undefined : this.#assembly.state;
  }

  /** Writes a method of this channel. */
  send(name: MethodName, values?: Readonly<Record<string, MethodValue>>): void {
    this.host.writer.method(this.number, encodeMethod(name, values));
    this.host.written();
  }

  /** basic.publish came; its content follows. */
  beginPublish(method: PublishMethod): void {
    this.#publish = method;
    this.#assembly.begin();
  }

  /** A content header came. */
  contentHeader(bytes: Buffer, start: number, end: number): void {
    const content = this.#assembly.header(bytes, start, end);
    if (content !== undefined) this.#completePublish(content);
  }

  /** A body frame came. */
  contentBody(bytes: Buffer, start: number, end: number): void {
    const content = this.#assembly.body(bytes, start, end);
    if (content !== undefined) this.#completePublish(content);
  }

  deliver(consumer: Consumer, message: Message): void {
    const tag = ++this.#deliveryTag;
    const { queue } = consumer;
    const content = queue.contentOf(message, false);
    const { redelivered, exchange, routingKey } = message;
    this.host.writer.deliver(this.number, consumer.tag, tag, redelivered, exchange, routingKey, content);
    this.host.written();
    if (consumer.noAck) return;
    this.#sharedUnacked++;
    this.#track({ tag, message, queue, consumer, sentAt: this.#sentAt() });
  }

  /** Answers basic.get with a message. */
  deliverGet(queue: Queue, message: Message, noAck: boolean): void {
    const tag = ++this.#deliveryTag;
    this.send('basic.get-ok', {
      deliveryTag: tag,
      redelivered: message.redelivered,
      exchange: message.exchange,
      routingKey: message.routingKey,
      messageCount: queue.readyCount,
    });
    this.host.writer.content(this.number, queue.contentOf(message, true));
    if (!noAck) this.#track({ tag, message, queue, consumer: undefined, sentAt: this.#sentAt() });
  }

  receiveReply(message: Message): void {
    const { replyConsumer } = this;
    if (replyConsumer === undefined || !this.#open) return;
    const tag = this.#deliveryTag + 1;
    // Older versions do not count replies: the next delivery has the same tag again.
    if (this.host.environment.profile.countsReplies) this.#deliveryTag = tag;
    const { redelivered, exchange, routingKey } = message;
    this.host.writer.deliver(this.number, replyConsumer.tag, tag, redelivered, exchange, routingKey, message);
    this.host.written();
  }

  cancelled(consumer: Consumer): void {
    this.consumers.delete(consumer.tag);
    if (!this.#open || !this.host.understandsCancel) return;
    this.send('basic.cancel', { consumerTag: consumer.tag, nowait: true });
  }

  /** basic.ack. */
  ack(tag: number, multiple: boolean): void {
    if (!multiple && this.transaction === undefined) {
      this.#release(this.#unacked.takeOne(tag));
      return;
    }
    const deliveries = this.#take(tag, multiple);
    this.#settle(deliveries, () => this.#releaseAll(deliveries));
  }

  /** basic.reject and basic.nack. */
  refuse(tag: number, multiple: boolean, requeue: boolean, kind: ReturnKind): void {
    const deliveries = this.#take(tag, multiple);
    this.#settle(deliveries, () => {
      if (requeue) this.#requeue(deliveries, kind);
      else this.#discard(deliveries, kind);
    });
  }

  /** basic.recover: everything unacknowledged goes back to its queue. */
  recover(): void {
    this.#requeue(this.#unacked.takeAll(), 'nack');
  }

  /** basic.cancel from the client. */
  cancel(tag: string): void {
    if (this.replyConsumer?.tag === tag) {
      this.host.environment.replies.unregister(this.replyConsumer.address);
      this.replyConsumer = undefined;
      return;
    }
    const consumer = this.consumers.get(tag);
    this.consumers.delete(tag);
    consumer?.queue.cancel(consumer);
  }

  /** Takes a consumer away from the server's side, and tells the client. */
  cancelFromServer(consumer: Consumer): void {
    consumer.queue.cancel(consumer);
    this.cancelled(consumer);
  }

  /** The peer can be written to again, or a limit was raised: consumers get what waits for them. */
  wake(): void {
    const queues = new Set<Queue>();
    for (const { queue } of this.consumers.values()) queues.add(queue);
    // Not before all stand in line again: the first would otherwise get everything.
    for (const queue of [...queues].filter((candidate) => candidate.rejoinAll(this))) queue.startDelivering();
  }

  /** tx.commit: publishes, then settles. */
  commit(): void {
    if (this.transaction === undefined) throw channelError(406, 'channel is not transactional');
    const { publications, settlements } = this.transaction.take();
    for (const publication of publications) routePublication(this.host, this.number, publication);
    for (const { apply } of settlements) apply();
  }

  /** tx.rollback: forgets publications; settled deliveries can be settled again. */
  rollback(): void {
    if (this.transaction === undefined) throw channelError(406, 'channel is not transactional');
    const { settlements } = this.transaction.take();
    this.#unacked.restore(settlements.flatMap(({ deliveries }) => deliveries));
  }

  beforeFlush(): void {
    this.#flushWaits = false;
    if (this.#open) this.confirms?.flush();
  }

  /** Ends the channel: consumers leave, unacknowledged messages go back to their queues. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#timeout?.cancel();
    if (this.replyConsumer !== undefined) this.host.environment.replies.unregister(this.replyConsumer.address);
    const held = this.transaction?.take().settlements.flatMap(({ deliveries }) => deliveries) ?? [];
    this.#unacked.restore(held);
    const consumers = [...this.consumers.values()];
    this.consumers.clear();
    for (const consumer of consumers) consumer.queue.cancel(consumer);
    this.#requeueAll();
  }

  #completePublish(content: Content): void {
    const method = this.#publish;
    if (method === undefined) return;
    const announced = this.#assembly.bodySize;
    const publication = preparePublication(this.host, method, content, announced, this.replyConsumer?.address);
    if (this.transaction !== undefined) {
      this.transaction.publish(publication);
      return;
    }
    const { confirms } = this;
    const nacked = confirms !== undefined && this.host.environment.takeNack();
    const accepted = !nacked && routePublication(this.host, this.number, publication);
    if (confirms === undefined) return;
    if (accepted) {
      confirms.ack();
      if (!this.#flushWaits) {
        this.#flushWaits = true;
        this.host.flushLater(this);
      }
    } else {
      confirms.nack();
    }
    this.host.written();
  }

  #take(tag: number, multiple: boolean): Delivery[] {
    return multiple ? this.#unacked.takeUpTo(tag) : [this.#unacked.takeOne(tag)];
  }

  #settle(deliveries: readonly Delivery[], apply: () => void): void {
    if (this.transaction === undefined) apply();
    else this.transaction.settle({ deliveries, apply });
  }

  #release(delivery: Delivery): void {
    delivery.queue.ack();
    this.#returnCredit(delivery);
    if (delivery.consumer !== undefined) this.#wakeAfter(delivery.consumer);
  }

  #releaseAll(deliveries: readonly Delivery[]): void {
    for (const group of settlementGroups(deliveries)) {
      for (const delivery of group) {
        delivery.queue.ack();
        this.#returnCredit(delivery);
      }
      this.#wakeConsumerOf(group);
    }
    this.#wakeShared();
  }

  #discard(deliveries: readonly Delivery[], kind: ReturnKind): void {
    for (const group of settlementGroups(deliveries)) {
      for (const delivery of group) {
        this.#returnCredit(delivery);
        delivery.queue.discard(delivery.message, kind);
      }
      this.#wakeConsumerOf(group);
    }
    this.#wakeShared();
  }

  #requeue(deliveries: readonly Delivery[], kind: ReturnKind): void {
    for (const group of settlementGroups(deliveries)) {
      const [first] = group;
      if (first === undefined) continue;
      for (const delivery of group) this.#returnCredit(delivery);
      // The one that held a message stands in line for it again, but nothing is delivered before it is back in place.
      if (first.consumer !== undefined && this.sharedPrefetch === 0) first.queue.rejoin(first.consumer);
      first.queue.requeue(
        group.map(({ message }) => message),
        kind,
      );
    }
    this.#wakeShared();
  }

  /** Everything that was out returns at once, each queue's messages together: nobody is left to deliver to between. */
  #requeueAll(): void {
    const byQueue = new Map<Queue, Message[]>();
    for (const delivery of this.#unacked.takeAll()) {
      this.#returnCredit(delivery);
      const messages = byQueue.get(delivery.queue);
      if (messages === undefined) byQueue.set(delivery.queue, [delivery.message]);
      else messages.push(delivery.message);
    }
    for (const [queue, messages] of byQueue) queue.requeue(messages, 'gone');
  }

  #returnCredit({ consumer }: Delivery): void {
    if (consumer === undefined) return;
    consumer.unacked--;
    this.#sharedUnacked--;
  }

  #wakeAfter(consumer: Consumer): void {
    if (this.sharedPrefetch > 0) this.wake();
    else consumer.queue.wake(consumer);
  }

  #wakeConsumerOf([first]: readonly Delivery[]): void {
    if (first?.consumer !== undefined && this.sharedPrefetch === 0) first.queue.wake(first.consumer);
  }

  /** The limit shared by the channel is counted apart, and hears of the room last. */
  #wakeShared(): void {
    if (this.sharedPrefetch > 0 && this.#open) this.wake();
  }

  #sentAt(): number {
    return this.host.environment.consumerTimeoutMs === undefined ? 0 : this.host.environment.clock.now();
  }

  #track(delivery: Delivery): void {
    this.#unacked.add(delivery);
    if (this.#timeout === undefined) this.#watchTimeout();
  }

  /** Looks after deliveries that are not settled in time; looks again when the oldest one would be due. */
  #watchTimeout(): void {
    const { consumerTimeoutMs, clock } = this.host.environment;
    if (consumerTimeoutMs === undefined) return;
    const oldest = this.#unacked.oldest();
    this.#timeout = undefined;
    if (oldest === undefined || !this.#open) return;
    const waitMs = oldest.sentAt + consumerTimeoutMs - clock.now();
    if (waitMs > 0) {
      this.#timeout = clock.schedule(() => this.#watchTimeout(), waitMs);
      return;
    }
    this.#timedOut(consumerTimeoutMs);
  }

  #timedOut(timeoutMs: number): void {
    const { profile, clock } = this.host.environment;
    if (profile.consumerTimeout === 'close-channel') {
      this.host.failChannel(
        this.number,
        406,
        `delivery acknowledgement on channel ${this.number} timed out. Timeout value used: ${timeoutMs} ms. ` +
          'This timeout value can be configured, see consumers doc guide to learn more',
      );
      return;
    }
    const late = new Set<Consumer>();
    for (const { consumer, queue, sentAt } of this.#unacked) {
      const isLate = sentAt + timeoutMs <= clock.now();
      if (isLate && consumer !== undefined && queue.type === 'quorum') late.add(consumer);
    }
    for (const consumer of late) {
      this.cancelFromServer(consumer);
      this.#requeue(this.#unacked.takeOf(consumer), 'nack');
    }
    this.#timeout = clock.schedule(() => this.#watchTimeout(), timeoutMs);
  }

  /** @throws {AmqpError} 530 when the tag is taken on this channel */
  checkConsumerTag(tag: string): void {
    if (this.consumers.has(tag) || this.replyConsumer?.tag === tag) {
      throw connectionError(530, `attempt to reuse consumer tag '${tag}'`);
    }
  }
}

/**
 * Deliveries as RabbitMQ settles them: by queue and consumer, in the order of their names, each basic.get by itself and
 * first. Whoever comes earlier is served earlier.
 */
function settlementGroups(deliveries: readonly Delivery[]): Iterable<readonly Delivery[]> {
  const [first] = deliveries;
  const { queue, consumer } = first ?? {};
  const alike =
    consumer !== undefined && deliveries.every((other) => other.queue === queue && other.consumer === consumer);
  if (deliveries.length === 1 || alike) return [deliveries];
  // By the queue itself: one that was deleted may have a successor of the same name.
  const byQueue = new Map<Queue, Map<string, Delivery[]>>();
  for (const delivery of deliveries) {
    const groups = byQueue.get(delivery.queue) ?? new Map<string, Delivery[]>();
    byQueue.set(delivery.queue, groups);
    const who =
      delivery.consumer === undefined ? `0${String(delivery.tag).padStart(16, '0')}` : `1${delivery.consumer.tag}`;
    const group = groups.get(who);
    if (group === undefined) groups.set(who, [delivery]);
    else group.push(delivery);
  }
  const queues = [...byQueue].sort(([a], [b]) => (a.name < b.name ? -1 : 1));
  return queues.flatMap(([, groups]) => [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group));
}
