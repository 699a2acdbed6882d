/** The type of an exchange: one of RabbitMQ's own, or whatever a plugin of the broker adds. */
export type ExchangeType = 'direct' | 'topic' | 'fanout' | 'headers' | (string & {});

/** The type of a queue. Streams need a prefetch and keep what was read. */
export type QueueType = 'classic' | 'quorum' | 'stream';

/** `x-arguments` of a declaration, as they go on the wire. */
export type TopologyArguments = Readonly<Record<string, unknown>>;

/**
 * How a queue or exchange is declared.
 * - `always`: declared on every connection; one that exists with other properties is a mismatch.
 * - `if-missing`: one that exists is used as it is (a passive declaration finds out); one that is missing is declared.
 */
export type DeclareMode = 'always' | 'if-missing';

/** An exchange, resolved: arguments complete. */
export interface ExchangeDeclaration {
  readonly name: string;
  readonly declare: DeclareMode;
  /** Only its name was given and the rest is assumed: a declaration that says more wins when topologies are merged. */
  readonly assumed?: true;
  readonly type: ExchangeType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  /** Only other exchanges may publish to it. */
  readonly internal: boolean;
  readonly arguments: TopologyArguments;
}

/** A queue, resolved: arguments complete except for those that depend on the broker's version. */
export interface QueueDeclaration {
  readonly name: string;
  readonly declare: DeclareMode;
  /** Only its name was given and the rest is assumed: a declaration that says more wins when topologies are merged. */
  readonly assumed?: true;
  readonly type: QueueType;
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  /** Wanted as a lazy queue. Sent as `x-queue-mode` only to brokers that know it (before 3.12). */
  readonly lazy: boolean;
  /**
   * What is rejected with requeue is to come back after `min(minMs × failed deliveries, maxMs)`. Quorum queues of RabbitMQ from
   * 4.3 on; sent to these only, and not for a queue that exists without it.
   * @see https://www.rabbitmq.com/docs/quorum-queues#delayed-retry
   */
  readonly delayedRetry?: { readonly minMs: number; readonly maxMs: number } | undefined;
  readonly arguments: TopologyArguments;
}

/** A binding of a queue or an exchange to an exchange. */
export interface BindingDeclaration {
  /** Exchange that messages come from. */
  readonly source: string;
  readonly destination: string;
  readonly destinationType: 'queue' | 'exchange';
  readonly routingKey: string;
  /** For headers exchanges: `x-match` and the headers. */
  readonly arguments: TopologyArguments;
}

/** A policy that the management HTTP API applies to what exists already. */
export interface PolicyDeclaration {
  readonly name: string;
  /** Regular expression on names, such as `^lazy-queue$`. */
  readonly pattern: string;
  /** Such as `{ 'queue-mode': 'lazy' }`. */
  readonly definition: Readonly<Record<string, unknown>>;
  readonly applyTo: 'queues' | 'classic_queues' | 'quorum_queues' | 'streams' | 'exchanges' | 'all';
  readonly priority: number;
}

/** All that is declared, in order: exchanges, queues, bindings; policies last, over HTTP. */
export interface Topology {
  readonly exchanges: readonly ExchangeDeclaration[];
  readonly queues: readonly QueueDeclaration[];
  readonly bindings: readonly BindingDeclaration[];
  readonly policies: readonly PolicyDeclaration[];
}
