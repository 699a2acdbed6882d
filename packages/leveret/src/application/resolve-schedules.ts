import type { Problems } from '@leveret/core';
import { type ListenerMaking, resolveHome } from '../container/resolve-parts.js';
import { sampleContext } from '../container/sample-context.js';
import type { IdempotencyOptions } from '../decorators/idempotent.js';
import { withInstance } from '../handler/instance-source.js';
import type { SchedulePlan } from '../reading/read-schedules.js';
import type { ScheduleDefinition } from '../schedule/schedule.js';
import type { GuardMaker } from './resolve-idempotency.js';

/** What schedules are made with. */
export interface ScheduleSettings extends ListenerMaking {
  readonly idempotency: IdempotencyOptions;
  readonly guards: GuardMaker;
}

/** Makes definitions of plans: classes and stores resolved. Every fault is noted in `problems`. */
export async function resolveSchedules(
  plans: readonly SchedulePlan[],
  settings: ScheduleSettings,
  problems: Problems,
): Promise<readonly ScheduleDefinition[]> {
  const definitions: ScheduleDefinition[] = [];
  for (const plan of plans) {
    const faults = problems.at(plan.place);
    const source = await resolveHome(plan, settings, faults);
    const alone = await resolveAlone(plan.alone, settings, faults);
    if (source === undefined) continue;
    const { id, timing, jitterMs, immediate, timeoutMs, key } = plan;
    const { attemptEnded } = settings.resolver;
    // A class in request or transient scope is made for each run, as for each attempt.
    const call = async (signal: AbortSignal): Promise<unknown> => {
      const context = { ...sampleContext(), signal };
      try {
        return await withInstance(source, context, (instance) => {
          const method = (instance as Record<string | symbol, (signal: AbortSignal) => unknown>)[key];
          return method?.call(instance, signal);
        });
      } finally {
        attemptEnded?.(context);
      }
    };
    definitions.push(Object.freeze({ id, timing, jitterMs, immediate, timeoutMs, alone, call }));
  }
  return definitions;
}

async function resolveAlone(
  alone: SchedulePlan['alone'],
  { idempotency, guards }: ScheduleSettings,
  problems: Problems,
): Promise<ScheduleDefinition['alone']> {
  if (alone === undefined) return undefined;
  const given = alone.store ?? idempotency.store;
  if (given === undefined) {
    problems.add(
      'runOnOneInstance needs a store that all instances share: idempotency: { store } for the application, or runOnOneInstance: { store }',
    );
    return undefined;
  }
  const store = await guards.store(given, problems);
  return store === undefined ? undefined : { store, leaseMs: alone.leaseMs };
}
