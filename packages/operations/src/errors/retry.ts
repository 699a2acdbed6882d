import { randomUUID } from 'node:crypto';
import { LeveretError, type MessageHeaders } from '@leveret/core';
import { routesOf } from '../management/routes.js';
import type { HoldLimits } from '../moving/held-queue.js';
import { forward, stage } from '../moving/staging.js';
import { withHeld } from '../moving/with-held.js';
import type { ParkedMessage } from '../parked/parked-message.js';
import type { RetryTarget, RoutesOf, TargetChoice } from '../parked/retry-target.js';
import { type Selection, selectErrors } from '../parked/select-errors.js';
import type { OperationsSession } from '../session/operations-session.js';
import { look } from './look.js';
import { isGood, OutcomeQueue, type RetryOutcome } from './outcomes.js';
import { type PlannedRetry, planRetry, type RetryPlan } from './plan-retry.js';

/** Options of {@link retry}. */
export interface RetryOptions extends TargetChoice {
  /** Error queues to look into. */
  readonly queues: readonly string[];
  readonly selection: Selection;
  /** Messages in a second. Default: as fast as the broker confirms. */
  readonly rate?: number | undefined;
  /** So many first; the others only once listeners of leveret have said that they handled these. Default 0: no canary. */
  readonly canary?: number | undefined;
  /** How long the outcome of the canary is waited for. Default 60 s. */
  readonly canaryTimeoutMs?: number | undefined;
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean | undefined;
  readonly limits?: HoldLimits | undefined;
  readonly onProgress?: ((progress: RetryProgress) => void) | undefined;
  /** Called once it is known what goes where, before anything is touched. */
  readonly onPlanned?: ((planned: readonly PlannedRetry[]) => void) | undefined;
  /** Stops it: what is not sent stays parked, at the end of its queue. */
  readonly signal?: AbortSignal | undefined;
}

/** How far a retry is. */
export interface RetryProgress {
  readonly phase: 'resuming' | 'canary' | 'waiting' | 'sending';
  /** Of `total`, in this phase. */
  readonly sent: number;
  readonly total: number;
}

/** What a retry came to. */
export interface RetryReport {
  /** What was chosen, with where each goes. */
  readonly planned: readonly PlannedRetry[];
  /** Sent and confirmed, the canary included. */
  readonly sent: number;
  /** Of an earlier retry that had ended in the middle. */
  readonly resumed: number;
  /** Not touched, or put back: they are parked as before. */
  readonly left: number;
  readonly canary: CanaryReport | undefined;
  /** Why not everything was sent. */
  readonly stopped: 'canary-failed' | 'canary-silent' | 'aborted' | 'refused' | undefined;
  /** What refused a message, when something did. */
  readonly failure: Error | undefined;
}

/** What became of the messages that went first. */
export interface CanaryReport {
  readonly sent: number;
  readonly outcomes: readonly RetryOutcome[];
  readonly handled: number;
  readonly failed: number;
  /** Nothing was heard of: the service is not running, is no service of leveret, or an older one. */
  readonly silent: number;
}

const CANARY_MS = 60_000;

/**
 * Sends parked messages back to where they failed, with their ids, and without the headers that say why they were parked. Each
 * is confirmed in a staging queue before it leaves its error queue, and confirmed where it goes before it leaves the staging
 * queue: whoever is killed in between is followed by the next retry of the same queue, which goes on first of all.
 * @throws {LeveretError} LEV_NOTHING_FOUND for a selection that names nothing, LEV_OPERATION_REFUSED when one of the messages has
 * no place to go: then nothing was touched; LEV_OPERATION_INTERRUPTED when the connection is lost
 */
