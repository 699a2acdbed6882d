import { LeveretError, type TopologyArguments } from '@leveret/core';
import type { BindingView, QueueView } from '../management/views.js';
import type { OperationsSession } from '../session/operations-session.js';
import { markerOf } from './migration-names.js';
import type { MigrationPlan } from './plan-migration.js';

/** What was decided when a migration began, for whoever goes on with it. */
export interface Marker {
  readonly to: string;
  readonly arguments: TopologyArguments;
  readonly bindings: readonly BindingView[];
}

const TO = 'x-leveret-to';
const ARGUMENTS = 'x-leveret-arguments';
const BINDINGS = 'x-leveret-bindings';
/** All of it must fit into one frame. */
const MOST_BYTES = 100_000;

/** The marker of a queue's migration; `undefined` when none is under way. */
export function readMarker(queue: string, queues: readonly QueueView[]): Marker | undefined {
  const name = markerOf(queue);
  const found = queues.find((each) => each.name === name)?.arguments;
  const [to, args, bindings] = [found?.[TO], found?.[ARGUMENTS], found?.[BINDINGS]];
  if (typeof to !== 'string' || typeof args !== 'string' || typeof bindings !== 'string') return undefined;
  return { to, arguments: JSON.parse(args), bindings: JSON.parse(bindings) };
}

/** Writes it, in one step: from now on the migration goes on or back. */
export async function writeMarker(session: OperationsSession, plan: MigrationPlan): Promise<void> {
  const bindings = JSON.stringify(plan.bindings);
  if (Buffer.byteLength(bindings) > MOST_BYTES) {
    const text = `Queue ${JSON.stringify(plan.from)} has ${plan.bindings.length} bindings, more than a migration can note down.`;
    throw new LeveretError('LEV_OPERATION_REFUSED', text);
  }
  await session.broker.declareQueue(markerOf(plan.from), {
    arguments: { [TO]: plan.to, [ARGUMENTS]: JSON.stringify(plan.arguments), [BINDINGS]: bindings },
  });
}
