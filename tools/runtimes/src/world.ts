import { Broker, type MessageView } from '@leveret/broker';
import { Leveret, type LeveretEvent, type LeveretOptions } from 'leveret';

/** How long a situation may wait for what it expects. */
const PATIENCE_MS = 5000;

/** A broker, and what situations ask of it. */
export class World {
  readonly broker: Broker;
  #count = 0;
  #apps: Leveret[] = [];

  private constructor(broker: Broker) {
    this.broker = broker;
  }

  static async start(): Promise<World> {
    return new World(await Broker.start());
  }

  /** A name that no other situation has. */
  name(what: string): string {
    return `${what}-${++this.#count}`;
  }

  async app(options: LeveretOptions): Promise<Running> {
    const events: LeveretEvent[] = [];
    const app = await Leveret.start({
      logger: 'silent',
      connection: { urls: this.broker.url },
      onEvent: (event) => events.push(event),
      ...options,
    });
    this.#apps.push(app);
    return new Running(app, this.broker, events);
  }

  /** Closes what the situation has started: not every runtime knows `await using`. */
  async closeApps(): Promise<void> {
    await Promise.all(this.#apps.splice(0).map((app) => app.close()));
  }

  close(): Promise<void> {
    return this.broker.close();
  }
}

/** An application that is running. */
export class Running {
  readonly app: Leveret;
  readonly events: readonly LeveretEvent[];
  readonly #broker: Broker;

  constructor(app: Leveret, broker: Broker, events: readonly LeveretEvent[]) {
    this.app = app;
    this.#broker = broker;
    this.events = events;
  }

  /** Publishes to a queue, and resolves when the broker has it. */
  async send(queue: string, payload: unknown, options: object = {}): Promise<void> {
    await this.app.publisher.publish('', queue, payload as object, options);
  }

  messages(queue: string): readonly MessageView[] {
    return this.#broker.queue(queue)?.messages ?? [];
  }

  /** Waits until the queue has that many messages, and answers them. */
  async parked(queue: string, count = 1): Promise<readonly MessageView[]> {
    await until(`${count} messages in ${queue}`, () => this.messages(queue).length === count);
    return this.messages(queue);
  }

  /** Waits until nothing is left in the queue, or with its consumers. */
  async settled(queue: string): Promise<void> {
    const view = () => this.#broker.queue(queue);
    await until(`${queue} to be empty`, () => view()?.ready === 0 && view()?.unacked === 0);
  }

  /** How often each outcome of deliveries was told. */
  count(type: LeveretEvent['type']): number {
    return this.events.filter((event) => event.type === type).length;
  }
}

/** Waits for a condition, with a bound. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`expected ${what} within ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
