import { channelError, connectionError } from '../errors/amqp-error.js';
import type { ReturnKind } from '../queue/delivery-count.js';
import type { Message } from '../queue/message.js';
import type { Queue, QueueConsumer, QueueConsumerOwner } from '../queue/queue.js';
import { encodeMethod, type MethodName, type MethodValue } from '../wire/methods.js';
import type { ChannelHost, FlushTarget } from './channel-host.js';
import { Confirms } from './confirms.js';
import { type Content, ContentAssembly } from './content-assembly.js';
import { DeliveryTimeout } from './delivery-timeout.js';
import { planDeparture, returnOrder } from './departure.js';
import { type PublishMethod, preparePublication, routedInAdvance, routePublication } from './publisher.js';
import type { ReplyReceiver } from './reply-registry.js';
import { startingAfter } from './serving-order.js';
import { Settler } from './settler.js';
import type { Transaction } from './transaction.js';
import { type Delivery, UnackedDeliveries } from './unacked-deliveries.js';

/**
 * One AMQP channel: delivery tags, unacknowledged deliveries, prefetch, confirms and transactions. What its methods ask
 * of the virtual host is in `channel-methods.ts`.
 */
export class Channel implements QueueConsumerOwner, ReplyReceiver, FlushTarget {
  readonly number: number;
  readonly host: ChannelHost;
  /** Consumers by tag. */
  readonly consumers = new Map<string, QueueConsumer>();
  /** The queue declared last on this channel: what an empty queue name stands for. */
  lastQueue: string | undefined;
  /** Prefetch for consumers still to come; 0 for no limit. */
  prefetch = 0;
  /** QueueConsumer of direct replies: its tag and address. */
  replyConsumer: { readonly tag: string; readonly address: string } | undefined;
  confirms: Confirms | undefined;
  transaction: Transaction | undefined;
  readonly #assembly: ContentAssembly;
  readonly #unacked = new UnackedDeliveries();
  /** While it leaves, queues that do not know yet go on delivering to it; `cut off` means that nothing is sent any more. */
  #state: 'open' | 'leaving' | 'cut off' | 'ended' = 'open';
  #publish: PublishMethod | undefined;
  readonly #settler = new Settler(() => this.wake());
  readonly #timeout: DeliveryTimeout;
  #deliveryTag = 0;
  /** The queue that a consumer here was served from last. */
  #served: Queue | undefined;
  #flushWaits = false;

