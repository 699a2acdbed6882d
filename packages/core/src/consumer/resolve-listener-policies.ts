import type { Problems } from '../errors/configuration-error.js';
import { mergeOptions, type ReadOptions, readOptions } from '../options/option.js';
import { LISTENER_POLICY_OPTIONS, type ListenerPolicyOptions } from './listener-options.js';

/** {@link ListenerPolicyOptions}, checked and complete; what depends on the queue is as the listener says it. */
export interface ResolvedListenerPolicies extends ReadOptions<typeof LISTENER_POLICY_OPTIONS> {}

/**
 * Merges a listener's own options over the defaults for all, fills in leveret's defaults, and notes every fault.
 * An own value wins as a whole: an own `retry` is not mixed with the default one.
 */
export function resolveListenerPolicies(
  own: ListenerPolicyOptions,
  defaults: ListenerPolicyOptions,
  problems: Problems,
): ResolvedListenerPolicies {
  const policies = readOptions(LISTENER_POLICY_OPTIONS, mergeOptions(defaults, own), problems);
  checkTogether(policies, problems);
  return policies;
}

/** Notes options that are right by themselves and do not go together. */
function checkTogether(policies: ResolvedListenerPolicies, problems: Problems): void {
  const { acknowledge, concurrency, exclusive, redeliver, retry, sharedChannel } = policies;
  if (exclusive && concurrency > 1 && sharedChannel !== true) {
    problems.add(
      `exclusive allows one consumer; with concurrency ${concurrency} the others would be refused. Say sharedChannel: true, and all handlers share one`,
    );
  }
  if (acknowledge === 'manual' && retry !== undefined) {
    problems.add(
      "retry does not go with acknowledge: 'manual': the handler settles the delivery itself. Use 'auto', or say retry: false here, or retry in the handler",
    );
  }
  if (acknowledge === 'manual' && redeliver !== undefined) {
    problems.add(
      "redeliver does not go with acknowledge: 'manual': the handler settles the delivery itself. Use 'auto', say redeliver: false here, or throw RetryAfter in the handler",
    );
  }
  if (redeliver !== undefined && retry?.stateless === false) {
    problems.add(
      'redeliver does not go with stateful retry, whose attempts go through the broker themselves. Leave out stateless: false, so that the attempts of a delivery are made here and the message waits between deliveries, or leave out redeliver',
    );
  }
  if (acknowledge === 'none' && retry?.stateless === false) {
    problems.add("stateful retry does not go with acknowledge: 'none': the broker never delivers a message again");
  }
}
