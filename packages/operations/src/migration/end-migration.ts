import { LeveretError } from '@leveret/core';
import type { OperationsSession } from '../session/operations-session.js';
import type { Definitions } from '../topology/definitions.js';
import { Hands } from './hands.js';
import { type Marker, readMarker } from './marker.js';
import { copiesExchangeOf, isOfCopies, markerOf } from './migration-names.js';
import type { MigrationOptions, MigrationReport } from './migration-step.js';
import { moveMessages } from './move-messages.js';
import { isBindingOf, straightTo } from './plan-migration.js';
import { definitionsNow, leadCopies, swap } from './swap.js';

const ROUNDS = 5;

/**
 * Ends a migration: moves what has come straight to the old queue since, and deletes it. Refused while bindings or dead letters lead there.
 * @throws {LeveretError} LEV_NOTHING_FOUND when no migration is under way, LEV_OPERATION_REFUSED, LEV_OPERATION_INTERRUPTED
 */
export function commitMigration(session: OperationsSession, options: MigrationOptions): Promise<MigrationReport> {
  const { queue } = options;
  return session.exclusively('move', queue, async () => {
    const there = await definitionsNow(session);
    const { to } = needMarker(queue, there);
    const report = { from: queue, to, state: 'committed' as const, why: undefined, moved: 0, consumers: 0 };
    if (!there.queues.some(({ name }) => name === queue)) {
      await cleanUp(session, queue);
      return report;
    }
    checkCommit(queue, there);
    return end(session, { ...options, from: queue, to }, report);
  });
}

/**
 * Has everything as it was: bindings and messages go back to the old queue, and the new one is deleted.
 * @throws {LeveretError} LEV_NOTHING_FOUND when no migration is under way, LEV_OPERATION_REFUSED when the old queue is gone,
 * LEV_OPERATION_INTERRUPTED
 */
export function rollBackMigration(session: OperationsSession, options: MigrationOptions): Promise<MigrationReport> {
  const { queue, signal, onStep = () => {} } = options;
  return session.exclusively('move', queue, async () => {
    const there = await definitionsNow(session);
    const { to, bindings } = needMarker(queue, there);
    const report = { from: to, to: queue, state: 'rolled-back' as const, why: undefined, moved: 0, consumers: 0 };
    if (!there.queues.some(({ name }) => name === queue)) {
      const text = `Queue ${JSON.stringify(queue)} is gone: its migration was being committed. End that by committing it; another migration leads back.`;
      throw new LeveretError('LEV_OPERATION_REFUSED', text);
    }
    if (!there.queues.some(({ name }) => name === to)) {
      await cleanUp(session, queue);
      return report;
    }
    const moved = await swap(session, { queue, from: to, to: queue, bindings, signal, onStep });
    if (signal?.aborted === true) return { ...report, moved, state: 'stopped' };
    return end(session, { ...options, from: to, to: queue }, { ...report, moved });
  });
}

/** Deletes the queue that everything was moved from, once nobody has anything of it in hand, and what belongs to the migration. */
async function end(
  session: OperationsSession,
  options: MigrationOptions & { readonly from: string; readonly to: string },
  report: MigrationReport,
): Promise<MigrationReport> {
  const { queue, from, to, onStep = () => {}, signal, nothingHeld = false } = options;
  const { broker } = session;
  let { moved } = report;
  const waiting = (why: string, consumers = 0) => ({ ...report, moved, consumers, state: 'waiting' as const, why });
  const reader = await session.needManagement('A migration', 'Only that knows what consumers hold.');
  await leadCopies(session, queue, from, to);
  for (let round = 0; round < ROUNDS; round++) {
    const before = moved;
    const onMoved = (of: number) => onStep('drain', before + of);
    const others = (await broker.queue(from))?.consumers ?? 0;
    const hands = nothingHeld || others > 0 ? undefined : new Hands(session, reader, from);
    const mayEnd = async () => hands === undefined || (await hands.seesUs());
    moved += await moveMessages(session, from, copiesExchangeOf(queue), { ready: 0, signal, mayEnd }, onMoved);
    const consumers = (await broker.queue(from))?.consumers ?? 0;
    if (consumers > 0) return waiting(`${consumers} consumers have it: stop them, then do this again`, consumers);
    const held = (await hands?.held(signal)) ?? 0;
    if (held > 0) return waiting(`${held} of its messages are in hand of somebody: do this again when that has ended`);
    if (signal?.aborted === true) return { ...report, moved, state: 'stopped' };
    const state = await broker.queue(from);
    if (state === undefined || state.messages > 0 || state.consumers > 0) continue;
    onStep('delete', moved);
    if (!(await deleteEmpty(session, from))) continue;
    await cleanUp(session, queue);
    return { ...report, moved };
  }
  return waiting(
    'messages still come straight to it: let whoever sends them send to the other queue, then do this again',
  );
}

/** Classic queues are deleted only if nothing is there at that moment. Quorum queues cannot be told: they were looked at just before. */
async function deleteEmpty(session: OperationsSession, queue: string): Promise<boolean> {
  const { broker } = session;
  if ((await session.queueType(queue)) !== 'classic') {
    await broker.deleteQueue(queue);
    return true;
  }
  try {
    await broker.deleteQueue(queue, { ifEmpty: true, ifUnused: true });
    return true;
  } catch (error) {
    if (error instanceof Error && /406 PRECONDITION_FAILED/.test(error.message)) return false;
    throw error;
  }
}

/** The marker last: as long as it is there, the end of a migration can be done again. */
async function cleanUp({ broker }: OperationsSession, queue: string): Promise<void> {
  await broker.deleteExchange(copiesExchangeOf(queue));
  await broker.deleteQueue(markerOf(queue));
}

function needMarker(queue: string, { queues }: Definitions): Marker {
  const marker = readMarker(queue, queues);
  if (marker !== undefined) return marker;
  const text = `No migration of queue ${JSON.stringify(queue)} is under way.`;
  throw new LeveretError('LEV_NOTHING_FOUND', text);
}

/** What would be dropped without a word if the old queue were gone. */
function checkCommit(queue: string, { bindings, queues }: Definitions): void {
  const bound = bindings.filter((each) => isBindingOf(each, queue) && !isOfCopies(each.source));
  const straight = straightTo(queue, queues);
  const faults = [
    ...bound.map(
      ({ source, routingKey }) =>
        `exchange ${JSON.stringify(source)} (${routingKey}) is bound to it: a service still declares that, or the migration is in the middle; deploy the service for the new queue, and migrate again`,
    ),
    ...straight.map((name) => `dead letters of queue ${JSON.stringify(name)} go straight to it`),
  ];
  if (faults.length === 0) return;
  const text = `Queue ${JSON.stringify(queue)} is not deleted: ${faults.join('; ')}.`;
  throw new LeveretError('LEV_OPERATION_REFUSED', text);
}
