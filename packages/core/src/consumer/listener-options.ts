import { isRecord } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import type { MessageConverter } from '../message/message-converter.js';
import { READ_HINT_OPTIONS, type ReadHints } from '../message/read-hints.js';
import type { OptionsOf } from '../options/option.js';
import {
  customOption,
  durationOption,
  flagOption,
  orValue,
  wholeNumberOption,
  wordOption,
} from '../options/option-kinds.js';
import {
  KILL_SWITCH_OPTION,
  type KillSwitchOptions,
  MAX_RATE_OPTION,
  type MaxRateOptions,
} from '../outage/outage-options.js';
import type { Recoverer, RecovererFunction } from '../recoverer/recoverer.js';
import type { AcknowledgeMode } from '../retry/failure-policy.js';
import { REDELIVER_OPTION, type RedeliverOptions } from '../retry/redeliver-options.js';
import { RETRY_OPTION, type RetryOptions } from '../retry/retry-options.js';
import type { Duration } from '../time/duration.js';
import { checkTable } from '../topology/check-options.js';
import { CRASH_LOOP_OPTION, type CrashLoopOptions } from './crash-loop-options.js';
import type { InstanceOrClass } from './instance-or-class.js';
import { REPLIES_OPTION, type ReplyOptions } from './reply-addresses.js';
import type { StreamOffsetStore } from './stream-offset-store.js';

