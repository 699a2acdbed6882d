import type { FailureSource } from './failure.js';
import type { ParkedMessage } from './parked-message.js';

/** Parked messages that failed in the same way. */
export interface ErrorGroup {
  /** Fingerprint: error and place in the code, without the message's own values. */
  readonly id: string;
  readonly count: number;
  /** Milliseconds since the epoch; `undefined` when no message says. */
  readonly firstSeen: number | undefined;
  readonly lastSeen: number | undefined;
  readonly source: FailureSource;
  readonly errorName: string | undefined;
  /** Of the newest message. */
  readonly errorMessage: string | undefined;
  readonly reason: string | undefined;
  readonly listeners: readonly string[];
  readonly services: readonly string[];
  /** Queues that they failed in. */
  readonly failedQueues: readonly string[];
  /** Queues that they are parked in. */
  readonly queues: readonly string[];
  /** The newest of them. */
  readonly sample: ParkedMessage;
}

/** Groups by fingerprint, the largest group first. */
export function groupErrors(messages: readonly ParkedMessage[]): readonly ErrorGroup[] {
  const groups = new Map<string, ParkedMessage[]>();
  for (const message of messages) {
    const group = groups.get(message.failure.fingerprint);
    if (group === undefined) groups.set(message.failure.fingerprint, [message]);
    else group.push(message);
  }
  return [...groups].map(([id, group]) => groupOf(id, group)).sort((a, b) => b.count - a.count || compare(a.id, b.id));
}

function groupOf(id: string, messages: readonly ParkedMessage[]): ErrorGroup {
  const sample = messages.reduce((newest, each) => (lastOf(each) >= lastOf(newest) ? each : newest));
  const { source, errorName, errorMessage, reason } = sample.failure;
  let [firstSeen, lastSeen] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { failure } of messages) {
    firstSeen = Math.min(firstSeen, failure.firstFailedAt ?? failure.lastFailedAt ?? Number.POSITIVE_INFINITY);
    lastSeen = Math.max(lastSeen, failure.lastFailedAt ?? failure.firstFailedAt ?? Number.NEGATIVE_INFINITY);
  }
  return {
    id,
    count: messages.length,
    firstSeen: Number.isFinite(firstSeen) ? firstSeen : undefined,
    lastSeen: Number.isFinite(lastSeen) ? lastSeen : undefined,
    source,
    errorName,
    errorMessage,
    reason,
    listeners: distinct(messages.map(({ failure }) => failure.listener)),
    services: distinct(messages.map(({ failure }) => failure.service)),
    failedQueues: distinct(messages.map(({ failure }) => failure.queue)),
    queues: distinct(messages.map(({ queue }) => queue)),
    sample,
  };
}

function lastOf({ failure }: ParkedMessage): number {
  return failure.lastFailedAt ?? Number.NEGATIVE_INFINITY;
}

function distinct(values: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(values.filter((value): value is string => value !== undefined))].sort();
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
