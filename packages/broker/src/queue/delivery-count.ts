/** How often a message was handed out and failed: counted on the message, sent along by quorum queues. */
import type { VersionProfile } from '../version/version-profile.js';
import { type FieldValue, long } from '../wire/field-table.js';
import type { WireContent } from '../wire/frame-writer.js';
import { editProperties } from '../wire/properties.js';
import type { Message, MessageExtra } from './message.js';
import type { QueueType } from './queue-arguments.js';

/** How a message comes back: rejected, handed back, or left by a receiver that went away. */
export type ReturnKind = 'reject' | 'nack' | 'gone';

/** Whether a message that comes back like this has failed: from 4.3 on, a nack is no failure. */
export function isFailure(kind: ReturnKind, profile: VersionProfile): boolean {
  return kind !== 'nack' || !profile.nackIsNoFailure;
}

/** Counts a message that comes back to a quorum queue, and says what was counted so far. */
export function countReturn(message: Message, failed: boolean): MessageExtra {
  message.extra ??= {};
  const { extra } = message;
  extra.acquiredCount = (extra.acquiredCount ?? 0) + 1;
  if (failed) extra.deliveryCount = (extra.deliveryCount ?? 0) + 1;
  return extra;
}

/** Counts a failure that goes with the message when it is dead-lettered, where the version does that. */
export function carryFailure(message: Message, profile: VersionProfile): void {
  if (profile.carriedFailures === 'none') return;
  message.extra ??= {};
  message.extra.carriedCount = (message.extra.carriedCount ?? 0) + 1;
}

/** Whether a message refused for good carries its failure to the dead-letter queue. */
export function discardCarriesFailure(type: QueueType, kind: ReturnKind, profile: VersionProfile): boolean {
  return profile.carriedFailures === 'quorum-discards' ? type === 'quorum' : kind === 'reject';
}

/** What a quorum queue sends for a message: its own bytes, with the counting headers where they apply. */
export function contentWithCounts(message: Message, isGet: boolean, profile: VersionProfile): WireContent {
  const { carriedCount = 0 } = message.extra ?? {};
  const deliveryCount = message.extra?.deliveryCount ?? carriedCount;
  const acquiredCount = message.extra?.acquiredCount ?? carriedCount;
  const set: [string, FieldValue][] = [];
  if (acquiredCount > 0 && profile.nackIsNoFailure) set.push(['x-acquired-count', long(acquiredCount)]);
  if (deliveryCount > 0 || (isGet && profile.getShowsZeroDeliveryCount)) {
    set.push(['x-delivery-count', long(deliveryCount)]);
  }
  if (set.length === 0) return message;
  const { bytes, propertiesStart, propertiesEnd } = message;
  const properties = editProperties(bytes, propertiesStart, propertiesEnd, { set, sort: true });
  return message.derive(message.exchange, message.routingKey, properties);
}
