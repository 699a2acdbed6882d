import type { ParkedMessage } from '../parked/parked-message.js';
import { decideTarget, type RetryTarget, type RoutesOf, type TargetChoice } from '../parked/retry-target.js';

/** Where one message is to go. */
export interface PlannedRetry {
  readonly message: ParkedMessage;
  readonly target: RetryTarget;
}

/** What a retry comes to before anything is done. */
export interface RetryPlan {
  readonly planned: readonly PlannedRetry[];
  /** Why it cannot be done, each reason once, with how many messages it is about. */
  readonly faults: readonly string[];
}

/** Decides where each message goes. With a fault nothing may be begun: a retry that leaves some behind is not what was asked for. */
export function planRetry(messages: readonly ParkedMessage[], choice: TargetChoice, routesOf: RoutesOf): RetryPlan {
  const planned: PlannedRetry[] = [];
  const reasons = new Map<string, ParkedMessage[]>();
  for (const message of messages) {
    const decision = decideTarget(message.failure, choice, routesOf);
    if (decision.kind === 'target') planned.push({ message, target: decision.target });
    else reasons.set(decision.why, [...(reasons.get(decision.why) ?? []), message]);
  }
  const faults = [...reasons].map(([why, of]) => `${of.length} messages such as ${of[0]?.key ?? ''}: ${why}`);
  return { planned, faults };
}
