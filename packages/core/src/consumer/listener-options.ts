import type { MessageConverter } from '../message/message-converter.js';
import type { ReadHints } from '../message/read-hints.js';
import type { Recoverer, RecovererFunction } from '../recoverer/recoverer.js';
import type { AcknowledgeMode } from '../retry/failure-policy.js';
import type { RetryOptions } from '../retry/retry-options.js';
import type { Duration } from '../time/duration.js';
import type { ListenerTopologyOptions } from '../topology/listener-topology.js';
import type { ReplyOptions } from './reply-addresses.js';
import type { StreamOffsetStore } from './stream-offset-store.js';

/** An instance, or a class that the container makes one of. */
// biome-ignore lint/suspicious/noExplicitAny: an injectable class may take any constructor arguments
export type InstanceOrClass<T> = T | (new (...args: any[]) => T);

/** What a listener can say about its queue and about how its deliveries are handled. Every option may be left out but the queue. */
export interface ListenerOptions extends ListenerTopologyOptions, ListenerPolicyOptions {
  /** Name of the listener: for look-up, logs and headers. Unique. Default `Class.method`, with `#2` and so on for further listeners of the same method. */
  readonly id?: string;
}

/** Options that can also be given once for all listeners; a listener's own value wins. */
export interface ListenerPolicyOptions extends ReadHints {
  /** Default `auto`. */
  readonly acknowledge?: AcknowledgeMode;
  /** Unsettled deliveries the broker may have outstanding at each consumer. 0 = no limit; default 50 (Spring: 250). */
  readonly prefetch?: number;
  /**
   * How many acks of a consumer may leave together, as one `basic.ack` with `multiple`: those of one turn of the event loop, and
   * no more than this. So many handled messages at most come again when the process is killed; 1 sends each ack at once, which
   * costs a system call each. 1 to 65,535; default 100 (Spring's deferred acks wait longer, and are off by default).
   */
  readonly messagesPerAck?: number;
  /**
   * Keep the order of the queue also when another consumer takes over: at a stop this one keeps its place until its running
   * handler has ended, and what it had fetched goes back first. Needs `concurrency: 1` unless the queue has a single active
   * consumer. Default: `true` on queues declared with `singleActiveConsumer`, which then have a prefetch of 1, else `false`.
   */
  readonly ordered?: boolean;
  /** Consumers, each with a channel of its own and handling one delivery at a time. Default 1. */
  readonly concurrency?: number;
  /** Default: no retry. `true` takes every default of {@link RetryOptions}. */
  readonly retry?: RetryOptions | boolean;
  /** What happens when attempts are exhausted. Default `rejectAndDontRequeue()`. */
  readonly recoverer?: InstanceOrClass<Recoverer> | RecovererFunction;
  /** Without retry: requeue a failed delivery (`true`, the default) or reject it. */
  readonly defaultRequeueRejected?: boolean;
  /**
   * How long one attempt of the handler may take before its signal fires and it counts as failed. Default: no limit.
   * Reading a payload whose rules are asynchronous has as long, and 30 s where no limit is set.
   */
  readonly timeout?: Duration;
  /**
   * How long the broker waits for a settlement before it takes a delivery back (`consumer_timeout`), where leveret cannot
   * know: say it when the broker's configuration does. `false`: for ever. Default: what the queue's arguments or policies
   * declared here say, else 30 minutes, as RabbitMQ does. What waits for its turn is given back before that.
   * @see https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout
   */
  readonly consumerTimeout?: Duration | false;
  /** Start consuming with the application. Default `true`. */
  readonly autoStart?: boolean;
  /** Consumer priority (`x-priority`). Default: none, which the broker takes as 0. */
  readonly priority?: number;
  /** Refuse other consumers on the queue; needs `concurrency: 1`. Default `false`. */
  readonly exclusive?: boolean;
  /** How bodies become payloads. Default: by content type (JSON, text, bytes), then to the declared class. */
  readonly converter?: InstanceOrClass<MessageConverter>;
  /** What cannot be read or is invalid is rejected at once (`reject`, the default), or goes to the recoverer at once (`recover`). */
  readonly invalid?: 'reject' | 'recover';
  /**
   * A queue that is missing and that nobody declares, or that the broker cannot give now, stops the start (`fail`, the default),
   * or is waited for (`wait`).
   */
  readonly missingQueue?: 'fail' | 'wait';
  /** Further arguments of `basic.consume`, such as `x-stream-offset`. */
  readonly consumerArguments?: Readonly<Record<string, unknown>>;
  /**
   * Where a stream's listener has come to, over restarts: a new process goes on there instead of at `x-stream-offset`. Saved
   * behind the handler; `SqlStreamOffsets` of `@leveret/sql` can also save in the handler's transaction. Default: from memory.
   */
  readonly streamOffsets?: StreamOffsetStore;
  /** Send errors back to requesters that asked for a reply, instead of retrying. Default `false`. */
  readonly returnExceptions?: boolean;
  /** Where replies may be sent. Default: to queues, directly or by the default exchange. */
  readonly replies?: ReplyOptions;
}
