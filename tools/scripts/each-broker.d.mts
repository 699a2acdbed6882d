/** Types of each-broker.mjs, written by hand as those of brokers.mjs. */
import type { Suite } from 'mocha';
import type { BrokerVersion } from './brokers.mjs';

/** A node that suites are run on: the embedded broker, or a private RabbitMQ of the same version. */
export interface SuiteNode {
  /** `the embedded broker` or `RabbitMQ <version>`. Name and version are known before it runs, the rest only then. */
  readonly name: string;
  readonly version: BrokerVersion;
  /** `amqp://guest:guest@127.0.0.1:<port>`; the same over stop, kill and start. */
  readonly url: string;
  readonly port: number;
  /** `http://guest:guest@127.0.0.1:<port>`. A mortal RabbitMQ has none. */
  readonly managementUrl: string;
  /** Starts it again with the data it had. Nothing happens when it runs. */
  start(): Promise<void>;
  /** Clean stop: clients get `connection.close` 320. */
  stop(): Promise<void>;
  /** SIGKILL, or what is like it: no client is told. */
  kill(): Promise<void>;
  /** To be called before a kill: RabbitMQ before 4.3 forgets what was declared within seconds. */
  keepDeclarations(): Promise<void>;
  /** Raises the memory alarm, or ends it: connections that publish are blocked meanwhile. */
  memoryAlarm(raised: boolean): Promise<void>;
  /** Changes the password of a user; connections that stand stay. */
  changePassword(user: string, password: string): Promise<void>;
}

/** What is asked of a situation; the node runs in its hooks and tests. */
export type NodeSuite = (this: Suite, node: SuiteNode) => void;

/**
 * Runs a suite on each broker, in a describe of its own that says which. All suites share one node of each: they use queue
 * names of their own and never stop it. Where RabbitMQ is not installed, its part is left out with a line that says so;
 * with `CI=true` it fails instead.
 */
export declare function onEachNode(title: string, suite: NodeSuite): void;

/**
 * The same on a second node of each, for suites that stop, kill or block it. They leave it running, or whoever comes next
 * starts it again.
 */
export declare function onEachMortalNode(title: string, suite: NodeSuite): void;

/** The same on RabbitMQ alone, for what the embedded broker has not: streams. */
export declare function onRabbitMQNode(title: string, suite: NodeSuite): void;

/** The same on a third node of each, which takes back what is not settled within 2 s (`consumer_timeout`). */
export declare function onEachImpatientNode(title: string, suite: NodeSuite): void;
