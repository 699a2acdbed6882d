import {
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
import { sampleMessage } from './sample-delivery.js';

/** A broker in memory that confirms everything at once and writes down what it is asked for. */
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
  readonly #subscribed = new Map<string, { readonly request: ConsumeRequest; readonly sink: DeliverySink }>();
  readonly #listeners = new Set<(event: ConnectionEvent) => void>();
  readonly #open = new Set<ConnectionRole>();
  readonly #atClose: (() => void)[] = [];
  #closed = false;
  #tag = 0;

  async declare(topology: Topology): Promise<void> {
    this.steps.push('declare');
    this.declared.push(topology);
  }

  async connect(role: ConnectionRole): Promise<void> {
    this.steps.push(`connect ${role}`);
    await this.connecting(role);
    this.#open.add(role);
    this.emit({ type: 'connected', role, host: 'fake', broker: this.broker, again: false });
  }

  subscribe(request: ConsumeRequest, sink: DeliverySink): Subscription {
    this.steps.push(`consume ${request.queue}`);
    let cancelled: (error: Error) => void = () => {};
    const begun = this.consuming(request.queue).then(() => {
      this.#subscribed.set(request.queue, { request, sink });
      sink.consuming(request.tagPrefix);
    });
    const ended = new Promise<void>((_resolve, reject) => {
      cancelled = reject;
    });
    const ready = Promise.race([begun, ended]);
    const end = async (step: string) => {
      cancelled(new LeveretError('LEV_CHANNEL_CLOSED', 'the subscription was cancelled before it began'));
      this.steps.push(`${step} ${request.queue}`);
      this.#subscribed.delete(request.queue);
    };
    return { ready, pause: () => {}, resume: () => {}, cancel: () => end('cancel'), close: async () => {} };
  }

  /** Delivers a message to the consumer of a queue. Answers its delivery tag. */
  deliver(queue: string, payload: unknown, rest: Partial<Message> = {}): number {
    const subscribed = this.#subscribed.get(queue);
    if (subscribed === undefined) throw new Error(`nobody consumes ${queue}`);
    const deliveryTag = ++this.#tag;
    const settle = (how: string) => {
      this.settled.push(`${how} ${deliveryTag}`);
      return true;
    };
    subscribed.sink.deliver({
      message: sampleMessage(payload, rest),
      queue,
      deliveryTag,
      consumerTag: 'fake',
      receivedAt: 0,
      channel: {
        isOpen: true,
        ack: () => settle('ack'),
        reject: (_tag, requeue) => settle(requeue ? 'requeue' : 'reject'),
        giveBack: () => settle('give-back'),
      },
    });
    return deliveryTag;
  }

  async openPublishChannel(): Promise<PublishChannel> {
    if (this.#closed) throw new LeveretError('LEV_PUBLISH_NOT_CONNECTED', 'the fake is closed');
    const transport = this;
    return {
      get isOpen() {
        return !transport.#closed;
      },
      publish: (publication, settled) => {
        this.published.push(publication);
        if (this.confirming) queueMicrotask(() => settled({ kind: 'ack', returned: undefined }));
        else this.#atClose.push(() => settled({ kind: 'lost', closed: { kind: 'closed' } }));
        return true;
      },
      drained: () => Promise.resolve(),
      onEnd: (listener) => this.#atClose.push(() => queueMicrotask(() => listener({ kind: 'closed' }))),
      close: () => Promise.resolve(),
    };
  }

  openReplyChannel(): Promise<ReplyChannel> {
    return Promise.reject(new Error('the fake has no replies'));
  }

  health(): readonly ConnectionHealth[] {
    return (['consume', 'publish'] as const).map((role) => ({
      role,
      state: this.#open.has(role) ? 'connected' : 'idle',
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

  async close(): Promise<void> {
    this.steps.push('close');
    this.#open.clear();
    this.#closed = true;
    for (const end of this.#atClose.splice(0)) end();
  }
}

/** Resolves once the condition holds, looking again after each turn of the event loop; rejects after 2 s. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const limit = Date.now() + 2000;
  while (!holds()) {
    if (Date.now() > limit) throw new Error(`expected within 2 s: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
