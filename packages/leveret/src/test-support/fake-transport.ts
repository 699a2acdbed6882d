import {
  type ChannelEnd,
  type ConnectionEvent,
  type ConnectionHealth,
  type ConnectionRole,
  type ConsumeRequest,
  type DeliverySink,
  LeveretError,
  type Message,
  type Publication,
  type PublishChannel,
  type ReplyChannel,
  type Subscription,
  type Topology,
  type Transport,
} from '@leveret/core';
import { FakeConsumer, FakePublishChannel } from './fake-channels.js';

/**
 * A broker in memory that confirms everything at once and writes down what it is asked for. Its channels and connections end
 * as real ones do: by a close, and by {@link cut}.
 */
export class FakeTransport implements Transport {
  /** What happened, in order: `declare`, `connect consume`, `consume q`, `cancel q`, `close`. */
  readonly steps: string[] = [];
  readonly declared: Topology[] = [];
  readonly published: Publication[] = [];
  /** How deliveries were settled: `ack 1`, `reject 2`, `requeue 3`, `give-back 4`. */
  readonly settled: string[] = [];
  /** Makes connecting fail, or wait. */
  connecting: (role: ConnectionRole) => Promise<void> = () => Promise.resolve();
  /** Makes consuming fail, or wait. */
  consuming: (queue: string) => Promise<void> = () => Promise.resolve();
  /** Whether publishes are confirmed. */
  confirming = true;
  publishBlocked = false;
  readonly broker = { product: 'Fake', version: '1', frameMax: 131_072 };
  readonly #consumers: FakeConsumer[] = [];
  readonly #publishChannels = new Set<FakePublishChannel>();
  readonly #listeners = new Set<(event: ConnectionEvent) => void>();
  readonly #connected = new Map<ConnectionRole, 'connected' | 'waiting'>();
  #closing: Promise<void> | undefined;
  #tag = 0;

  async declare(topology: Topology): Promise<void> {
    this.steps.push('declare');
    this.declared.push(topology);
  }

  async connect(role: ConnectionRole): Promise<void> {
    this.steps.push(`connect ${role}`);
    this.#refuseWhenClosed();
    await this.connecting(role);
    this.#refuseWhenClosed();
    this.#connected.set(role, 'connected');
    this.emit({ type: 'connected', role, host: 'fake', broker: this.broker, again: false });
  }

  subscribe(request: ConsumeRequest, sink: DeliverySink): Subscription {
    this.steps.push(`consume ${request.queue}`);
    const begin = this.#closing === undefined ? this.consuming(request.queue) : Promise.reject(closed());
    const told = { step: (what: string) => void this.steps.push(what), settled: this.settled };
    const consumer = new FakeConsumer(request, sink, begin, told);
    this.#consumers.push(consumer);
    return consumer;
  }

  /** Delivers a message to the consumer of a queue. Answers its delivery tag. */
  deliver(queue: string, payload: unknown, rest: Partial<Message> = {}): number {
    const consumer = this.#consumers.find(({ request, consumes }) => consumes && request.queue === queue);
    if (consumer === undefined) throw new Error(`nobody consumes ${queue}`);
    const deliveryTag = ++this.#tag;
    consumer.deliver(deliveryTag, payload, rest);
    return deliveryTag;
  }

  /** Settlements that came after the end of their channel. */
  get late(): readonly string[] {
    return this.#consumers.flatMap(({ late }) => late);
  }

  /** Tags of deliveries that were never settled: they go back to their queues. */
  get unsettled(): readonly number[] {
    return this.#consumers.flatMap(({ unsettled }) => unsettled);
  }

  /** Loses a connection with all that is on it. It does not come back by itself. */
  cut(role: ConnectionRole, error = new Error('socket closed')): void {
    this.#connected.set(role, 'waiting');
    this.emit({ type: 'disconnected', role, error });
    if (role === 'consume') for (const consumer of this.#consumers) consumer.lose(error);
    else this.#endPublishing({ kind: 'connection-lost', error });
  }

  async openPublishChannel(): Promise<PublishChannel> {
    if (this.#closing !== undefined || this.#connected.get('publish') === 'waiting') {
      throw new LeveretError('LEV_PUBLISH_NOT_CONNECTED', 'there is no connection');
    }
    const channel = new FakePublishChannel(this.published, () => this.confirming);
    this.#publishChannels.add(channel);
    return channel;
  }

  openReplyChannel(): Promise<ReplyChannel> {
    return Promise.reject(new Error('the fake has no replies'));
  }

  health(): readonly ConnectionHealth[] {
    return (['consume', 'publish'] as const).map((role) => ({
      role,
      state: this.#closing === undefined ? (this.#connected.get(role) ?? 'idle') : 'closed',
      blocked: role === 'publish' && this.publishBlocked,
      host: undefined,
      lastError: undefined,
    }));
  }

  on(listener: (event: ConnectionEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: ConnectionEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.steps.push('close');
    for (const consumer of this.#consumers) void consumer.close();
    // The end of a connection is heard of a little later.
    await Promise.resolve();
    this.#endPublishing({ kind: 'closed' });
  }

  #endPublishing(end: ChannelEnd): void {
    for (const channel of this.#publishChannels) channel.end(end);
    this.#publishChannels.clear();
  }

  #refuseWhenClosed(): void {
    if (this.#closing !== undefined) throw closed();
  }
}

function closed(): LeveretError {
  return new LeveretError('LEV_INVALID_STATE', 'The transport is closed; make a new one.');
}

/** Resolves once the condition holds, looking again after each turn of the event loop; rejects after 2 s. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const limit = performance.now() + 2000;
  while (!holds()) {
    if (performance.now() > limit) throw new Error(`expected within 2 s: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