export async function retry(session: OperationsSession, options: RetryOptions): Promise<RetryReport> {
  const { queues, dryRun = false, canary = 0, rate, signal } = options;
  checkRate(rate);
  const resumed = dryRun ? 0 : await resume(session, queues, options);
  const { messages } = await look(session, queues, options.limits);
  const chosen = selectErrors(messages, options.selection);
  // Of a retry that goes on, what was chosen may be on its way already.
  if (chosen.unknown.length > 0 && resumed === 0) throw nothingFound(chosen.unknown, queues);
  const { planned, faults } = await planRetryOf(session, chosen.messages, options);
  if (faults.length > 0) throw refused(faults);
  options.onPlanned?.(planned);
  const report = { planned, resumed, canary: undefined, failure: undefined, stopped: undefined };
  if (dryRun || planned.length === 0) return { ...report, sent: 0, left: planned.length };
  if (canary <= 0) return { ...report, ...(await send(session, planned, 'sending', options)) };
  const first = planned.slice(0, canary);
  const outcome = await sendCanary(session, first, options);
  if (outcome.stopped !== undefined) return { ...report, ...outcome, left: planned.length - outcome.sent };
  const others = planned.slice(canary);
  const rest = await send(session, others, 'sending', options);
  const stopped = signal?.aborted === true && rest.left > 0 ? 'aborted' : rest.stopped;
  return { ...report, ...rest, stopped, sent: outcome.sent + rest.sent, canary: outcome.canary };
}

/**
 * Goes on with what a retry had begun whose process ended in the middle. Answers how many messages it sent.
 * @throws {LeveretError} LEV_OPERATION_INTERRUPTED
 */
export async function resume(
  session: OperationsSession,
  queues: readonly string[],
  options: Pick<RetryOptions, 'rate' | 'signal' | 'onProgress'> = {},
): Promise<number> {
  let sent = 0;
  const onSent = () => {
    sent++;
    options.onProgress?.({ phase: 'resuming', sent, total: sent });
  };
  for (const queue of new Set(queues)) {
    const { rate, signal } = options;
    const { failure } = await session.exclusively('move', queue, () =>
      forward(session, queue, { rate, signal, onSent }),
    );
    if (failure !== undefined) throw refused([failure.message]);
  }
  return sent;
}

type Sent = Pick<RetryReport, 'sent' | 'left' | 'stopped' | 'failure'>;

async function send(
  session: OperationsSession,
  planned: readonly PlannedRetry[],
  phase: 'canary' | 'sending',
  { rate, limits, signal, onProgress }: RetryOptions,
  further?: MessageHeaders,
): Promise<Sent> {
  const total = planned.length;
  let sent = 0;
  const onSent = () => {
    sent++;
    onProgress?.({ phase, sent, total });
  };
  let failure: Error | undefined;
  const giveUp = new AbortController();
  const stop = signal === undefined ? giveUp.signal : AbortSignal.any([signal, giveUp.signal]);
  // The next queue is staged while the one before is sent, or the rate would not be kept from one to the other.
  let before = Promise.resolve();
  try {
    for (const [queue, of] of byQueue(planned)) {
      if (stop.aborted) break;
      const turn = before;
      before = session.exclusively('move', queue, async () => {
        await withHeld(session, queue, limits, ({ messages }) => {
          const staged = messages.flatMap((inHand) => {
            const target = of.get(inHand.parked.key);
            return target === undefined ? [] : [{ inHand, target }];
          });
          return stage(session, queue, staged);
        });
        // Where that one has failed, this one is put back.
        await turn.catch(() => giveUp.abort());
        const report = await forward(session, queue, { rate, signal: stop, onSent, further });
        failure ??= report.failure;
        if (failure !== undefined) giveUp.abort();
      });
      // Awaited below; it may fail before that.
      before.catch(() => {});
      await turn;
    }
    await before;
  } catch (error) {
    await before.catch(() => {});
    throw error;
  }
  const stopped = failure !== undefined ? 'refused' : signal?.aborted === true && sent < total ? 'aborted' : undefined;
  return { sent, left: total - sent, stopped, failure };
}

