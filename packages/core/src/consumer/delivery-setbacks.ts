import { LeveretError } from '../errors/leveret-error.js';
import { isFatalMessageError, isMessageRefused } from '../errors/message-error.js';
import { findOutcomeSignal } from '../errors/outcome-signal.js';
import { decideFailure, decideRedelivery, type FailureDecision, isWorthAReply } from '../retry/decide-failure.js';
import { backoffDelayMs } from '../time/backoff.js';
import type { Delivery } from '../transport/transport.js';
import { keepsInHand } from './at-pause.js';
import { consumesStream } from './check-stream.js';
import { decideHold, type HeldSince, meets, type Obstacle } from './decide-hold.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import type { DeliveryFailures } from './delivery-failures.js';
import { type Interruptible, isInterruption } from './interruptible.js';
import { messageIdentity } from './message-identity.js';
import {
  crashLoop,
  RECOVERER_PAUSE,
  recoverDelivery,
  recovererFailed,
  redeliveryFailed,
  undecided,
} from './recover-delivery.js';
import { replyWithError } from './send-reply.js';
import type { DeliverySettlement } from './settle-delivery.js';

/** What a delivery is, and what it shares with the attempts at it. */
export interface SetbackParts {
  readonly delivery: Delivery;
  readonly env: DeliveryEnvironment;
  readonly settlement: DeliverySettlement;
  readonly interruptible: Interruptible;
  readonly failures: DeliveryFailures;
}

/** What is known of an attempt that failed. */
export interface FailedAttempt {
  /** It failed before its message could be read. */
  readonly isUnread: boolean;
  /** The moment of its listener in which it began. */
  readonly moment: number;
}

/**
 * What becomes of a delivery that was not simply handled: its attempt failed, or has to wait, or is not to be made at all.
 * Decides, and carries that out; settles the delivery at most once.
 */
export class DeliverySetbacks {
  readonly #delivery: Delivery;
  readonly #env: DeliveryEnvironment;
  readonly #settlement: DeliverySettlement;
  readonly #interruptible: Interruptible;
  readonly #failures: DeliveryFailures;
  #isPutOff = false;

  constructor({ delivery, env, settlement, interruptible, failures }: SetbackParts) {
    this.#delivery = delivery;
    this.#env = env;
    this.#settlement = settlement;
    this.#interruptible = interruptible;
    this.#failures = failures;
  }

  /** It is not settled: its listener was paused, and keeps it for when it goes on. */
  get isPutOff(): boolean {
    return this.#isPutOff;
  }

