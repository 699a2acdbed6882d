import type { VersionProfile } from '../version/version-profile.js';
import { type ReturnKind, returnFails } from './delivery-count.js';
import type { DelayedRetry, QueueSettings } from './queue-settings.js';

/** Where a message goes that comes back to a quorum queue. */
export type QuorumReturn =
  | { readonly to: 'dead-letter' }
  | { readonly to: 'pause'; readonly delayMs: number }
  | { readonly to: 'returns' | 'end' };

/**
 * Decides where a message goes that comes back to a quorum queue.
 *
 * | condition | goes to |
 * |---|---|
 * | it failed more often than the delivery limit | the dead-letter exchange |
 * | delayed retry (4.3) holds for this kind | a pause of `min(min * failed deliveries, max)` |
 * | no limit, handed back by its consumer, before 4.3 | the end of the queue |
 * | otherwise | the returned messages, which go first |
 *
 * @param deliveryCount what counts against the limit, this return included
 */
export function decideReturn(
  deliveryCount: number,
  kind: ReturnKind,
  settings: QueueSettings,
  profile: VersionProfile,
): QuorumReturn {
  const { deliveryLimit, delayedRetry } = settings;
  if (deliveryLimit !== undefined && deliveryCount > deliveryLimit) return { to: 'dead-letter' };
  if (delayedRetry !== undefined && retriesLater(delayedRetry, returnFails(kind, profile))) {
    const delayMs = Math.min(delayedRetry.minMs * Math.max(1, deliveryCount), delayedRetry.maxMs);
    return { to: 'pause', delayMs };
  }
  const goesToTheEnd = deliveryLimit === undefined && kind !== 'gone' && !profile.showsAcquiredCount;
  return { to: goesToTheEnd ? 'end' : 'returns' };
}

function retriesLater({ type }: DelayedRetry, failed: boolean): boolean {
  return type === 'all' || (type === 'failed') === failed;
}
