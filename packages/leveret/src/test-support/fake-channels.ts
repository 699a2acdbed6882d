import type {
  ChannelEnd,
  ConsumeRequest,
  DeliveryChannel,
  DeliverySink,
  Message,
  Publication,
  PublishChannel,
  PublishOutcome,
  Subscription,
} from '@leveret/core';
import { LeveretError } from '@leveret/core';
import { sampleMessage } from './sample-delivery.js';

/** A consumer with its channel, which ends as one of RabbitMQ does: nothing is settled on it afterwards. */
export class FakeConsumer implements Subscription, DeliveryChannel {
  readonly request: ConsumeRequest;
  readonly ready: Promise<void>;
  /** Settlements that came too late: the broker never sees them. */
  readonly late: string[] = [];
  readonly #sink: DeliverySink;
  readonly #tell: (what: string) => void;
  readonly #settled: string[];
  readonly #unsettled = new Set<number>();
  #state: 'starting' | 'consuming' | 'cancelled' | 'closed' = 'starting';
  #refuse: (error: Error) => void = () => {};

  constructor(
    request: ConsumeRequest,
    sink: DeliverySink,
    begin: Promise<void>,
    told: { readonly step: (what: string) => void; readonly settled: string[] },
  ) {
    this.request = request;
    this.#sink = sink;
    this.#tell = told.step;
    this.#settled = told.settled;
    const ended = new Promise<never>((_resolve, reject) => {
      this.#refuse = reject;
    });
    const begun = begin.then(() => {
      if (this.#state !== 'starting') return;
      this.#state = 'consuming';
      sink.consuming(request.tagPrefix);
    });
    this.ready = Promise.race([begun, ended]);
  }

  get consumes(): boolean {
    return this.#state === 'consuming';
  }

  get isOpen(): boolean {
    return this.#state !== 'closed';
  }

  /** Deliveries that go back to the queue when the channel ends. */
  get unsettled(): readonly number[] {
    return [...this.#unsettled];
  }

  deliver(deliveryTag: number, payload: unknown, rest: Partial<Message>): void {
    const { queue, noAck } = this.request;
    if (!noAck) this.#unsettled.add(deliveryTag);
    const message = sampleMessage(payload, rest);
    this.#sink.deliver({ message, queue, deliveryTag, consumerTag: 'fake', receivedAt: 0, channel: this });
  }

  ack(tag: number): boolean {
    return this.#settle('ack', tag);
  }

  reject(tag: number, requeue: boolean): boolean {
    return this.#settle(requeue ? 'requeue' : 'reject', tag);
  }

  giveBack(tag: number): boolean {
    return this.#settle('give-back', tag);
  }

  pause(): void {}

  resume(): void {}

  async cancel(): Promise<void> {
    if (this.#state !== 'starting' && this.#state !== 'consuming') return;
    this.#tell(`cancel ${this.request.queue}`);
    this.#state = 'cancelled';
    this.#refuse(new LeveretError('LEV_CHANNEL_CLOSED', 'the subscription was cancelled before it began'));
  }

  async close(): Promise<void> {
    await this.cancel();
    this.#state = 'closed';
  }

  /** The connection is lost: the channel with it; `recover` consumes again on another one. */
  lose(error: Error): void {
    if (!this.isOpen) return;
    this.#state = 'closed';
    this.#sink.interrupted('connection-lost', error);
  }

  /** As the broker does for a tag that it does not know, or knows no more, a second settlement is a fault of the test. */
  #settle(how: string, tag: number): boolean {
    if (!this.isOpen) {
      this.late.push(`${how} ${tag}`);
      return false;
    }
    if (!this.#unsettled.delete(tag)) throw new Error(`406 PRECONDITION_FAILED - unknown delivery tag ${tag}`);
    this.#settled.push(`${how} ${tag}`);
    return true;
  }
}

/** A channel to publish on, which ends once: what was not confirmed by then is lost. */
export class FakePublishChannel implements PublishChannel {
  readonly #published: Publication[];
  readonly #confirming: () => boolean;
  readonly #pending = new Set<(outcome: PublishOutcome) => void>();
  #end: ChannelEnd | undefined;
  #onEnd: (end: ChannelEnd) => void = () => {};

  constructor(published: Publication[], confirming: () => boolean) {
    this.#published = published;
    this.#confirming = confirming;
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  publish(publication: Publication, settled: (outcome: PublishOutcome) => void): boolean {
    const end = this.#end;
    if (end !== undefined) {
      queueMicrotask(() => settled({ kind: 'lost', closed: end }));
      return true;
    }
    this.#published.push(publication);
    this.#pending.add(settled);
    if (this.#confirming()) {
      queueMicrotask(() => {
        if (this.#pending.delete(settled)) settled({ kind: 'ack', returned: undefined });
      });
    }
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  onEnd(listener: (end: ChannelEnd) => void): void {
    this.#onEnd = listener;
  }

  async close(): Promise<void> {
    this.end({ kind: 'closed' });
  }

  end(end: ChannelEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const lost = [...this.#pending];
    this.#pending.clear();
    for (const settled of lost) settled({ kind: 'lost', closed: end });
    this.#onEnd(end);
  }
}