async function sendCanary(
  session: OperationsSession,
  first: readonly PlannedRetry[],
  options: RetryOptions,
): Promise<Sent & Pick<RetryReport, 'canary'>> {
  const outcomes = await OutcomeQueue.open(session, randomUUID());
  try {
    const sent = await send(session, first, 'canary', options, outcomes.headers);
    if (sent.stopped !== undefined) return { ...sent, canary: undefined };
    options.onProgress?.({ phase: 'waiting', sent: 0, total: first.length });
    const keys = first.map(({ message }) => message.key);
    const heard = await outcomes.wait(keys, options.canaryTimeoutMs ?? CANARY_MS, options.signal);
    const canary = canaryReport(first.length, heard);
    return { ...sent, canary, stopped: judgeCanary(canary, options.signal?.aborted === true) };
  } finally {
    await outcomes.close();
  }
}

/** Adds up what was heard of the messages that went first. */
export function canaryReport(sent: number, outcomes: readonly RetryOutcome[]): CanaryReport {
  const handled = outcomes.filter(isGood).length;
  return { sent, outcomes, handled, failed: outcomes.length - handled, silent: sent - outcomes.length };
}

/** Decides whether the others may follow: only when every one of the first was handled. */
export function judgeCanary({ failed, silent }: CanaryReport, isAborted: boolean): RetryReport['stopped'] {
  if (failed > 0) return 'canary-failed';
  if (isAborted) return 'aborted';
  return silent > 0 ? 'canary-silent' : undefined;
}

function byQueue(planned: readonly PlannedRetry[]): ReadonlyMap<string, ReadonlyMap<string, RetryTarget>> {
  const queues = new Map<string, Map<string, RetryTarget>>();
  for (const { message, target } of planned) {
    const of = queues.get(message.queue) ?? new Map<string, RetryTarget>();
    queues.set(message.queue, of.set(message.key, target));
  }
  return queues;
}

/** Where each message would go, and why it cannot be done where it cannot: nothing is touched. */
export async function planRetryOf(
  session: OperationsSession,
  messages: readonly ParkedMessage[],
  choice: TargetChoice = {},
): Promise<RetryPlan> {
  const { planned, faults } = planRetry(messages, choice, await routes(session, choice));
  return { planned, faults: [...faults, ...(await missingTargets(session, planned))] };
}

/** What the bindings say, where a message does not say which queue it failed in. */
async function routes(session: OperationsSession, choice: TargetChoice): Promise<RoutesOf> {
  if (choice.to !== undefined || choice.via === 'exchange') return () => undefined;
  const reader = await session.management();
  if (reader === undefined) return () => undefined;
  const [exchanges, bindings] = await Promise.all([reader.exchanges(), reader.bindings()]);
  return routesOf(exchanges, bindings);
}

/** Where nothing could arrive: found before anything is touched. */
async function missingTargets(
  session: OperationsSession,
  planned: readonly Pick<PlannedRetry, 'target'>[],
): Promise<readonly string[]> {
  const targets = new Map(planned.map(({ target }) => [JSON.stringify(target), target]));
  const faults = await Promise.all(
    [...targets.values()].map(async ({ exchange, routingKey }) => {
      if (exchange === '') {
        const queue = await session.broker.queue(routingKey);
        return queue === undefined
          ? `queue ${JSON.stringify(routingKey)}, where messages go back to, is not there`
          : [];
      }
      const isThere = await session.broker.exchangeExists(exchange);
      return isThere ? [] : `exchange ${JSON.stringify(exchange)}, where messages go back to, is not there`;
    }),
  );
  return [...new Set(faults.flat())];
}

export function nothingFound(words: readonly string[], queues: readonly string[]): LeveretError {
  const text = `No parked message and no group is called ${words.map((word) => JSON.stringify(word)).join(', ')} in ${queues.join(', ')}. It may have been retried or discarded meanwhile.`;
  return new LeveretError('LEV_NOTHING_FOUND', text);
}

export function refused(faults: readonly string[]): LeveretError {
  return new LeveretError('LEV_OPERATION_REFUSED', `Nothing was touched: ${faults.join('; ')}.`);
}

function checkRate(rate: number | undefined): void {
  if (rate === undefined || (Number.isFinite(rate) && rate > 0)) return;
  throw refused([`rate must be a number of messages a second above 0; got ${rate}`]);
}
