import { type ApplicationPlan, applicationPlan } from '@leveret/core';
import type { ResolvedApplication } from './read-and-check.js';

/** Where the command `leveret plan` leaves a function in the process that it starts an application in. */
const ASKED = Symbol.for('leveret.plan');

/** The plan of an application that was read. */
export function planOf({ service, topology, definitions }: ResolvedApplication): ApplicationPlan {
  return applicationPlan(service, topology, definitions);
}

/** In a process that is there for the plan only: hands it over, and does not come back, so that nothing is connected. */
export async function tellPlan(plan: ApplicationPlan): Promise<void> {
  const asked: unknown = (globalThis as Record<symbol, unknown>)[ASKED];
  if (typeof asked === 'function') await asked(plan);
}
