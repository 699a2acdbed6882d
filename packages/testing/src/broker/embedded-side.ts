import { Broker, type BrokerOptions, type MessageView, VirtualClock } from '@leveret/broker';
import type { Clock, Message } from '@leveret/core';
import type { ManagementOptions } from 'leveret';
import { HarnessError } from '../errors/harness-error.js';
import type { BrokerFacts } from '../rest/why-busy.js';
import type { BrokerSide } from './broker-side.js';
import { type QueuedMessage, queuedMessage } from './queued-message.js';

/** A broker of this harness alone, in this process. Its clock stands still until it is advanced. */
export class EmbeddedSide implements BrokerSide {
  readonly kind = 'embedded';
  readonly quietMs = 0;
  readonly broker: Broker;
  readonly clock: Clock;

  private constructor(broker: Broker) {
    this.broker = broker;
    const { clock } = broker;
    this.clock = {
      now: () => clock.wallTime(),
      monotonic: () => clock.now(),
      after: (ms, callback) => {
        const call = clock.schedule(callback, ms);
        return () => call.cancel();
      },
    };
  }

  static async start(options: Omit<BrokerOptions, 'clock'>): Promise<EmbeddedSide> {
    const clock = new VirtualClock({ running: false });
    return new EmbeddedSide(await Broker.start({ managementPort: 0, ...options, clock }));
  }

  get url(): string {
    return this.broker.url;
  }

  get management(): ManagementOptions | undefined {
    const url = this.broker.managementUrl;
    return url === undefined ? undefined : { url };
  }

  facts(connectionName: string): BrokerFacts {
    const { broker } = this;
    let unacked = 0;
    for (const { clientProperties, channels } of broker.connections) {
      if (clientProperties['connection_name'] !== connectionName) continue;
      for (const channel of channels) unacked += channel.unacked;
    }
    return { unacked, queue: (name) => broker.queue(name) };
  }

  async messages(queue: string): Promise<readonly QueuedMessage[]> {
    const found = this.broker.queue(queue);
    if (found !== undefined) return found.messages.map((message) => queuedMessage(messageOf(message)));
    const known = this.broker.queues().map(({ name }) => name);
    throw new HarnessError(`expected a queue ${JSON.stringify(queue)}, known are: ${known.join(', ') || 'none'}`);
  }

  checkAdvance(): void {}

  step(limit: number): boolean {
    const { clock } = this.broker;
    const dueAt = clock.nextDueAt;
    if (dueAt === undefined) return false;
    const waitMs = Math.max(0, dueAt - clock.now());
    if (clock.now() + waitMs > limit) return false;
    clock.advance(waitMs);
    return true;
  }

  async pass(until: number): Promise<void> {
    const { clock } = this.broker;
    clock.advance(Math.max(0, until - clock.now()));
  }

  close(): Promise<void> {
    return this.broker.close();
  }
}

/** The broker shows properties by their AMQP names; leveret's messages have them in camel case. */
function messageOf({ body, exchange, routingKey, redelivered, properties, headers }: MessageView): Message {
  const camel = Object.entries(properties).map(([name, value]) => [
    name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return { ...(Object.fromEntries(camel) as object), body, headers, exchange, routingKey, redelivered };
}
