import { LeveretError } from '../errors/leveret-error.js';
import { isFatalMessageError } from '../errors/message-error.js';
import type { HandlerRoute } from '../handler/handler.js';
import { invokeWithin } from '../handler/invoke-within.js';
import { decideKey } from '../idempotency/decide-key.js';
import { refuseUnreadable } from '../message/verbatim.js';
import type { RecoveryReason } from '../recoverer/recoverer.js';
import { decideFailure, type FailureDecision, isAskedFor, isByPolicy } from '../retry/decide-failure.js';
import type { RememberedFailures } from '../retry/redelivery-attempts.js';
import { backoffDelayMs } from '../time/backoff.js';
import type { Delivery } from '../transport/transport.js';
import { AttemptContext } from './attempt-context.js';
import { attemptOnce, type Invoke, type OnceCall, type OnceResult } from './attempt-once.js';
import { decideHold, type Obstacle } from './decide-hold.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import type { HandlerSettlement } from './held-settlement.js';
import { RECOVERER_PAUSE, recoverDelivery, recovererFailed } from './recover-delivery.js';
import { replyWithError, replyWithValue } from './send-reply.js';
import { DeliverySettlement } from './settle-delivery.js';
import { forgetFailures, isUsableId, recallFailures, rememberFailure } from './stateful-attempts.js';

/**
 * - `stopping`: the listener is being stopped; waits end, a running handler goes on.
 * - `channel-gone`: the delivery can no longer be settled; waits end and the handler's signal fires.
 * - `deadline`: the shutdown can wait no longer; the handler's signal fires.
 */
export type Interruption = 'stopping' | 'channel-gone' | 'deadline';

interface PreparedCall {
  readonly route: HandlerRoute;
  readonly payload: unknown;
  /** How it takes effect once; `undefined` when it need not. */
  readonly once: OnceCall | undefined;
}

/** What an attempt that did not fail came to. */
type AttemptResult = OnceResult | { readonly kind: 'handled' };

/**
 * The whole journey of one delivery, from top to bottom: convert, find its key, call the handler through its guard and
 * its interceptors, decide about a failure, settle. `run()` never rejects, and settles the delivery at most once.
 */
export class DeliveryProcess {
  readonly delivery: Delivery;
  readonly #env: DeliveryEnvironment;
  readonly #settlement: DeliverySettlement;
  #call: PreparedCall | undefined;
  #context: AttemptContext | undefined;
  #interruption: Interruption | undefined;
  #wake: (() => void) | undefined;
  #firstFailedAt: number | undefined;
  /** The guarded handler has returned: only its reply is left. */
  #handled: { readonly value: unknown } | undefined;
  #held: { readonly kind: Obstacle['kind']; readonly since: number; readonly times: number } | undefined;

  constructor(delivery: Delivery, env: DeliveryEnvironment) {
    this.delivery = delivery;
    this.#env = env;
    this.#settlement = new DeliverySettlement(delivery, env.definition, env.reporter);
  }

