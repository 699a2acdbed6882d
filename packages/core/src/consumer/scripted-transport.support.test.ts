import type { Message } from '../message/message.js';
import type { Topology } from '../topology/topology.js';
import { aDelivery, RecordingChannel } from '../transport/delivery.support.test.js';
import type {
  BrokerFacts,
  ConsumeRequest,
  DeliverySink,
  InterruptionCause,
  PublishChannel,
  ReplyChannel,
  Subscription,
  Transport,
} from '../transport/transport.js';

/** A subscription whose broker is the test. Ready, cancelled and closed at once unless told to hang. */
export class ScriptedSubscription implements Subscription {
  readonly request: ConsumeRequest;
  readonly sink: DeliverySink;
  readonly ready: Promise<void>;
  /** What was asked of it, in order. */
  readonly calls: string[] = [];
  channel = new RecordingChannel();
  hangs: 'cancel' | 'close' | undefined;
  #ready: () => void = () => {};
  #failed: (error: Error) => void = () => {};
  #tag = 0;

  constructor(request: ConsumeRequest, sink: DeliverySink) {
    this.request = request;
    this.sink = sink;
    this.ready = new Promise((resolve, reject) => {
      this.#ready = resolve;
      this.#failed = reject;
    });
  }

  /** `consume-ok`. */
  consumeOk(): void {
    this.sink.consuming(`${this.request.tagPrefix}-tag`);
    this.#ready();
  }

  fail(error: Error): void {
    this.sink.failed(error);
    this.#failed(error);
  }

  /** Refuses to begin, without a word to the sink. */
  refuse(error: Error): void {
    this.#failed(error);
  }

  deliver(...texts: string[]): void {
    for (const text of texts) this.deliverMessage({ text });
  }

  deliverMessage(of: Partial<Message> & { readonly text?: string }): void {
    this.sink.deliver(aDelivery({ of, channel: this.channel, deliveryTag: ++this.#tag }));
  }

  /** The channel goes, and another one comes. */
  reconnect(cause: InterruptionCause = 'connection-lost'): void {
    this.channel.close();
    this.sink.interrupted(cause, new Error('connection reset'));
    this.channel = new RecordingChannel();
    this.#tag = 0;
  }

  pause(): void {
    this.calls.push('pause');
  }

  resume(prefetch: number): void {
    this.calls.push(`resume ${prefetch}`);
  }

  async cancel(): Promise<void> {
    this.calls.push('cancel');
    this.#failed(new Error('cancelled before it began'));
    if (this.hangs === 'cancel') await new Promise(() => {});
  }

  async close(): Promise<void> {
    this.calls.push('close');
    this.channel.close();
    if (this.hangs === 'close') await new Promise(() => {});
  }
}

/** A transport that only subscribes, and leaves the rest to the test. */
export class ScriptedTransport implements Transport {
  readonly subscriptions: ScriptedSubscription[] = [];
  readonly publishBlocked = false;
  broker: BrokerFacts | undefined = { product: 'RabbitMQ', version: '3.10.8', frameMax: 131_072 };
  /** Whether `consume-ok` comes by itself. */
  answers = true;

  subscribe(request: ConsumeRequest, sink: DeliverySink): Subscription {
    const subscription = new ScriptedSubscription(request, sink);
    this.subscriptions.push(subscription);
    if (this.answers) queueMicrotask(() => subscription.consumeOk());
    return subscription;
  }

  /** The subscription begun last. */
  get last(): ScriptedSubscription {
    const last = this.subscriptions.at(-1);
    if (last === undefined) throw new Error('nobody has subscribed');
    return last;
  }

  /** What the channels have sent, over all subscriptions. */
  get frames(): readonly string[] {
    return this.subscriptions.flatMap(({ channel }) => channel.frames);
  }

  declare(_topology: Topology): Promise<void> {
    return Promise.resolve();
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  openPublishChannel(): Promise<PublishChannel> {
    return Promise.reject(new Error('not in this test'));
  }

  openReplyChannel(): Promise<ReplyChannel> {
    return Promise.reject(new Error('not in this test'));
  }

  health(): readonly [] {
    return [];
  }

  on(): () => void {
    return () => {};
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A handler that works until it is told to end, one delivery after the other. */
export class SlowHandler {
  readonly began: string[] = [];
  readonly signals: AbortSignal[] = [];
  readonly #ends: (() => void)[] = [];

  readonly handle = ({
    payload,
    signal,
  }: {
    readonly payload: unknown;
    readonly signal: AbortSignal;
  }): Promise<void> => {
    this.began.push(String(payload));
    this.signals.push(signal);
    return new Promise((resolve) => this.#ends.push(resolve));
  };

  /** Lets the delivery begun first of those at work end. */
  end(): void {
    this.#ends.shift()?.();
  }
}
