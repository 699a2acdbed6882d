import type { VersionProfile } from '../version/version-profile.js';
import { type FieldTable, lookup } from '../wire/field-table.js';
import type { QueueType } from './queue-arguments.js';

/** What happens to a publish that finds the queue full. */
export type Overflow = 'drop-head' | 'reject-publish' | 'reject-publish-dlx';

/** Which returned messages a quorum queue of 4.3 holds back for a while. */
export interface DelayedRetry {
  readonly type: 'all' | 'failed' | 'returned';
  readonly minMs: number;
  readonly maxMs: number;
}

/** What is in force for a queue: its arguments, joined with the policy that applies. */
export interface QueueSettings {
  readonly messageTtlMs: number | undefined;
  readonly expiresMs: number | undefined;
  readonly maxLength: number | undefined;
  readonly maxLengthBytes: number | undefined;
  readonly overflow: Overflow;
  readonly deadLetterExchange: string | undefined;
  readonly deadLetterRoutingKey: string | undefined;
  readonly deliveryLimit: number | undefined;
  readonly delayedRetry: DelayedRetry | undefined;
  /** How long a delivery may wait to be settled; `undefined`: what the node says. */
  readonly consumerTimeoutMs: number | undefined;
}

/** A policy's definition: keys such as `message-ttl` without the `x-` of arguments. */
export type PolicyDefinition = Readonly<Record<string, string | number | boolean>>;

/**
 * Joins arguments and policy as RabbitMQ does: the smaller number wins, an argument's text wins over the policy's.
 *
 * @see https://www.rabbitmq.com/docs/parameters#policies
 */
export function resolveSettings(
  type: QueueType,
  queueArguments: FieldTable,
  policy: PolicyDefinition | undefined,
  profile: VersionProfile,
): QueueSettings {
  const numberOf = (key: string): number | undefined => smaller(argument(queueArguments, key), policy?.[key]);
  const textOf = (key: string): string | undefined => {
    const value = lookup(queueArguments, `x-${key}`)?.value ?? policy?.[key];
    return typeof value === 'string' ? value : undefined;
  };
  return Object.freeze({
    messageTtlMs: numberOf('message-ttl'),
    expiresMs: numberOf('expires'),
    maxLength: numberOf('max-length'),
    maxLengthBytes: numberOf('max-length-bytes'),
    overflow: (textOf('overflow') ?? 'drop-head') as Overflow,
    deadLetterExchange: textOf('dead-letter-exchange'),
    deadLetterRoutingKey: textOf('dead-letter-routing-key'),
    deliveryLimit: type === 'quorum' ? deliveryLimit(numberOf('delivery-limit'), profile) : undefined,
    delayedRetry: type === 'quorum' && profile.delayedRetry ? delayedRetry(textOf, numberOf) : undefined,
    consumerTimeoutMs: profile.consumerTimeoutByQueue ? numberOf('consumer-timeout') : undefined,
  });
}

function deliveryLimit(configured: number | undefined, profile: VersionProfile): number | undefined {
  const limit = configured ?? profile.defaultDeliveryLimit;
  return limit === undefined || limit < 0 ? undefined : limit;
}

function delayedRetry(
  textOf: (key: string) => string | undefined,
  numberOf: (key: string) => number | undefined,
): DelayedRetry | undefined {
  const type = textOf('delayed-retry-type');
  const minMs = numberOf('delayed-retry-min');
  if ((type !== 'all' && type !== 'failed' && type !== 'returned') || minMs === undefined) return undefined;
  return { type, minMs, maxMs: Math.max(minMs, numberOf('delayed-retry-max') ?? minMs) };
}

function argument(queueArguments: FieldTable, key: string): number | undefined {
  const value = lookup(queueArguments, `x-${key}`)?.value;
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}

function smaller(a: number | undefined, b: unknown): number | undefined {
  if (typeof b !== 'number') return a;
  return a === undefined ? b : Math.min(a, b);
}