  constructor(number: number, host: ChannelHost) {
    this.number = number;
    this.host = host;
    const { maxMessageBytes, profile } = host.environment;
    this.#assembly = new ContentAssembly(maxMessageBytes, profile.refusesLongBodies);
    this.#timeout = new DeliveryTimeout(this.#unacked, host.environment, {
      failChannel: (timeoutMs) => this.#failWaiting(timeoutMs),
      takeBack: (consumer, deliveries) => this.#takeBack(consumer, deliveries),
    });
  }

  get writable(): boolean {
    return this.#state === 'open' ? this.host.writable : this.#state !== 'ended';
  }

  get hasSharedCredit(): boolean {
    return this.#settler.hasSharedCredit;
  }

  /** Prefetch shared by all consumers of the channel; 0 for no limit. */
  get sharedPrefetch(): number {
    return this.#settler.sharedPrefetch;
  }

  set sharedPrefetch(limit: number) {
    this.#settler.sharedPrefetch = limit;
  }

  /** Deliveries that wait to be settled. */
  get unackedCount(): number {
    return this.#unacked.size;
  }

  /** About how many bytes of memory take what is published here and not in a queue yet. */
  get weight(): number {
    return this.#assembly.keptBytes + (this.transaction?.weight ?? 0);
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

  deliver(consumer: QueueConsumer, message: Message): void {
    const tag = ++this.#deliveryTag;
    const { queue } = consumer;
    this.#served = queue;
    if (this.#state !== 'cut off') {
      const content = queue.contentOf(message, false);
      const { redelivered, exchange, routingKey } = message;
      this.host.writer.deliver(this.number, consumer.tag, tag, redelivered, exchange, routingKey, content);
      this.host.written();
    }
    if (consumer.noAck) return;
    this.#settler.takeCredit();
    this.#track(tag, message, queue, consumer);
  }

  /**
   * Answers basic.get with a message.
   *
   * @param left how many are ready behind it
   */
  deliverGet(queue: Queue, message: Message, left: number, noAck: boolean): void {
    const tag = ++this.#deliveryTag;
    this.send('basic.get-ok', {
      deliveryTag: tag,
      redelivered: message.redelivered,
      exchange: message.exchange,
      routingKey: message.routingKey,
      messageCount: left,
    });
    this.host.writer.content(this.number, queue.contentOf(message, true));
    if (!noAck) this.#track(tag, message, queue, undefined);
  }

  receiveReply(message: Message): void {
    const { replyConsumer } = this;
    if (replyConsumer === undefined || this.#state !== 'open') return;
    const tag = this.#deliveryTag + 1;
    // Older versions do not count replies: the next delivery has the same tag again.
    if (this.host.environment.profile.countsReplies) this.#deliveryTag = tag;
    const { redelivered, exchange, routingKey } = message;
    this.host.writer.deliver(this.number, replyConsumer.tag, tag, redelivered, exchange, routingKey, message);
    this.host.written();
  }

  cancelled(consumer: QueueConsumer): void {
    this.consumers.delete(consumer.tag);
    if (this.#state !== 'open' || !this.host.understandsCancel) return;
    this.send('basic.cancel', { consumerTag: consumer.tag, nowait: true });
  }

  /** basic.ack. */
  ack(tag: number, multiple: boolean): void {
    if (!multiple && this.transaction === undefined) {
      this.#settler.ack(this.#unacked.takeOne(tag));
      return;
    }
    const deliveries = this.#take(tag, multiple);
    this.#settle(deliveries, () => this.#settler.ackAll(deliveries));
  }

  /** basic.reject and basic.nack. */
  refuse(tag: number, multiple: boolean, requeue: boolean, kind: ReturnKind): void {
    const deliveries = this.#take(tag, multiple);
    this.#settle(deliveries, () => {
      if (requeue) this.#settler.requeue(deliveries, kind);
      else this.#settler.discard(deliveries, kind);
    });
  }

  /** basic.recover: everything unacknowledged goes back to its queue. */
  recover(): void {
    this.#settler.requeue(this.#unacked.takeAll(), 'nack');
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

  /** @throws {AmqpError} 530 when the tag is taken on this channel */
  checkConsumerTag(tag: string): void {
    if (this.consumers.has(tag) || this.replyConsumer?.tag === tag) {
      throw connectionError(530, `attempt to reuse consumer tag '${tag}'`);
    }
  }

  /** Takes a consumer away from the server's side, and tells the client. */
  cancelFromServer(consumer: QueueConsumer): void {
    consumer.queue.cancel(consumer);
    this.cancelled(consumer);
  }

  /** The peer can be written to again, or a limit was raised: consumers get what waits for them. */
  wake(): void {
    const queues = new Set<Queue>();
    for (const { queue } of this.consumers.values()) queues.add(queue);
    // Not before all stand in line again, and in turn: the first would otherwise get everything.
    const inTurn = startingAfter(this.#served, [...queues]);
    for (const queue of inTurn.filter((candidate) => candidate.rejoinAll(this))) queue.startDelivering();
  }

  /** tx.commit: publishes, then settles; 406 when a queue refused a message, though what the others took stays there. */
  commit(): void {
    if (this.transaction === undefined) throw channelError(406, 'channel is not transactional');
    const { publications, settlements } = this.transaction.take();
    const accepted = publications.map((publication) => routePublication(this.host, this.number, publication));
    for (const { apply } of settlements) apply();
    if (accepted.includes(false)) throw channelError(406, 'partial tx completion');
  }

  /** tx.rollback: forgets publications; settled deliveries can be settled again. */
  rollback(): void {
    if (this.transaction === undefined) throw channelError(406, 'channel is not transactional');
    const { settlements } = this.transaction.take();
    this.#unacked.restore(settlements.flatMap(({ deliveries }) => deliveries));
  }

  beforeFlush(): void {
    this.#flushWaits = false;
    if (this.#state === 'open') this.confirms?.flush();
  }

  /**
   * Ends the channel: queue after queue, consumers leave and unacknowledged messages go back.
   *
   * @param isAsked the client closes it, and still gets what comes meanwhile
   */
  end(isAsked: boolean): void {
    if (this.#state !== 'open') return;
    this.#state = isAsked ? 'leaving' : 'cut off';
    this.#timeout.stop();
    if (this.replyConsumer !== undefined) this.host.environment.replies.unregister(this.replyConsumer.address);
    const held = this.transaction?.take().settlements.flatMap(({ deliveries }) => deliveries) ?? [];
    this.#unacked.restore(held);
    const consumers = [...this.consumers.values()];
    const { inTurn, atOnce } = planDeparture(consumers, this.#unacked);
    for (const queue of inTurn) this.#leave(queue, consumers);
    this.#state = 'ended';
    for (const queue of atOnce) queue.detach(consumers);
    for (const queue of atOnce) this.#leave(queue, []);
    this.consumers.clear();
  }

  #leave(queue: Queue, consumers: readonly QueueConsumer[]): void {
    const deliveries = returnOrder(this.#unacked.takeFrom(queue), queue, this.host.environment.profile);
    this.#settler.forget(deliveries);
    queue.abandon(
      consumers,
      deliveries.map(({ message }) => message),
    );
  }

  #completePublish(content: Content): void {
    const method = this.#publish;
    if (method === undefined) return;
    const announced = this.#assembly.bodySize;
    const publication = preparePublication(this.host, method, content, announced, this.replyConsumer?.address);
    if (this.transaction !== undefined) {
      this.transaction.publish(routedInAdvance(this.host, publication));
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

  #track(tag: number, message: Message, queue: Queue, consumer: QueueConsumer | undefined): void {
    const sentAt = this.host.environment.clock.now();
    const delivery = { tag, message, queue, consumer, sentAt, takenBack: false };
    this.#unacked.add(delivery);
    this.#timeout.watch(delivery);
  }

  #failWaiting(timeoutMs: number): void {
    this.host.failChannel(
      this.number,
      406,
      `delivery acknowledgement on channel ${this.number} timed out. Timeout value used: ${timeoutMs} ms. ` +
        'This timeout value can be configured, see consumers doc guide to learn more',
    );
  }

  /**
   * RabbitMQ 4.3 tells the client by basic.cancel, yet keeps the consumer: once all that it was late with is settled, the
   * queue goes on delivering to it, and may so send another basic.cancel for the same tag.
   */
  #takeBack(consumer: QueueConsumer, deliveries: readonly Delivery[]): void {
    // Nor can a consumer be taken away that its client has cancelled.
    if (!this.host.understandsCancel || this.consumers.get(consumer.tag) !== consumer) {
      this.#failWaiting(-1);
      return;
    }
    this.send('basic.cancel', { consumerTag: consumer.tag, nowait: true });
    this.#unacked.takeBack(deliveries);
    this.#settler.takeBack(consumer, deliveries);
  }
}
