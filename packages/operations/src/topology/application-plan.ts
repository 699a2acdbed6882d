import { type ApplicationPlan, LeveretError } from '@leveret/core';

/**
 * Reads a plan that was written as JSON.
 * @throws {LeveretError} LEV_OPERATION_REFUSED when it is none
 */
export function readPlan(value: unknown, where: string): ApplicationPlan {
  const plan = (typeof value === 'object' && value !== null ? value : {}) as Partial<ApplicationPlan>;
  const lists = [plan.exchanges, plan.queues, plan.bindings, plan.policies, plan.listeners];
  if (lists.every(Array.isArray)) return plan as ApplicationPlan;
  const text = `${where} is no plan: expected an object with exchanges, queues, bindings, policies and listeners, as app.plan() answers.`;
  throw new LeveretError('LEV_OPERATION_REFUSED', text);
}

/** Several applications of one broker as one. */
export function mergePlans(plans: readonly ApplicationPlan[]): ApplicationPlan {
  const distinct = <T>(items: readonly T[], key: (item: T) => string) => [
    ...new Map(items.map((item) => [key(item), item])).values(),
  ];
  return {
    service: plans.length === 1 ? plans[0]?.service : undefined,
    exchanges: distinct(
      plans.flatMap(({ exchanges }) => exchanges),
      ({ name }) => name,
    ),
    queues: distinct(
      plans.flatMap(({ queues }) => queues),
      ({ name }) => name,
    ),
    bindings: distinct(
      plans.flatMap(({ bindings }) => bindings),
      (binding) => JSON.stringify(binding),
    ),
    policies: distinct(
      plans.flatMap(({ policies }) => policies),
      ({ name }) => name,
    ),
    listeners: plans.flatMap(({ listeners }) => listeners),
  };
}
