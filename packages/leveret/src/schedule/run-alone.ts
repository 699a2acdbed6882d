import { type Claim, type Clock, claimGuard, type IdempotencyStore, type Logger, logSafely } from '@leveret/core';

/** A run that only one instance is to make. */
export interface AloneRun {
  readonly id: string;
  readonly store: IdempotencyStore;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Asked when the run has ended: for how long, in milliseconds, no other instance is to run. */
  readonly untilNext: () => number;
  /** Aborted when the claim is lost. */
  readonly controller: AbortController;
  readonly run: () => unknown;
}

/** Listener ids and this never meet: the id of a schedule follows, and no listener is called so by default. */
const SCOPE = 'leveret.schedule';

/**
 * Runs unless another instance runs, or has run at this beat: it claims the schedule, and after a run that succeeded
 * keeps the claim until shortly before the next beat. A run that failed frees it: another instance may do better.
 * @returns whether it ran here
 * @throws what the run throws, and {LeveretError} LEV_IDEMPOTENCY_STORE when the store does not answer
 */
export async function runAlone(alone: AloneRun): Promise<boolean> {
  const { id, store, leaseMs, clock, logger, controller, run } = alone;
  const guard = claimGuard(untilNextBeat(store, alone.untilNext), { lease: leaseMs, clock, logger });
  const result = await guard.run(SCOPE, id, (_transaction, claimLost) => {
    claimLost.addEventListener('abort', () => controller.abort(claimLost.reason), { once: true });
    return run();
  });
  if (result.kind === 'handled' && result.error !== undefined) {
    const text = 'a run is not remembered, because the store is away: another instance may run before the next beat';
    logSafely(logger, 'warn', { schedule: id, err: result.error }, text);
  }
  return result.kind === 'handled';
}

/** The store, but remembering what is completed no longer than to the next beat. */
function untilNextBeat(store: IdempotencyStore, untilNext: () => number): IdempotencyStore {
  return {
    claim: (key, options) => store.claim(key, options),
    release: (claim) => store.release(claim),
    renew: (claim, options) => store.renew(claim, options),
    async complete(claim: Claim) {
      const ttlMs = Math.ceil(untilNext());
      if (ttlMs > 0) return store.complete(claim, { ttlMs });
      // The run has outlasted its beat: whoever comes next may run.
      await store.release(claim);
      return true;
    },
  };
}