  async run(): Promise<void> {
    const { reporter } = this.#env;
    try {
      reporter.received(this.delivery);
      await this.#journey();
    } catch (cause) {
      // Deciding or recovering failed: the message is given another chance, but not at once.
      const error = recovererFailed(this.#env.definition.id, cause);
      reporter.report(this.delivery, { type: 'recoverer-failed', error });
      await this.#wait(backoffDelayMs(RECOVERER_PAUSE, ++this.#env.recoverer.failuresInARow));
      this.#settlement.settle('requeue', error, 'recoverer-failed');
    }
  }

  /** Tells the process that waiting, or going on, is of no use. */
  interrupt(why: Interruption): void {
    if (why !== 'stopping' || this.#interruption === undefined) this.#interruption = why;
    this.#wake?.();
    this.#abortIfHopeless();
  }

  #abortIfHopeless(): void {
    const why = this.#interruption;
    if (why === undefined || why === 'stopping') return;
    this.#context?.abort(new LeveretError('LEV_CHANNEL_CLOSED', ABORT_TEXT[why]));
  }

  async #journey(): Promise<void> {
    const remembered = recallFailures(this.#env, this.delivery.message);
    if (remembered !== undefined && !(await this.#readyForRedelivery(remembered))) return;
    for (let failures = remembered?.failures ?? 0; ; ) {
      const startedAt = this.#env.clock.monotonic();
      let result: AttemptResult;
      try {
        result = await this.#attempt(failures + 1);
      } catch (error) {
        if (!isFatalMessageError(error)) failures++;
        if (!(await this.#tryAgain(error, failures))) return;
        continue;
      }
      if (result.kind === 'handled' || result.kind === 'duplicate') {
        forgetFailures(this.#env, this.delivery.message);
        if (result.kind === 'handled')
          this.#settlement.handled(Math.round(this.#env.clock.monotonic() - startedAt), failures + 1);
        else this.#settlement.duplicate(result.key);
        return;
      }
      if (!(await this.#hold(result))) return;
    }
  }

  /** One attempt: read the payload (once), call the handler through its interceptors, send its reply. */
  async #attempt(attempt: number): Promise<AttemptResult> {
    this.#call ??= await this.#prepare();
    const call = this.#call;
    if (call.once === undefined) {
      const value = this.#invoke(call, attempt, this.#settlement.acknowledgement);
      await replyWithValue(this.#env, this.delivery, call.route, isThenable(value) ? await value : value);
      return HANDLED;
    }
    if (this.#handled === undefined) {
      const { acknowledgement } = this.#settlement;
      const invoke: Invoke = (settlement, ...guard) => this.#invoke(call, attempt, settlement, ...guard);
      const result = await attemptOnce(this.#env, this.delivery, acknowledgement, call.once, invoke);
      if (result.kind !== 'handled') return result;
      this.#handled = result;
    }
    // Only now: a reply to what is not committed yet might tell of what never happens.
    await replyWithValue(this.#env, this.delivery, call.route, this.#handled.value);
    return HANDLED;
  }

  async #prepare(): Promise<PreparedCall> {
    const { message } = this.delivery;
    refuseUnreadable(message);
    const route = this.#env.definition.handler.route(message);
    const payload = await this.#inTime(route.convert(message));
    const idempotency = this.#env.definition.idempotency?.get(route);
    if (idempotency === undefined) return { route, payload, once: undefined };
    const decision = decideKey(message, payload, idempotency.policy);
    if (decision.kind === 'reject') throw decision.error;
    return { route, payload, once: decision.kind === 'guard' ? { idempotency, key: decision.key } : undefined };
  }

  /** A rule that asks a database, say, may take as long as the handler. */
  #inTime(reading: unknown): unknown {
    const { clock, definition } = this.#env;
    if (definition.timeoutMs === undefined || !isThenable(reading)) return reading;
    return invokeWithin(
      clock,
      definition.timeoutMs,
      () => reading,
      () => {},
    );
  }

  #invoke(
    { route, payload }: PreparedCall,
    attempt: number,
    settlement: HandlerSettlement,
    transaction?: unknown,
    claimLost?: AbortSignal,
  ): unknown {
    const { definition, clock } = this.#env;
    const { id, timeoutMs, failurePolicy } = definition;
    const mode = failurePolicy.acknowledge;
    const context = new AttemptContext(id, mode, this.delivery, settlement, payload, attempt, transaction);
    this.#context = context;
    // It may have been interrupted while the payload was read.
    this.#abortIfHopeless();
    if (claimLost !== undefined) abortWith(context, claimLost);
    if (timeoutMs === undefined) return route.invoke(context);
    return invokeWithin(
      clock,
      timeoutMs,
      () => route.invoke(context),
      (error) => context.abort(error),
    );
  }

  /** Decides about a failed attempt and carries it out. Answers whether another attempt follows here and now. */
  async #tryAgain(error: unknown, failures: number): Promise<boolean> {
    const { definition, clock, reporter } = this.#env;
    const { failurePolicy } = definition;
    const { messageId, redelivered } = this.delivery.message;
    this.#firstFailedAt ??= clock.now();
    if (isFatalMessageError(error)) reporter.report(this.delivery, { type: 'invalid', error });
    else reporter.report(this.delivery, { type: 'failed', error, attempt: failures });

    if (!this.delivery.channel.isOpen && failurePolicy.acknowledge !== 'none') {
      this.#settlement.channelGone();
      return false;
    }
    const facts = { error, failures, hasMessageId: isUsableId(messageId), redelivered };
    const decision = decideFailure(failurePolicy, facts);
    const isHopeless = this.#interruption !== undefined && this.#interruption !== 'stopping';
    if (isHopeless && failurePolicy.acknowledge !== 'none' && isByPolicy(decision)) {
      // It failed because its signal fired, which says nothing about the message.
      this.#settlement.giveBack('stopping', error);
      return false;
    }
    if (!isAskedFor(decision) && (await replyWithError(this.#env, this.delivery, error))) {
      await this.#carryOut({ kind: failurePolicy.acknowledge === 'manual' ? 'leave' : 'acknowledge' }, error, failures);
      return false;
    }
    if (decision.kind !== 'retry') {
      await this.#carryOut(decision, error, failures);
      return false;
    }
    reporter.report(this.delivery, { type: 'retried', error, attempt: failures, delayMs: decision.delayMs });
    return this.#waitForRetry(decision.delayMs, error);
  }

  async #carryOut(
    decision: Exclude<FailureDecision, { kind: 'retry' }>,
    error: unknown,
    failures: number,
  ): Promise<void> {
    switch (decision.kind) {
      case 'acknowledge':
        forgetFailures(this.#env, this.delivery.message);
        this.#settlement.acknowledge(error);
        return;
      case 'requeue':
        if (decision.reason === 'stateful-retry') rememberFailure(this.#env, this.delivery.message, error);
        this.#settlement.settle('requeue', error, decision.reason);
        return;
      case 'reject':
        forgetFailures(this.#env, this.delivery.message);
        this.#settlement.settle('reject', error, decision.reason);
        return;
      case 'recover':
        // Should the recoverer fail, the next delivery goes straight to it: the handler has had its attempts.
        if (decision.reason !== 'invalid') rememberFailure(this.#env, this.delivery.message, error);
        await this.#recover(decision.reason, error, failures);
        return;
      case 'leave':
        this.#settlement.leave(error);
        return;
      default:
        decision satisfies never;
    }
  }

  async #recover(reason: RecoveryReason, error: unknown, attempts: number): Promise<void> {
    const failure = { reason, error, attempts };
    const outcome = await recoverDelivery(this.#env, this.delivery, failure, this.#firstFailedAt);
    forgetFailures(this.#env, this.delivery.message);
    this.#env.reporter.report(this.delivery, { type: 'recovered', error, reason, outcome });
    this.#settlement.settle(outcome, error, reason);
  }

  /** Holds what cannot be handled now, neither lost nor failed. Answers whether to try again here. */
  async #hold(obstacle: Obstacle): Promise<boolean> {
    if (!this.delivery.channel.isOpen) {
      this.#settlement.channelGone();
      return false;
    }
    const now = this.#env.clock.monotonic();
    const before = this.#held;
    const times = before?.kind === obstacle.kind ? before.times + 1 : 1;
    const held = { kind: obstacle.kind, since: before?.since ?? now, times };
    this.#held = held;
    if (obstacle.kind === 'in-progress' && times === 1) {
      const { kind: type, key, retryAfterMs } = obstacle;
      this.#env.reporter.report(this.delivery, { type, key, retryAfterMs });
    }
    const decision = decideHold(obstacle, { ms: now - held.since, times });
    if (decision.kind === 'wait') return this.#waitForRetry(decision.delayMs, undefined);
    this.#settlement.giveBack(obstacle.kind === 'unknown' ? 'idempotency-failed' : 'in-progress', undefined);
    return false;
  }

  async #waitForRetry(delayMs: number, error: unknown): Promise<boolean> {
    await this.#wait(delayMs);
    if (this.#interruption === undefined) return true;
    // In none mode nothing can be given back: what is not tried now is lost.
    if (this.#interruption === 'stopping' && this.#env.definition.failurePolicy.acknowledge === 'none') return true;
    this.#settlement.giveBack('stopping', error);
    return false;
  }

  #wait(delayMs: number): Promise<void> {
    if (this.#interruption !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
      const cancel = this.#env.clock.after(delayMs, done, true);
      this.#wake = done;
    });
  }

  /** Waits the interval of a message that failed before, or recovers it when its attempts are used up. */
  async #readyForRedelivery(remembered: RememberedFailures): Promise<boolean> {
    const retry = this.#env.definition.failurePolicy.retry;
    if (retry === undefined) return true;
    const { failures, firstFailedAt, lastError } = remembered;
    this.#firstFailedAt = firstFailedAt;
    const exhausted = failures >= retry.maxAttempts;
    if (exhausted || !retry.retryable(lastError)) {
      await this.#recover(exhausted ? 'exhausted' : 'not-retryable', lastError, failures);
      return false;
    }
    const delayMs = backoffDelayMs(retry.backoff, failures);
    this.#env.reporter.report(this.delivery, { type: 'retried', error: lastError, attempt: failures, delayMs });
    return this.#waitForRetry(delayMs, lastError);
  }
}

const ABORT_TEXT: Readonly<Record<'channel-gone' | 'deadline', string>> = {
  'channel-gone': 'The channel of this delivery is gone: the broker delivers the message again.',
  deadline: 'The listener is shutting down and can wait no longer: the broker delivers the message again.',
};

const HANDLED: AttemptResult = Object.freeze({ kind: 'handled' });

function abortWith(context: AttemptContext, claimLost: AbortSignal): void {
  if (claimLost.aborted) context.abort(claimLost.reason);
  else claimLost.addEventListener('abort', () => context.abort(claimLost.reason), { once: true });
}

/** As `await` sees it: query builders and the like are thenables that can be called. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  const mayBe = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return mayBe && typeof (value as { then?: unknown }).then === 'function';
}
