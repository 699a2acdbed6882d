/** How the wait between two attempts grows. All times in milliseconds. */
export interface BackoffPolicy {
  readonly initialIntervalMs: number;
  readonly multiplier: number;
  readonly maxIntervalMs: number;
  /** Share of the interval (0 to 1) that is added at random, so that waits only ever get longer. */
  readonly jitter: number;
}

/**
 * The wait before attempt `n + 1`, in milliseconds: `min(initialInterval * multiplier^(n-1), maxInterval)`, plus up to
 * `jitter` of it.
 * @param failures attempts that have failed so far, from 1
 * @param random a number from 0 (included) to 1 (excluded)
 */
export function backoffDelayMs(policy: BackoffPolicy, failures: number, random: () => number = Math.random): number {
  const grown = policy.initialIntervalMs * policy.multiplier ** (failures - 1);
  // 0 * Infinity is NaN: a zero interval stays zero however large the power.
  const base = policy.initialIntervalMs === 0 ? 0 : Math.min(grown, policy.maxIntervalMs);
  return Math.round(base * (1 + policy.jitter * random()));
}
