import { LeveretError } from '@leveret/core';
import type { QueueView } from '../management/views.js';
import type { OperationsSession } from '../session/operations-session.js';
import type { Definitions } from '../topology/definitions.js';
import { readMarker, writeMarker } from './marker.js';
import type { MigrationOptions, MigrationReport } from './migration-step.js';
import { type MigrationChoice, type MigrationPlan, planMigration } from './plan-migration.js';
import { definitionsNow, swap } from './swap.js';

/**
 * What a migration would come to, or the one that is under way.
 * @throws {LeveretError} LEV_QUEUE_MISSING, LEV_OPERATION_REFUSED when there is no management API
 */
export async function planOfMigration(
  session: OperationsSession,
  queue: string,
  choice: MigrationChoice = {},
): Promise<MigrationPlan & { readonly isUnderWay: boolean }> {
  const there = await definitionsNow(session);
  const marker = readMarker(queue, there.queues);
  if (marker !== undefined) {
    const other = choice.as !== undefined && choice.as !== marker.to;
    const faults = other
      ? [`its migration to ${JSON.stringify(marker.to)} is under way: commit it or roll it back`]
      : [];
    return { ...marker, from: queue, losses: [], notes: [], faults, isUnderWay: true };
  }
  return { ...planMigration(needQueue(queue, there), choice, there), isUnderWay: false };
}

/**
 * Declares a quorum queue beside a queue, and moves bindings and messages to it, in order, each message confirmed there before it leaves. The
 * old queue stays, so that what is sent straight to it is not lost: call this again to move that, {@link commitMigration} to delete the
 * old queue, {@link rollBackMigration} to have everything as it was. Whoever is killed is followed by the next call.
 * @throws {LeveretError} LEV_QUEUE_MISSING; LEV_OPERATION_REFUSED with what the new queue cannot have, before anything is done;
 * LEV_OPERATION_INTERRUPTED
 */
export async function migrateQueue(
  session: OperationsSession,
  options: MigrationOptions & MigrationChoice,
): Promise<MigrationReport> {
  const { queue } = options;
  const onStep = options.onStep ?? (() => {});
  return session.exclusively('move', queue, async () => {
    const { isUnderWay, ...plan } = await planOfMigration(session, queue, options);
    refuse(plan);
    onStep('begin', 0);
    if (!isUnderWay) await writeMarker(session, plan);
    onStep('declare', 0);
    const { to, bindings } = plan;
    await session.broker.declareQueue(to, { arguments: { ...plan.arguments } });
    const moved = await swap(session, { queue, from: queue, to, bindings, signal: options.signal, onStep });
    const consumers = (await session.broker.queue(queue))?.consumers ?? 0;
    const state = options.signal?.aborted === true ? 'stopped' : 'moved';
    return { from: queue, to, state, why: undefined, moved, consumers };
  });
}

/** @throws {LeveretError} LEV_QUEUE_MISSING */
function needQueue(queue: string, { queues }: Definitions): QueueView {
  const found = queues.find(({ name }) => name === queue);
  if (found === undefined) throw new LeveretError('LEV_QUEUE_MISSING', `Queue ${JSON.stringify(queue)} is not there.`);
  return found;
}

function refuse({ from, faults, losses }: MigrationPlan): void {
  if (faults.length === 0 && losses.length === 0) return;
  const lost = losses.map(
    ({ name, value, means }) =>
      `${name} (${JSON.stringify(value)}) goes: ${means}; agree by without, or set it differently`,
  );
  const text = `Queue ${JSON.stringify(from)} is not migrated, and nothing was touched: ${[...faults, ...lost].join('. ')}.`;
  throw new LeveretError('LEV_OPERATION_REFUSED', text);
}
