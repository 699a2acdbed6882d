/** Types of brokers.mjs, written by hand: the scripts are plain JavaScript so that they run before anything is built. */

export type BrokerVersion = '3.10' | '4.0' | '4.3';

export interface NodeOptions {
  /** Default: `LEVERET_TEST_BROKER_VERSION`, else the version that the machine has installed, else 3.10. */
  readonly version?: BrokerVersion;
  /** AMQP port on 127.0.0.1. Default: one that is free. It stays the same over stop, kill and start. */
  readonly port?: number;
  /** Node name before `@localhost`; must be unique on the machine. Default: a random one. */
  readonly name?: string;
  /** Data folder, kept by `remove()`. Default: a new one under the system's temporary folder, which `remove()` deletes. */
  readonly dir?: string;
  /** Folder in which that new one is made, such as `/dev/shm`. Default: the system's temporary folder. */
  readonly within?: string;
  /** Plugins to enable, such as `rabbitmq_management`, which also sets `managementUrl`. Default: none. */
  readonly plugins?: readonly string[];
  /** A second listener, for TLS only, which also sets `tlsUrl`. Default: none. */
  readonly tls?: NodeTls;
  /** Further lines of rabbitmq.conf. */
  readonly conf?: string;
  /** How long a start may take, in milliseconds. Default 60000; 4 to 6 s are usual. */
  readonly startTimeoutMs?: number;
}

/** Certificates of a node, as PEM text. */
export interface NodeTls {
  /** Authority that client certificates must come from. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Whether clients must, or may, show a certificate. Default: they are not asked for one. */
  readonly clientCertificate?: 'required' | 'checked';
}

export interface BrokerNode {
  readonly version: BrokerVersion;
  /** `amqp://guest:guest@127.0.0.1:<port>` */
  readonly url: string;
  /** `amqps://guest:guest@localhost:<port>`; undefined without the option `tls`. */
  readonly tlsUrl: string | undefined;
  /** `http://guest:guest@127.0.0.1:<port>`; undefined without the plugin `rabbitmq_management`. */
  readonly managementUrl: string | undefined;
  readonly port: number;
  /** Full node name, `<name>@localhost`. */
  readonly name: string;
  readonly dir: string;
  /** Process id of the Erlang machine; undefined while the node is down. */
  readonly pid: number | undefined;
  /** Starts the node again with the data it had; resolves once it answers AMQP. Nothing happens when it runs. */
  start(): Promise<void>;
  /** Clean stop (clients get `connection.close` 320). Killed and rejected when it takes longer than `timeoutMs` (30000). */
  stop(timeoutMs?: number): Promise<void>;
  /**
   * Has declarations written to disk. Before 4.3 a node that is killed within seconds of a declaration forgets the queue
   * and all that was confirmed for it.
   */
  keepDeclarations(): Promise<void>;
  /** Raises the memory alarm, or ends it: connections that publish are blocked meanwhile. */
  memoryAlarm(raised: boolean): Promise<void>;
  /** SIGKILL: nothing is flushed, no client is told. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** Kills the node if it runs and deletes its data folder, unless the caller named the folder. */
  remove(): Promise<void>;
  /** Runs rabbitmqctl against this node; resolves with its output, rejects with its error text. */
  ctl(...args: readonly string[]): Promise<string>;
  /** Runs rabbitmq-plugins against this node. */
  plugins(...args: readonly string[]): Promise<string>;
}

/** Options of every node of a cluster; names, cookie and data folders are its own. */
export interface ClusterOptions extends Omit<NodeOptions, 'name' | 'port' | 'dir' | 'tls'> {
  /** How many nodes. Default 3. */
  readonly nodes?: number;
}

/** For files that a measurement is not to wait for: the memory file system where the machine has one, else the temporary folder. */
export declare const MEMORY_FOLDER: string;

/** RabbitMQ nodes of one cluster, with their data in memory where the machine has a memory file system. */
export interface BrokerCluster {
  readonly version: BrokerVersion;
  readonly nodes: readonly BrokerNode[];
  /** The URL of each node, in order. */
  readonly urls: readonly string[];
  /** Resolves once every node sees all the others, as `startCluster` does. */
  formed(): Promise<void>;
  /** The node that leads a quorum queue; `undefined` while there is none. */
  leaderOf(queue: string, vhost?: string): Promise<BrokerNode | undefined>;
  /**
   * Looks out for another leader of a quorum queue than `old`, and resolves once it does, with a function that resolves with the
   * moment of the election: milliseconds of the clock on the wall.
   */
  watchElection(queue: string, old: BrokerNode, vhost?: string): Promise<() => Promise<number>>;
  /** Partition: cuts one node off from the others, while clients go on reaching all of them. */
  isolate(node: BrokerNode): Promise<void>;
  /** Ends every partition; the nodes find each other by themselves. */
  heal(): Promise<void>;
  /** Kills all nodes and deletes their data. */
  remove(): Promise<void>;
}

export declare const brokerVersions: readonly BrokerVersion[];
/** `LEVERET_TEST_BROKER_VERSION`, else the version that the machine has installed, else 3.10. */
export declare function defaultVersion(): BrokerVersion;
/** Why a version cannot be started here, as one line to print when tests are skipped; `undefined` when it can. */
export declare function whyUnavailable(version?: BrokerVersion): string | undefined;
/** Starts a node and resolves once it answers AMQP. The node dies with the process that started it, however that ends. */
export declare function startNode(options?: NodeOptions): Promise<BrokerNode>;
/** Starts a cluster and resolves once every node sees all the others, in some 10 s. Its nodes die as those of `startNode` do. */
export declare function startCluster(options?: ClusterOptions): Promise<BrokerCluster>;
/** Installs one version under `.brokers/`. Needs root and mmdebstrap. */
export declare function installBroker(version: BrokerVersion): Promise<void>;
/** Whether an AMQP 0-9-1 broker answers there. */
export declare function speaksAmqp(host: string, port: number, timeoutMs?: number): Promise<boolean>;
/** Whether anything accepts a TCP connection there. */
export declare function accepts(host: string, port: number, timeoutMs?: number): Promise<boolean>;