/** Options that can also be given once for all listeners; a listener's own value wins. */
export interface ListenerPolicyOptions extends ReadHints {
  /** Default `auto`. */
  readonly acknowledge?: AcknowledgeMode;
  /**
   * Unsettled deliveries the broker may have outstanding here for each of the `concurrency` handlers. 0 = no limit; default 50
   * (Spring: 250).
   */
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
  /** How many deliveries are handled at once in this process. Default 1, which keeps the order of the queue. */
  readonly concurrency?: number;
  /**
   * With `concurrency` above 1: one consumer on one channel for all handlers (`true`), which costs less, or a consumer and a channel
   * for each (`false`), so that what closes a channel is the loss of one. Default: `true` for queues that are declared here, but for
   * those with a single active consumer; else `false`. Not with `ordered`.
   */
  readonly sharedChannel?: boolean;
  /** Default: no retry. `true` takes every default of {@link RetryOptions}. */
  readonly retry?: RetryOptions | boolean;
  /**
   * After the attempts of a delivery the message waits at the broker, its delivery settled, and comes back to this queue alone; after
   * the last redelivery, the recoverer. `true`: after 10, 20 and 30 s. Default: no redelivery.
   */
  readonly redeliver?: RedeliverOptions | boolean;
  /** Pause instead of parking good messages when what they need is down; `true` takes every default. Default: never. */
  readonly killSwitch?: KillSwitchOptions | boolean;
  /**
   * How many messages this listener may begin in this process, such as `{ messages: 50, per: '1s' }`; a further attempt counts as
   * one. What has to wait stays in the queue, or fetched in advance. Default: no limit.
   */
  readonly maxRate?: MaxRateOptions;
  /**
   * What to do about messages that end the process. `true` takes every default. Default: nothing: such a message comes again
   * and again. Needs a store that outlives the process.
   */
  readonly crashLoop?: CrashLoopOptions | boolean;
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
  /** Refuse other consumers on the queue; needs `concurrency: 1`, or `sharedChannel: true`. Default `false`. */
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

/**
 * The table of {@link ListenerPolicyOptions}: all that is known of each option, in the order of the documentation. A new one
 * is described here and in the interface above; checks, merging, pages and schemas follow, and who asks for it finds it read
 * in the {@link ListenerDefinition}.
 */
export const LISTENER_POLICY_OPTIONS = {
  acknowledge: wordOption(['auto', 'manual', 'none'], {
    or: 'auto',
    text: '`auto`: leveret settles. `manual`: the handler does. `none`: nobody, and what fails is lost',
  }),
  prefetch: wholeNumberOption({
    from: 0,
    to: 65_535,
    byDefault: '50',
    text: 'unsettled deliveries that may be held for each of the `concurrency` handlers, 0 to 65,535; 0 is no limit (Spring: 250)',
  }),
  messagesPerAck: wholeNumberOption({
    from: 1,
    to: 65_535,
    or: 100,
    text: 'how many acks of a consumer may leave together at the end of a turn of the event loop, 1 to 65,535; so many handled messages at most come again when the process is killed',
  }),
  ordered: flagOption({
    byDefault: '`true` with `singleActiveConsumer`, else `false`',
    text: 'keep the order also at a [hand-over](shutdown.md#hand-over-in-order); then `prefetch` is 1 unless you say otherwise',
  }),
  concurrency: wholeNumberOption({
    from: 1,
    to: 2047,
    or: 1,
    text: 'how many deliveries are handled at once, 1 to 2,047; above 1 they are handled side by side',
  }),
  sharedChannel: flagOption({
    byDefault: '`true` for queues declared here without a single active consumer, else `false`',
    text: 'the `concurrency` handlers share [one consumer on one channel](scale.md#one-process), or have one each',
  }),
  retry: RETRY_OPTION,
  redeliver: REDELIVER_OPTION,
  killSwitch: KILL_SWITCH_OPTION,
  maxRate: MAX_RATE_OPTION,
  crashLoop: CRASH_LOOP_OPTION,
  recoverer: customOption<InstanceOrClass<Recoverer> | RecovererFunction>({
    byDefault: '`rejectAndDontRequeue()`',
    text: 'what happens to a message whose attempts are exhausted',
  }),
  defaultRequeueRejected: flagOption({
    or: true,
    text: 'without `retry`: a failed message goes back to the queue (`true`), or is rejected (`false`)',
  }),
  invalid: wordOption(['reject', 'recover'], {
    or: 'reject',
    text: 'what cannot be read or is invalid is rejected, or goes to the recoverer at once (`recover`)',
  }),
  timeout: durationOption({
    byDefault: 'no limit',
    text: 'how long one attempt may take; then its signal fires and it counts as failed',
  }),
  consumerTimeout: orValue(
    false,
    Number.POSITIVE_INFINITY,
    durationOption({
      byDefault: 'as declared, else 30 min',
      text: 'how long the [broker waits](#how-long-the-broker-waits) for a settlement; `false`: for ever',
    }),
  ),
  converter: customOption<InstanceOrClass<MessageConverter>>({
    byDefault: 'by content type: JSON, text, bytes',
    text: 'how bodies become payloads: an object, or a class that the container makes',
  }),
  ...READ_HINT_OPTIONS,
  autoStart: flagOption({ or: true, text: '`false`: start it by hand, `app.listeners.get(id).start()`' }),
  priority: wholeNumberOption({
    from: -2_147_483_648,
    to: 2_147_483_647,
    byDefault: 'none (the broker takes it as 0)',
    text: 'consumer priority: higher ones get messages first',
  }),
  exclusive: flagOption({
    or: false,
    text: 'refuse other consumers on the queue; needs `concurrency: 1`, or `sharedChannel: true`',
  }),
  missingQueue: wordOption(['fail', 'wait'], {
    or: 'fail',
    text: 'a queue that nobody declares and that is missing: stop the start, or `wait` for it',
  }),
  consumerArguments: customOption<Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>>({
    schema: { type: 'object' },
    text: 'further arguments of `basic.consume`, such as `x-stream-offset` of a [stream](streams.md)',
    read: readArguments,
  }),
  streamOffsets: customOption<StreamOffsetStore>({
    byDefault: 'from memory',
    text: 'where the listener of a [stream](streams.md) has come to, over restarts',
    read: readOffsetStore,
  }),
  returnExceptions: flagOption({
    or: false,
    text: 'send errors back to requesters that asked for a reply, instead of retrying',
  }),
  replies: REPLIES_OPTION,
} satisfies OptionsOf<ListenerPolicyOptions>;

function readArguments(value: unknown, name: string, problems: Problems): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return checkTable(value, name, problems);
  if (value !== undefined) problems.add(`${name} must be an object; got ${describeValue(value)}`);
  return {};
}

function readOffsetStore(value: unknown, name: string, problems: Problems): StreamOffsetStore | undefined {
  const store = value as Partial<StreamOffsetStore> | undefined;
  if (store === undefined) return undefined;
  if (typeof store?.load === 'function' && typeof store.save === 'function') return store as StreamOffsetStore;
  problems.add(`${name} must have the methods load and save; got ${describeValue(value)}`);
  return undefined;
}
