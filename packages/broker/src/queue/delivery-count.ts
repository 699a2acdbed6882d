/** How often a message was handed out, given back and failed: counted on the message, sent along by quorum queues. */
import type { VersionProfile } from '../version/version-profile.js';
import { type FieldValue, long } from '../wire/field-table.js';
import type { WireContent } from '../wire/frame-writer.js';
import { editProperties } from '../wire/properties.js';
import type { Message } from './message.js';
import type { QueueType } from './queue-arguments.js';

/** How a message comes back: rejected, handed back, or left by a receiver that went away. */
export type ReturnKind = 'reject' | 'nack' | 'gone';

/**
 * Whether a message that comes back has failed.
 *
 * | | 3.10 | 4.0 | 4.3 |
 * |---|---|---|---|
 * | its channel was lost | yes | yes | yes |
 * | basic.reject, requeue | yes | no | yes |
 * | basic.nack, requeue | yes | no | no |
 */
export function returnFails(kind: ReturnKind, profile: VersionProfile): boolean {
  switch (profile.failures) {
    case 'returns':
      return true;
    case 'losses-and-refusals':
      return kind === 'gone';
    default:
      return kind !== 'nack';
  }
}

/** Whether a message that was refused for good has failed: from 4.3 on not by basic.nack. */
export function refusalFails(kind: ReturnKind, profile: VersionProfile): boolean {
  return profile.failures !== 'losses-and-rejects' || kind === 'reject';
}

/** Whether queues of this type count failures at all. */
export function countsFailures(type: QueueType, profile: VersionProfile): boolean {
  return type !== 'classic' || profile.failuresCountedBy === 'all-queues';
}

/** Counts a message that was given back. */
export function countReturn(message: Message, failed: boolean): void {
  message.extra ??= {};
  const { extra } = message;
  extra.acquiredCount = (extra.acquiredCount ?? 0) + 1;
  if (failed) countFailure(message);
}

/** Counts a failed delivery. */
export function countFailure(message: Message): void {
  message.extra ??= {};
  message.extra.deliveryCount = (message.extra.deliveryCount ?? 0) + 1;
}

/** What is held against the delivery limit. */
export function countForLimit({ extra }: Message, profile: VersionProfile): number {
  return (profile.deliveryLimitCountsReturns ? extra?.acquiredCount : extra?.deliveryCount) ?? 0;
}

/** What a quorum queue sends for a message: its own bytes, with the counting headers where they apply. */
export function contentWithCounts(message: Message, isGet: boolean, profile: VersionProfile): WireContent {
  const { deliveryCount = 0, acquiredCount = deliveryCount } = message.extra ?? {};
  const set: [string, FieldValue][] = [];
  if (acquiredCount > 0 && profile.showsAcquiredCount) set.push(['x-acquired-count', long(acquiredCount)]);
  const shown = profile.deliveryLimitCountsReturns ? acquiredCount : deliveryCount;
  if (shown > 0 || (isGet && profile.getShowsZeroDeliveryCount)) set.push(['x-delivery-count', long(shown)]);
  if (set.length === 0) return message;
  const { bytes, propertiesStart, propertiesEnd } = message;
  const properties = editProperties(bytes, propertiesStart, propertiesEnd, {
    set,
    sort: profile.rewritesProperties ? 'unique' : 'all',
  });
  return message.derive(message.exchange, message.routingKey, properties);
}
