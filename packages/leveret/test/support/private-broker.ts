import { after, type Suite } from 'mocha';
import {
  onEachImpatientNode,
  onEachMortalNode,
  onEachNode,
  onRabbitMQNode,
  type SuiteNode,
} from '../../../../tools/scripts/each-broker.mjs';
import { Management } from './management.js';
import { RawClient } from './raw-client.js';

/** A broker of this process alone, embedded or RabbitMQ, with the means to look into it. */
export class PrivateBroker {
  readonly #node: SuiteNode;
  #raw: Promise<RawClient> | undefined;

  constructor(node: SuiteNode) {
    this.#node = node;
  }

  /** `the embedded broker` or `RabbitMQ <version>`. */
  get name(): string {
    return this.#node.name;
  }

  get url(): string {
    return this.#node.url;
  }

  get port(): number {
    return this.#node.port;
  }

  get managementUrl(): string {
    return this.#node.managementUrl;
  }

  get management(): Management {
    return new Management(this.managementUrl);
  }

  /** Whether its version is this one or later. */
  isAtLeast(version: '4.0' | '4.3'): boolean {
    return Number(this.#node.version) >= Number(version) && this.#node.version !== '3.10';
  }

  /** Amqplib by hand, connected when first asked for. */
  raw(): Promise<RawClient> {
    this.#raw ??= RawClient.connect(this.url);
    return this.#raw;
  }

  start(): Promise<void> {
    return this.#node.start();
  }

  /** A clean stop; the data stays. */
  async stop(): Promise<void> {
    await this.forgetRaw();
    await this.#node.stop();
  }

  /** Before a `kill()`: has what was declared so far written to disk, or the broker may forget it with its messages. */
  keepDeclarations(): Promise<void> {
    return this.#node.keepDeclarations();
  }

  /** As SIGKILL; the data stays, as far as the broker had written it. */
  async kill(): Promise<void> {
    this.#raw?.catch(() => undefined);
    this.#raw = undefined;
    await this.#node.kill();
  }

  /** Raises the memory alarm, or ends it. */
  memoryAlarm(raised: boolean): Promise<void> {
    return this.#node.memoryAlarm(raised);
  }

  /** Changes the password of a user; connections that stand stay. */
  changePassword(user: string, password: string): Promise<void> {
    return this.#node.changePassword(user, password);
  }

  /** Ends what {@link raw} gave. */
  async forgetRaw(): Promise<void> {
    const raw = await this.#raw?.catch(() => undefined);
    this.#raw = undefined;
    await raw?.[Symbol.asyncDispose]();
  }
}

/** What is asked of a situation on one of the brokers. */
type BrokerSuite = (this: Suite, broker: PrivateBroker) => void;

/**
 * A describe of the situation for each broker: the embedded one, and a private RabbitMQ where one is installed. All suites
 * share one node of each: they use queue names of their own and never stop it.
 */
export function onEachBroker(title: string, suite: BrokerSuite): void {
  onEachNode(title, on(suite));
}

/** The same on a second node of each, for suites that stop, kill or block it. */
export function onEachMortalBroker(title: string, suite: BrokerSuite): void {
  onEachMortalNode(title, on(suite));
}

/** The same on RabbitMQ alone, for what the embedded broker has not: streams. */
export function onRabbitMQ(title: string, suite: BrokerSuite): void {
  onRabbitMQNode(title, on(suite));
}

/** The same on a third node of each, which takes back what is not settled within 2 s. */
export function onEachImpatientBroker(title: string, suite: BrokerSuite): void {
  onEachImpatientNode(title, on(suite));
}

function on(suite: BrokerSuite) {
  return function (this: Suite, node: SuiteNode): void {
    const broker = new PrivateBroker(node);
    after(() => broker.forgetRaw());
    suite.call(this, broker);
  };
}
