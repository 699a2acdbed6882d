import type { RedeliverPolicy } from './failure-policy.js';

/** With jitter a delay is one of three: as it is, and longer by the half and by the whole of the jitter. */
const STEPS = 2;

/** Every delay that a policy can come to, the shortest first. */
export function delaysOf({ delaysMs, jitter }: RedeliverPolicy): readonly number[] {
  const all = delaysMs.flatMap((delayMs) => stepsOf(delayMs, jitter));
  return [...new Set(all)].sort((a, b) => a - b);
}

/** The wait before a redelivery; `undefined` when there have been as many as there may be. */
export function nextDelayMs(
  { delaysMs, jitter }: RedeliverPolicy,
  redeliveries: number,
  random: () => number,
): number | undefined {
  const delayMs = delaysMs[redeliveries];
  if (delayMs === undefined) return undefined;
  const steps = stepsOf(delayMs, jitter);
  return steps[Math.min(steps.length - 1, Math.floor(random() * steps.length))];
}

function stepsOf(delayMs: number, jitter: number): readonly number[] {
  if (jitter === 0) return [delayMs];
  return Array.from({ length: STEPS + 1 }, (_, step) => Math.round(delayMs * (1 + (jitter * step) / STEPS)));
}

/** What a broker waits by itself: `min(minMs × failed deliveries, maxMs)`. */
export interface LinearRule {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * The rule by which a quorum queue of RabbitMQ 4.3 waits as long as the policy wants, or up to its jitter longer; `undefined` when
 * there is none.
 */
export function linearRule({ delaysMs, jitter }: RedeliverPolicy): LinearRule | undefined {
  const [minMs] = delaysMs;
  if (minMs === undefined) return undefined;
  const fits = (maxMs: number) =>
    delaysMs.every((wanted, index) => {
      const waits = Math.min(minMs * (index + 1), maxMs);
      return waits >= wanted && waits <= wanted * (1 + jitter);
    });
  const maxMs = [minMs * delaysMs.length, ...delaysMs].find(fits);
  return maxMs === undefined ? undefined : { minMs, maxMs };
}
