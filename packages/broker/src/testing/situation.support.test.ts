import { expect } from 'chai';
import { Broker } from '../broker.js';
import type { BrokerOptions } from '../broker-options.js';
import type { BrokerVersion } from '../version/version-profile.js';
import { RawClient, type RawClientOptions } from './raw-client.support.test.js';

/** Every release line the broker can behave as. */
export const VERSIONS: readonly BrokerVersion[] = ['3.10', '4.0', '4.3'];

/** A broker with raw clients, all closed at the end. */
export class Situation implements AsyncDisposable {
  readonly broker: Broker;
  readonly #clients: RawClient[] = [];

  private constructor(broker: Broker) {
    this.broker = broker;
  }

  static async start(options: BrokerOptions = {}): Promise<Situation> {
    return new Situation(await Broker.start(options));
  }

  /** A client with channel 1 open. */
  async client(options: RawClientOptions = {}): Promise<RawClient> {
    const client = await this.connect(options);
    client.send(1, 'channel.open');
    await client.settle();
    return client;
  }

  /** A client without channels. */
  async connect(options: RawClientOptions = {}): Promise<RawClient> {
    const client = await RawClient.connect(this.broker.port, options);
    this.#clients.push(client);
    return client;
  }

  /** A client that has said nothing yet. */
  async open(): Promise<RawClient> {
    const client = await RawClient.open(this.broker.port);
    this.#clients.push(client);
    return client;
  }

  /** Cuts the connection of every client. */
  disconnect(): void {
    for (const client of this.#clients) client.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disconnect();
    await this.broker.close();
  }
}

/** Waits until something is so; fails after two seconds with what it was instead. */
export async function eventually(check: () => void): Promise<void> {
  const deadline = performance.now() + 2_000;
  for (;;) {
    try {
      check();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Settles a client and compares what it saw. */
export async function expectLines(client: RawClient, lines: readonly string[]): Promise<void> {
  expect(await client.lines()).to.deep.equal(lines);
}
