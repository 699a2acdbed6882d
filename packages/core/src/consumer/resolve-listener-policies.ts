import { checkFlag, checkOneOf, checkWholeNumber, isRecord } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import { READ_HINT_NAMES, type ReadHints } from '../message/read-hints.js';
import { resolveRetry } from '../retry/resolve-retry.js';
import { checkDuration } from '../time/duration.js';
import { checkTable } from '../topology/check-options.js';
import type { ListenerDefinition } from './listener-definition.js';
import type { ListenerPolicyOptions } from './listener-options.js';
import { resolveReplies } from './reply-addresses.js';
import type { StreamOffsetStore } from './stream-offset-store.js';

/** The part of a {@link ListenerDefinition} that comes from policy options. */
export type ResolvedListenerPolicies = {
  /** As the listener says it; `undefined` when it does not. */
  readonly consumerTimeoutMs: number | undefined;
  /** As the listener says it; `undefined` when it does not. */
  readonly ordered: boolean | undefined;
  /** As the listener says it; `undefined` when it does not. */
  readonly prefetch: number | undefined;
} & Pick<
  ListenerDefinition,
  | 'concurrency'
  | 'messagesPerAck'
  | 'exclusive'
  | 'priority'
  | 'consumerArguments'
  | 'streamOffsets'
  | 'autoStart'
  | 'missingQueue'
  | 'timeoutMs'
  | 'failurePolicy'
  | 'returnExceptions'
  | 'isReplyAllowed'
>;

const OPTION_NAMES = {
  acknowledge: true,
  prefetch: true,
  messagesPerAck: true,
  ordered: true,
  concurrency: true,
  retry: true,
  recoverer: true,
  defaultRequeueRejected: true,
  timeout: true,
  consumerTimeout: true,
  autoStart: true,
  priority: true,
  exclusive: true,
  converter: true,
  invalid: true,
  missingQueue: true,
  consumerArguments: true,
  streamOffsets: true,
  returnExceptions: true,
  replies: true,
} satisfies Record<Exclude<keyof ListenerPolicyOptions, keyof ReadHints>, true>;

/** Names of all options of {@link ListenerPolicyOptions}. */
export const LISTENER_POLICY_OPTION_NAMES: readonly string[] = [...Object.keys(OPTION_NAMES), ...READ_HINT_NAMES];

/**
 * Merges a listener's own options over the defaults for all, fills in leveret's defaults, and notes every fault.
 * An own value wins as a whole: an own `retry` is not mixed with the default one.
 */
export function resolveListenerPolicies(
  own: ListenerPolicyOptions,
  defaults: ListenerPolicyOptions,
  problems: Problems,
): ResolvedListenerPolicies {
  const options = { ...defaults, ...withoutUndefined(own) };
  const acknowledge = checkOneOf(options.acknowledge, 'acknowledge', ['auto', 'manual', 'none'], 'auto', problems);
  const invalid = checkOneOf(options.invalid, 'invalid', ['reject', 'recover'], 'reject', problems);
  const missingQueue = checkOneOf(options.missingQueue, 'missingQueue', ['fail', 'wait'], 'fail', problems);
  const prefetch =
    options.prefetch === undefined
      ? undefined
      : checkWholeNumber(options.prefetch, 'prefetch', { from: 0, to: 65_535, or: 50 }, problems);
  const messagesPerAck = checkWholeNumber(
    options.messagesPerAck,
    'messagesPerAck',
    { from: 1, to: 65_535, or: 100 },
    problems,
  );
  const ordered = options.ordered === undefined ? undefined : checkFlag(options.ordered, 'ordered', false, problems);
  const concurrency = checkWholeNumber(options.concurrency, 'concurrency', { from: 1, to: 2047, or: 1 }, problems);
  const priority =
    options.priority === undefined
      ? undefined
      : checkWholeNumber(options.priority, 'priority', { from: -2_147_483_648, to: 2_147_483_647, or: 0 }, problems);
  const exclusive = checkFlag(options.exclusive, 'exclusive', false, problems);
  const retry = resolveRetry(options.retry, problems);

  if (exclusive && concurrency > 1) {
    problems.add(`exclusive allows one consumer; with concurrency ${concurrency} the others would be refused`);
  }
  if (acknowledge === 'manual' && retry !== undefined) {
    problems.add(
      "retry does not go with acknowledge: 'manual': the handler settles the delivery itself. Use 'auto', or say retry: false here, or retry in the handler",
    );
  }
  if (acknowledge === 'none' && retry?.stateless === false) {
    problems.add("stateful retry does not go with acknowledge: 'none': the broker never delivers a message again");
  }
  if (options.consumerArguments !== undefined && !isRecord(options.consumerArguments)) {
    problems.add(`consumerArguments must be an object; got ${describeValue(options.consumerArguments)}`);
  }
  return {
    concurrency,
    messagesPerAck,
    prefetch,
    ordered,
    exclusive,
    priority,
    missingQueue,
    consumerArguments: isRecord(options.consumerArguments)
      ? checkTable(options.consumerArguments, 'consumerArguments', problems)
      : {},
    streamOffsets: storeOf(options.streamOffsets, problems),
    autoStart: checkFlag(options.autoStart, 'autoStart', true, problems),
    timeoutMs: timeout(options.timeout, 'timeout', problems),
    consumerTimeoutMs:
      options.consumerTimeout === false
        ? Number.POSITIVE_INFINITY
        : timeout(options.consumerTimeout, 'consumerTimeout', problems),
    returnExceptions: checkFlag(options.returnExceptions, 'returnExceptions', false, problems),
    isReplyAllowed: resolveReplies(options.replies, problems),
    failurePolicy: {
      acknowledge,
      invalid,
      retry,
      defaultRequeueRejected: checkFlag(options.defaultRequeueRejected, 'defaultRequeueRejected', true, problems),
    },
  };
}

function storeOf(value: unknown, problems: Problems): StreamOffsetStore | undefined {
  const store = value as Partial<StreamOffsetStore> | undefined;
  if (store === undefined) return undefined;
  if (typeof store?.load === 'function' && typeof store.save === 'function') return store as StreamOffsetStore;
  problems.add(`streamOffsets must have the methods load and save; got ${describeValue(value)}`);
  return undefined;
}

function withoutUndefined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function timeout(value: unknown, name: string, problems: Problems): number | undefined {
  if (value === undefined) return undefined;
  const ms = checkDuration(value, name, 1, problems);
  if (ms === 0) problems.add(`${name} must be longer than 0; leave it out for no limit`);
  return ms;
}
