import { LeveretError } from '@leveret/core';
import type { BindingView } from '../management/views.js';
import type { OperationsSession } from '../session/operations-session.js';
import { askForDefinitions, type Definitions } from '../topology/definitions.js';
import { copiesExchangeOf, isOfCopies } from './migration-names.js';
import type { MigrationStep } from './migration-step.js';
import { moveMessages } from './move-messages.js';
import { isBindingOf } from './plan-migration.js';

/** One way of a migration: from the old queue to the new one, or back. */
export interface Swap {
  /** The queue that is migrated: what belongs to the migration is named for it. */
  readonly queue: string;
  readonly from: string;
  readonly to: string;
  /** Those that were noted down when the migration began. */
  readonly bindings: readonly BindingView[];
  readonly signal?: AbortSignal | undefined;
  readonly onStep: (step: MigrationStep, moved: number) => void;
}

/** So few are left when the bindings change: they are what a message published meanwhile may overtake. */
const NEARLY_EMPTY = 256;
const NOT_SHORTER_MS = 15_000;

/** Asks for all that is declared. @throws {LeveretError} LEV_OPERATION_REFUSED when there is no management API */
export async function definitionsNow(session: OperationsSession): Promise<Definitions> {
  const reader = await session.needManagement('A migration', 'Only that knows the bindings of a queue.');
  return askForDefinitions(reader, session.broker.broker.version);
}

/**
 * Messages from one queue to the other, and the bindings with them. Each step may be done again, and all of them after a
 * process that was killed at any of them. Answers how many messages were moved.
 *
 * What is published by an exchange goes to the first queue until the second is bound, to both for an instant, then to the second. What is
 * published straight to the first stays there until {@link moveMessages} comes by again.
 * @throws {LeveretError} LEV_OPERATION_INTERRUPTED, or what publishing failed with
 */
export async function swap(session: OperationsSession, { queue, from, to, ...way }: Swap): Promise<number> {
  const { broker } = session;
  const { signal, onStep } = way;
  const copies = copiesExchangeOf(queue);
  let moved = 0;
  const move = async (step: MigrationStep, limits: { ready: number; notShorterForMs?: number }) => {
    const before = moved;
    onStep(step, moved);
    moved =
      before + (await moveMessages(session, from, copies, { ...limits, signal }, (of) => onStep(step, before + of)));
  };
  onStep('prepare', moved);
  await leadCopies(session, queue, from, to);
  await move('catch-up', { ready: NEARLY_EMPTY, notShorterForMs: NOT_SHORTER_MS });
  if (signal?.aborted === true) return moved;
  onStep('bind', moved);
  const there = await definitionsNow(session);
  const own = there.bindings.filter((each) => isBindingOf(each, from) && !isOfCopies(each.source));
  const sources = new Set(there.exchanges.map(({ name }) => name));
  for (const { source, routingKey, arguments: args } of [...way.bindings, ...own]) {
    // An exchange that is gone has taken its bindings with it.
    if (sources.has(source)) await broker.bindQueue(to, source, routingKey, { ...args });
  }
  onStep('unbind', moved);
  for (const { source, routingKey, arguments: args } of own) {
    await broker.unbindQueue(from, source, routingKey, { ...args });
  }
  await checkUnbound(session, from);
  await move('drain', { ready: 0 });
  return moved;
}

/** Copies of a migration go to the one queue, whichever way they went before. */
export async function leadCopies(
  { broker }: OperationsSession,
  queue: string,
  from: string,
  to: string,
): Promise<void> {
  const copies = copiesExchangeOf(queue);
  await broker.declareExchange(copies, 'fanout');
  await broker.bindQueue(to, copies, '');
  await broker.unbindQueue(from, copies, '');
}

/** A binding whose arguments JSON does not tell exactly is still there. */
async function checkUnbound(session: OperationsSession, from: string): Promise<void> {
  const { bindings } = await definitionsNow(session);
  const left = bindings.filter((each) => isBindingOf(each, from) && !isOfCopies(each.source));
  if (left.length === 0) return;
  const names = left.map(({ source, routingKey }) => `${source} (${routingKey})`).join(', ');
  const text = `Queue ${JSON.stringify(from)} is still bound to ${names}, and gets every message as well: a service binds it again, or the arguments of the binding are none that JSON tells. Unbind it by hand (the management UI), then go on.`;
  throw new LeveretError('LEV_OPERATION_INTERRUPTED', text);
}