  /** Nothing could be decided about it, which is a fault of leveret, or of what it was given. */
  async undecided(cause: unknown): Promise<void> {
    const error = undecided(this.#env.definition.id, cause);
    this.#env.reporter.report(this.#delivery, { type: 'undecided', error });
    await this.#anotherChance(error, 'undecided');
  }

  /** It is not handled again: so often the process ended meanwhile. */
  async quarantine(crashes: number): Promise<void> {
    const error = crashLoop(this.#env.definition.id, crashes);
    this.#env.reporter.report(this.#delivery, { type: 'crash-loop', crashes, error });
    await this.#recover({ kind: 'recover', reason: 'crash-loop' }, error);
  }

  /** Decides about a failure and carries it out. Answers whether another attempt follows here and now. */
  async failed(error: unknown, { isUnread, moment }: FailedAttempt): Promise<boolean> {
    const { reporter, definition } = this.#env;
    // By where it was thrown: the error of an attempt may be about a message that the handler wanted to send.
    const isOfMessage = isMessageRefused(error) || (isUnread && isFatalMessageError(error));
    if (!isOfMessage) this.#failures.add(error);
    const what = isOfMessage
      ? ({ type: 'invalid' } as const)
      : ({ type: 'failed', attempt: this.#failures.total } as const);
    reporter.report(this.#delivery, { ...what, error });
    const { message } = this.#delivery;
    const interrupted = this.#interruptible.isHopeless;
    const isOutage = !isOfMessage && !interrupted && this.#isOutage(error, moment);
    const decision = decideFailure(definition, {
      error,
      fault: isOfMessage ? 'message' : 'attempt',
      failures: this.#failures.count,
      hasMessageId: messageIdentity(message) !== undefined,
      redelivered: message.redelivered,
      redeliveries: this.#failures.redeliveries,
      failedAt: this.#env.clock.now(),
      canSettle: this.#delivery.channel.isOpen,
      interrupted,
      isOutage,
    });
    if (isWorthAReply(decision) && (await replyWithError(this.#env, this.#delivery, error))) {
      this.#failures.forget();
      if (definition.acknowledge === 'manual') this.#settlement.leave(error);
      else this.#settlement.acknowledge(error);
      return false;
    }
    return this.#carryOut(decision, error);
  }

  /** Whether it failed as everything fails at the moment. What the handler decided about the message itself says nothing. */
  #isOutage(error: unknown, moment: number): boolean {
    const signal = findOutcomeSignal(error);
    if (!this.#delivery.channel.isOpen && this.#env.definition.acknowledge !== 'none') return false;
    if (signal === 'reject' || signal === 'acknowledge') return false;
    return this.#env.flow.failed(error, moment, this.#failures.count);
  }

  async #carryOut(decision: FailureDecision, error: unknown): Promise<boolean> {
    const { definition } = this.#env;
    switch (decision.kind) {
      case 'retry':
        this.#failures.remember();
        return this.#waitForRetry(decision.delayMs);
      case 'channel-gone':
        // What failed because its signal fired says nothing about the message.
        if (this.#failures.count > 0 && !isInterruption(error)) this.#failures.remember();
        this.#settlement.channelGone();
        return false;
      case 'give-back':
        this.#settlement.giveBack('stopping', error);
        return false;
      case 'put-off':
        this.#putOff('outage', error, true);
        return false;
      case 'acknowledge':
        this.#failures.forget();
        this.#settlement.acknowledge(error);
        return false;
      case 'requeue':
        if (decision.reason === 'stateful-retry') this.#failures.remember();
        this.#settlement.settle('requeue', error, decision.reason);
        return false;
      case 'reject':
        this.#failures.forget();
        this.#settlement.settle('reject', error, decision.reason);
        return false;
      case 'recover':
        // Should the channel go meanwhile, the next delivery goes straight to it: the handler has had its attempts.
        if (decision.reason !== 'invalid') this.#failures.remember();
        await this.#recover(decision, error);
        return false;
      case 'redeliver':
        // Nothing leaves a stream: what is to come later is tried again here, with its pauses.
        if (consumesStream(definition)) {
          this.#settlement.settle('requeue', error, decision.reason);
          return false;
        }
        // Should the channel go meanwhile, the next delivery goes straight there: the handler has had its attempts.
        if (decision.reason === 'exhausted') this.#failures.remember();
        await this.#redeliver(decision, error);
        return false;
      case 'leave':
        this.#settlement.leave(error);
        return false;
      default:
        return decision satisfies never;
    }
  }

  async #recover(
    { reason, doubt }: Extract<FailureDecision, { readonly kind: 'recover' }>,
    error: unknown,
  ): Promise<void> {
    const { reporter, definition } = this.#env;
    if (doubt) reporter.report(this.#delivery, { type: 'retryable-failed', error: doubt.error, about: error });
    const failure = { reason, error, attempts: this.#failures.total, redeliveries: this.#failures.redeliveries };
    try {
      const outcome = await recoverDelivery(this.#env, this.#delivery, failure, this.#failures);
      // Its ack may be lost with the channel: then it is the recoverer's again.
      if (this.#delivery.channel.isOpen || outcome === 'requeue') this.#failures.forget();
      reporter.report(this.#delivery, { type: 'recovered', error, reason, outcome });
      this.#settlement.settle(outcome, error, reason);
    } catch (cause) {
      const fault = recovererFailed(definition.id, cause);
      reporter.report(this.#delivery, { type: 'recoverer-failed', error: fault });
      // Local retry starts over with what it requeues; stateful retry goes straight to the recoverer.
      if (definition.retry?.stateless === true) this.#failures.forget();
      await this.#anotherChance(fault, 'recoverer-failed');
    }
  }

  /** Has the message wait at the broker: settled once the broker has it, so that a crash may double it, and never loses it. */
  async #redeliver(decision: Redeliver, error: unknown): Promise<void> {
    const { reporter, definition, redeliveries } = this.#env;
    const { delayMs, counts, doubt } = decision;
    if (doubt) reporter.report(this.#delivery, { type: 'retryable-failed', error: doubt.error, about: error });
    const told = {
      type: 'redelivery',
      error,
      delayMs,
      redeliveries: this.#failures.redeliveries + (counts ? 1 : 0),
    } as const;
    if (!this.#settlement.mayRedeliver(error)) return;
    // Its count is the broker's: it comes again with it, whatever this process remembers. A copy begins to count anew there, and
    // would come back too early.
    const countsInQueue = (this.#delivery.waited?.redeliveries ?? 0) === 0;
    if (redeliveries.isNative && countsInQueue && decision.reason === 'exhausted') {
      this.#failures.forget();
      this.#settlement.redeliver('requeue', error, { ...told, way: 'native' });
      return;
    }
    try {
      const way = await redeliveries.send(this.#delivery.message, this.#failures.record(counts), delayMs);
      this.#env.recoverer.failuresInARow = 0;
      if (this.#delivery.channel.isOpen) this.#failures.forget();
      this.#settlement.redeliver('ack', error, { ...told, way });
    } catch (cause) {
      // What fits into no frame with the headers of its wait never would: others can leave some out.
      if (LeveretError.is(cause) && cause.code === 'LEV_PUBLISH_UNENCODABLE') {
        await this.#recover({ kind: 'recover', reason: 'exhausted' }, error);
        return;
      }
      const fault = redeliveryFailed(definition.id, cause);
      reporter.report(this.#delivery, { type: 'redelivery-failed', error: fault });
      if (definition.retry?.stateless === true) this.#failures.forget();
      await this.#anotherChance(fault, 'redelivery-failed');
    }
  }

  /** Requeues the message, but not at once. */
  async #anotherChance(error: unknown, reason: string): Promise<void> {
    await this.#interruptible.wait(backoffDelayMs(RECOVERER_PAUSE, ++this.#env.recoverer.failuresInARow));
    this.#settlement.settle('requeue', error, reason);
  }

  /** Holds what cannot be handled now, neither lost nor failed. Answers how long so far, when it is tried again here. */
  async hold(obstacle: Obstacle, before: HeldSince | undefined): Promise<HeldSince | undefined> {
    if (!this.#delivery.channel.isOpen) {
      this.#settlement.channelGone();
      return undefined;
    }
    const now = this.#env.clock.monotonic();
    const held = meets(obstacle, before, now);
    if (obstacle.kind === 'in-progress' && held.times === 1) {
      const { key, retryAfterMs } = obstacle;
      this.#env.reporter.report(this.#delivery, { type: 'in-progress', key, retryAfterMs });
    }
    const decision = decideHold(obstacle, { ms: now - held.since, times: held.times });
    if (decision.kind === 'wait') return (await this.#waitHere(decision.delayMs, undefined, false)) ? held : undefined;
    this.#settlement.giveBack(obstacle.kind === 'unknown' ? 'idempotency-failed' : 'in-progress', undefined);
    return undefined;
  }

  /** A message that failed here before comes again: waits its interval, or recovers it. Answers whether to go on here. */
  async goOn(): Promise<boolean> {
    const { retry } = this.#env.definition;
    if (retry === undefined) return true;
    const { clock, definition } = this.#env;
    const policy = { ...definition, retry };
    const decision = decideRedelivery(policy, this.#failures.known, clock.monotonic(), this.#failures.redeliveries);
    if (decision.kind === 'retry') return decision.delayMs === 0 || this.#waitForRetry(decision.delayMs);
    if (decision.kind === 'redeliver') {
      await this.#redeliver(decision, this.#failures.known.lastError);
      return false;
    }
    await this.#recover(decision, this.#failures.known.lastError);
    return false;
  }

  #waitForRetry(delayMs: number): Promise<boolean> {
    const { lastError: error } = this.#failures.known;
    const attempt = this.#failures.total;
    this.#env.reporter.report(this.#delivery, { type: 'retried', error, attempt, delayMs });
    this.#failures.waits(delayMs);
    return this.#waitHere(delayMs, error, true);
  }

  /** Answers whether to go on here: the delivery is given back, or put off, when something came in between. */
  async #waitHere(delayMs: number, error: unknown, hasFailed: boolean): Promise<boolean> {
    const { flow } = this.#env;
    if (flow.inHand === undefined) await this.#interruptible.wait(delayMs);
    const { why } = this.#interruptible;
    if (why === undefined && flow.inHand === undefined) return true;
    if (why === undefined) {
      this.#putOff('paused', error, hasFailed);
      return false;
    }
    // In none mode nothing can be given back: what is not tried now is lost.
    if (why === 'stopping' && this.#env.definition.acknowledge === 'none') return true;
    this.#settlement.giveBack('stopping', error);
    return false;
  }

  /** Not now: back to the queue, or kept here where going back would cost it something. */
  #putOff(reason: 'paused' | 'outage', error: unknown, hasFailed: boolean): void {
    const { flow } = this.#env;
    // What failed in an outage has not been tried.
    if (hasFailed && flow.isOutage) this.#failures.forget();
    if (!keepsInHand(flow.inHand) || !this.#canKeep) {
      this.#settlement.giveBack(reason, error);
      return;
    }
    this.#isPutOff = true;
    this.#env.reporter.report(this.#delivery, { type: 'put-off' });
  }

  /** What is gone at the broker comes again by itself. */
  get #canKeep(): boolean {
    return this.#delivery.channel.isOpen || this.#env.definition.acknowledge === 'none';
  }
}

type Redeliver = Extract<FailureDecision, { readonly kind: 'redeliver' }>;
