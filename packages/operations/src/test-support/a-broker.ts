import type { BrokerSession, SessionConsumer, SessionSink } from '@leveret/amqplib';
import type { Delivery, Message, Publication, PublishChannel, PublishOutcome } from '@leveret/core';
import type { OperationsSession } from '../session/operations-session.js';
import { aMessage } from './a-message.js';
import type { HandClock } from './hand-clock.js';

/** One queue at a broker that is none: it hands out what it has to its one consumer, and remembers what it was told. */
export class ABroker {
  readonly log: string[] = [];
  /** What is ready, and what a consumer has. */
  ready: Message[];
  held = new Map<number, Message>();
  isThere = true;
  consumers = 0;
  /** Errors that the next attempts to consume meet. */
  refusals: (Error | undefined)[] = [];
  /** Does not say yet that it has something ready. */
  isSlow = false;
  /** Hands out nothing. */
  isStalled = false;
  /** What was published elsewhere, and confirmed. */
  readonly published: Publication[] = [];
  /** Other queues that are there. */
  readonly others = new Set<string>();
  /** What becomes of a publish. Default: it is put at the end of the queue `q`, or noted. */
  confirm: (publication: Publication) => PublishOutcome = () => ({ kind: 'ack', returned: undefined });
  sink: SessionSink | undefined;
  #tag = 0;
  readonly clock: HandClock;

  readonly name: string;

  constructor(clock: HandClock, count = 0, name = 'q') {
    this.clock = clock;
    this.name = name;
    this.ready = Array.from({ length: count }, (_, index) => aMessage({ messageId: `m${index}` }));
  }

  get ids(): (string | undefined)[] {
    return this.ready.map(({ messageId }) => messageId);
  }

  get session(): OperationsSession {
    const session = {
      ...{
        broker: this.broker,
        clock: this.clock,
        queueType: async () => 'classic',
        management: async () => undefined,
      },
      exclusively: <T>(_to: string, _queue: string, work: () => Promise<T>) => work(),
    };
    return session as unknown as OperationsSession;
  }

  /** Hands out what is ready. */
  handOut(): void {
    while (!this.isStalled && this.sink !== undefined && this.ready.length > 0) {
      const message = this.ready.shift() as Message;
      const deliveryTag = ++this.#tag;
      this.held.set(deliveryTag, message);
      const channel = {
        ack: (tag: number) => {
          this.held.delete(tag);
          return true;
        },
      };
      this.sink.delivered({ message, deliveryTag, queue: 'q', channel } as unknown as Delivery);
    }
  }

  put(messageId: string): void {
    this.ready.push(aMessage({ messageId }));
    this.handOut();
  }

  get broker(): BrokerSession {
    const broker = {
      ...{ isOpen: true, broker: { version: '4.3.6' } },
      queue: async (name: string) => {
        if (this.others.has(name)) return { messages: 0, consumers: 0 };
        if (!this.isThere || name !== this.name) return undefined;
        return { messages: this.isSlow ? 0 : this.ready.length, consumers: this.consumers };
      },
      consume: async (_queue: string, options: object, sink: SessionSink): Promise<SessionConsumer> => {
        this.log.push(`consume ${JSON.stringify(options)}`);
        const refusal = this.refusals.shift();
        if (refusal !== undefined) throw refusal;
        this.sink = sink;
        // Deliveries come behind the answer.
        setImmediate(() => this.handOut());
        return {
          isOpen: true,
          cancel: async () => {
            this.log.push('cancel');
            this.sink = undefined;
          },
          giveBackAll: () => {
            this.log.push('give back');
            this.#back();
            return true;
          },
          close: async () => {
            this.log.push('close');
            this.sink = undefined;
            this.#back();
          },
        };
      },
      declareQueue: async (name: string, options: object) => {
        this.log.push(`declare ${name} ${JSON.stringify(options)}`);
        this.others.add(name);
      },
      deleteQueue: async (name: string) => void this.log.push(`delete ${name}`),
      openPublishChannel: async (): Promise<PublishChannel> => ({
        isOpen: true,
        publish: (publication, settled) => {
          const outcome = this.confirm(publication);
          if (outcome.kind === 'ack' && outcome.returned === undefined) {
            const { body, headers, properties, exchange, routingKey } = publication;
            if (exchange !== '' || routingKey !== this.name) this.published.push(publication);
            else this.ready.push({ ...properties, body, headers, exchange, routingKey, redelivered: false });
          }
          setImmediate(() => settled(outcome));
          return true;
        },
        drained: async () => {},
        onEnd: () => {},
        close: async () => void this.log.push('close writer'),
      }),
    };
    return broker as unknown as BrokerSession;
  }

  #back(): void {
    this.ready = [...this.held.values(), ...this.ready];
    this.held.clear();
  }
}
