/** What a store keeps under a key. Times are milliseconds by the store's clock, and no other. */
export interface ClaimRecord {
  readonly state: 'in-progress' | 'completed';
  /** Of the claim that is, or was, granted. */
  readonly token: string;
  /** When the lease, or the memory of a completed message, ends: from this moment on the key is free. */
  readonly endsAt: number;
}

/** What a store answers to a claim. */
export type ClaimDecision =
  | { readonly kind: 'grant' }
  | { readonly kind: 'completed' }
  | { readonly kind: 'in-progress'; readonly retryAfterMs: number };

const GRANT: ClaimDecision = Object.freeze({ kind: 'grant' });
const COMPLETED: ClaimDecision = Object.freeze({ kind: 'completed' });

/** A key is granted when nothing, or nothing that still counts, is kept under it. */
export function decideClaim(record: ClaimRecord | undefined, now: number): ClaimDecision {
  if (isFree(record, now)) return GRANT;
  if (record.state === 'completed') return COMPLETED;
  return { kind: 'in-progress', retryAfterMs: record.endsAt - now };
}

/**
 * Whether the holder of `token` may complete the key. A handler that outran its lease has handled the message all the
 * same: unless somebody else has the key, remembering it keeps the message from being handled twice.
 */
export function mayComplete(record: ClaimRecord | undefined, token: string, now: number): boolean {
  return isFree(record, now) || record.token === token;
}

/** Whether the holder of `token` may free the key. */
export function mayRelease(record: ClaimRecord | undefined, token: string): boolean {
  return record?.state === 'in-progress' && record.token === token;
}

/** Whether the holder of `token` may prolong its lease. Once it has ended, somebody else may have begun and ended since. */
export function mayRenew(record: ClaimRecord | undefined, token: string, now: number): boolean {
  return mayRelease(record, token) && !isFree(record, now);
}

function isFree(record: ClaimRecord | undefined, now: number): record is undefined {
  return record === undefined || record.endsAt <= now;
}
