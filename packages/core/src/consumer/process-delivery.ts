import { LeveretError } from '../errors/leveret-error.js';
import { isFatalMessageError, isMessageRefused } from '../errors/message-error.js';
import { findOutcomeSignal } from '../errors/outcome-signal.js';
import type { Enter } from '../events/own-context.js';
import type { ClaimLost } from '../idempotency/idempotency-guard.js';
import { decideFailure, decideRedelivery, type FailureDecision, isWorthAReply } from '../retry/decide-failure.js';
import { backoffDelayMs } from '../time/backoff.js';
import type { Delivery } from '../transport/transport.js';
import { keepsInHand } from './at-pause.js';
import type { AttemptContext } from './attempt-context.js';
import { attemptOnce } from './attempt-once.js';
import { beginAttempt, callHandler, invokeHandler } from './call-handler.js';
import { consumesStream } from './check-stream.js';
import { decideHold, type HeldSince, meets, type Obstacle } from './decide-hold.js';
import type { HandlerSettlement } from './deferred-settlement.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import { DeliveryFailures } from './delivery-failures.js';
import { Interruptible, type Interruption, isInterruption } from './interruptible.js';
import { messageIdentity } from './message-identity.js';
import { isThenable, type ReadCall, readCall } from './read-call.js';
import {
  crashLoop,
  RECOVERER_PAUSE,
  recoverDelivery,
  recovererFailed,
  redeliveryFailed,
  undecided,
} from './recover-delivery.js';
import { replyWithError, replyWithValue } from './send-reply.js';
import { DeliverySettlement } from './settle-delivery.js';

/** How far the message has come. */
type Progress =
  | { readonly name: 'unread' }
  | { readonly name: 'read'; readonly call: ReadCall }
  /** The guarded handler has returned: only its reply is left. */
  | { readonly name: 'handled'; readonly call: ReadCall; readonly value: unknown };

/** What one attempt came to. */
type Result =
  | { readonly kind: 'handled' }
  | { readonly kind: 'duplicate'; readonly key: string }
  | { readonly kind: 'failed'; readonly error: unknown }
  | Obstacle;

/**
 * The whole journey of one delivery, from top to bottom: convert, find its key, call the handler through its guard and
 * its interceptors, decide about a failure, settle. The delivery is decided at the *result* of an attempt; what a handler
 * that runs on has in hand is let go at the attempt's *end*, or is dead by then (decision 0008). `run()` never rejects, and
 * settles the delivery at most once.
 */
export class DeliveryProcess {
  readonly delivery: Delivery;
  readonly #env: DeliveryEnvironment;
  readonly #settlement: DeliverySettlement;
  readonly #enter: Enter;
  readonly #interruptible: Interruptible;
  #progress: Progress = UNREAD;
  #isPutOff = false;
  readonly #crashes: number | undefined;
  /** Attempts begun here. */
  #begun = 0;
  /** The moment of its listener in which the attempt at hand began. */
  #moment = 0;

  /**
   * @param enter takes each further attempt back to the async context in which the listener was started
   * @param crashes so often the process ended while it was handled: it is not handled again
   */
  constructor(delivery: Delivery, env: DeliveryEnvironment, enter: Enter = (work) => work(), crashes?: number) {
    this.#crashes = crashes;
    this.delivery = delivery;
    this.#env = env;
    this.#enter = enter;
    this.#interruptible = new Interruptible(env.clock);
    this.#settlement = new DeliverySettlement(delivery, env);
  }

  /** @param beganAt when it began, by the monotonic clock. Default: now */
  async run(beganAt = this.#env.clock.monotonic()): Promise<void> {
    try {
      this.#env.reporter.received(this.delivery);
      await this.#journey(new DeliveryFailures(this.#env, this.delivery), beganAt);
    } catch (cause) {
      const error = undecided(this.#env.definition.id, cause);
      this.#env.reporter.report(this.delivery, { type: 'undecided', error });
      await this.#anotherChance(error, 'undecided');
    }
  }

  /** To be asked at the end: resolves when its attempts have their ends, as most have with their results (`undefined`). */
  stillRunning(): Promise<void> | undefined {
    return this.#interruptible.stillRunning;
  }

  /** It is not settled: its listener was paused, and keeps it for when it goes on. */
  get isPutOff(): boolean {
    return this.#isPutOff;
  }

  /** Tells the process that waiting, or going on, is of no use. */
  interrupt(why: Interruption): void {
    this.#interruptible.interrupt(why);
  }

  async #journey(failures: DeliveryFailures, beganAt: number): Promise<void> {
    if (this.#crashes !== undefined) return this.#quarantine(this.#crashes, failures);
    let startedAt = beganAt;
    if (failures.count > 0) {
      if (!(await this.#goOn(failures))) return;
      startedAt = this.#env.clock.monotonic();
    }
    for (let held: HeldSince | undefined; ; startedAt = this.#env.clock.monotonic()) {
      const result = await this.#attempt({ attempt: failures.total + 1, redeliveries: failures.redeliveries });
      switch (result.kind) {
        case 'handled':
          failures.forget();
          this.#env.flow.succeeded(this.#moment);
          this.#settlement.handled(startedAt, failures.total + 1);
          return;
        case 'duplicate':
          failures.forget();
          this.#settlement.duplicate(result.key);
          return;
        case 'failed':
          if (!(await this.#failed(result.error, failures))) return;
          held = undefined;
          break;
        default:
          held = await this.#hold(result, held);
          if (held === undefined) return;
      }
    }
  }

  /** It is not handled again: so often the process ended meanwhile. */
  async #quarantine(crashes: number, failures: DeliveryFailures): Promise<void> {
    const error = crashLoop(this.#env.definition.id, crashes);
    this.#env.reporter.report(this.delivery, { type: 'crash-loop', crashes, error });
    await this.#recover({ kind: 'recover', reason: 'crash-loop' }, error, failures);
  }

  /** One attempt: read the message (once), call the handler through its interceptors, send its reply. */
  async #attempt(tries: Tries): Promise<Result> {
    try {
      let call = this.#progress.name === 'unread' ? undefined : this.#progress.call;
      if (call === undefined) {
        // Mostly it is there at once, and most handlers answer nothing: what nobody has to wait for is not awaited.
        const read = readCall(this.#env, this.delivery.message);
        call = isThenable(read) ? await read : read;
        this.#progress = { name: 'read', call };
      }
      const { acknowledgement } = this.#settlement;
      if (call.once === undefined) {
        const context = this.#begin(call, tries, acknowledgement);
        const answer = this.#invoke(call, context);
        const value = isThenable(answer) ? await answer : answer;
        context.returned();
        if (value !== undefined) await replyWithValue(this.#env, this.delivery, call.route, value);
        return HANDLED;
      }
      if (this.#progress.name !== 'handled') {
        const result = await attemptOnce(this.#env, this.delivery, acknowledgement, call.once, {
          begin: (settlement, transaction, claimLost) => this.#begin(call, tries, settlement, transaction, claimLost),
          call: (context) => callHandler(context, () => this.#invoke(call, context)),
        });
        if (result.kind !== 'handled') return result;
        this.#progress = { name: 'handled', call, value: result.value };
      }
      // Only now: a reply to what is not committed yet might tell of what never happens.
      await replyWithValue(this.#env, this.delivery, call.route, this.#progress.value);
      return HANDLED;
    } catch (error) {
      this.#interruptible.attemptEnded({ error });
      return { kind: 'failed', error };
    } finally {
      this.#interruptible.attemptEnded();
    }
  }

  #begin(
    call: ReadCall,
    tries: Tries,
    settlement: HandlerSettlement,
    transaction?: unknown,
    claimLost?: ClaimLost,
  ): AttemptContext {
    const { flow } = this.#env;
    this.#moment = flow.moment;
    // The delivery itself has taken its token of the rate.
    if (this.#begun++ > 0) flow.rate?.take();
    const context = beginAttempt(this.#env, this.delivery, call, { tries, settlement, transaction, claimLost });
    this.#interruptible.handles(context);
    return context;
  }

  #invoke(call: ReadCall, context: AttemptContext): unknown {
    if (context.attempt === 1) return invokeHandler(this.#env, call, context);
    return this.#enter(() => invokeHandler(this.#env, call, context));
  }

  /** Decides about a failure and carries it out. Answers whether another attempt follows here and now. */
  async #failed(error: unknown, failures: DeliveryFailures): Promise<boolean> {
    const { reporter, definition } = this.#env;
    // By where it was thrown: the error of an attempt may be about a message that the handler wanted to send.
    const isOfMessage = isMessageRefused(error) || (this.#progress.name === 'unread' && isFatalMessageError(error));
    if (!isOfMessage) failures.add(error);
    const what = isOfMessage ? ({ type: 'invalid' } as const) : ({ type: 'failed', attempt: failures.total } as const);
    reporter.report(this.delivery, { ...what, error });
    const { message } = this.delivery;
    const interrupted = this.#interruptible.isHopeless;
    const isOutage = !isOfMessage && !interrupted && this.#isOutage(error, failures);
    const decision = decideFailure(definition, {
      error,
      fault: isOfMessage ? 'message' : 'attempt',
      failures: failures.count,
      hasMessageId: messageIdentity(message) !== undefined,
      redelivered: message.redelivered,
      redeliveries: failures.redeliveries,
      failedAt: this.#env.clock.now(),
      canSettle: this.delivery.channel.isOpen,
      interrupted,
      isOutage,
    });
    if (isWorthAReply(decision) && (await replyWithError(this.#env, this.delivery, error))) {
      failures.forget();
      if (definition.acknowledge === 'manual') this.#settlement.leave(error);
      else this.#settlement.acknowledge(error);
      return false;
    }
    return this.#carryOut(decision, error, failures);
  }

  /** Whether it failed as everything fails at the moment. What the handler decided about the message itself says nothing. */
  #isOutage(error: unknown, failures: DeliveryFailures): boolean {
    const signal = findOutcomeSignal(error);
    if (!this.delivery.channel.isOpen && this.#env.definition.acknowledge !== 'none') return false;
    if (signal === 'reject' || signal === 'acknowledge') return false;
    return this.#env.flow.failed(error, this.#moment, failures.count);
  }

  async #carryOut(decision: FailureDecision, error: unknown, failures: DeliveryFailures): Promise<boolean> {
    const { definition } = this.#env;
    switch (decision.kind) {
      case 'retry':
        failures.remember();
        return this.#waitForRetry(decision.delayMs, failures);
      case 'channel-gone':
        // What failed because its signal fired says nothing about the message.
        if (failures.count > 0 && !isInterruption(error)) failures.remember();
        this.#settlement.channelGone();
        return false;
      case 'give-back':
        this.#settlement.giveBack('stopping', error);
        return false;
      case 'put-off':
        this.#putOff('outage', error, failures);
        return false;
      case 'acknowledge':
        failures.forget();
        this.#settlement.acknowledge(error);
        return false;
      case 'requeue':
        if (decision.reason === 'stateful-retry') failures.remember();
        this.#settlement.settle('requeue', error, decision.reason);
        return false;
      case 'reject':
        failures.forget();
        this.#settlement.settle('reject', error, decision.reason);
        return false;
      case 'recover':
        // Should the channel go meanwhile, the next delivery goes straight to it: the handler has had its attempts.
        if (decision.reason !== 'invalid') failures.remember();
        await this.#recover(decision, error, failures);
        return false;
      case 'redeliver':
        // Nothing leaves a stream: what is to come later is tried again here, with its pauses.
        if (consumesStream(definition)) {
          this.#settlement.settle('requeue', error, decision.reason);
          return false;
        }
        // Should the channel go meanwhile, the next delivery goes straight there: the handler has had its attempts.
        if (decision.reason === 'exhausted') failures.remember();
        await this.#redeliver(decision, error, failures);
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
    failures: DeliveryFailures,
  ): Promise<void> {
    const { reporter, definition } = this.#env;
    if (doubt) reporter.report(this.delivery, { type: 'retryable-failed', error: doubt.error, about: error });
    const failure = { reason, error, attempts: failures.total, redeliveries: failures.redeliveries };
    try {
      const outcome = await recoverDelivery(this.#env, this.delivery, failure, failures);
      // Its ack may be lost with the channel: then it is the recoverer's again.
      if (this.delivery.channel.isOpen || outcome === 'requeue') failures.forget();
      reporter.report(this.delivery, { type: 'recovered', error, reason, outcome });
      this.#settlement.settle(outcome, error, reason);
    } catch (cause) {
      const fault = recovererFailed(definition.id, cause);
      reporter.report(this.delivery, { type: 'recoverer-failed', error: fault });
      // Local retry starts over with what it requeues; stateful retry goes straight to the recoverer.
      if (definition.retry?.stateless === true) failures.forget();
      await this.#anotherChance(fault, 'recoverer-failed');
    }
  }

  /** Has the message wait at the broker: settled once the broker has it, so that a crash may double it, and never loses it. */
  async #redeliver(decision: Redeliver, error: unknown, failures: DeliveryFailures): Promise<void> {
    const { reporter, definition, redeliveries } = this.#env;
    const { delayMs, counts, doubt } = decision;
    if (doubt) reporter.report(this.delivery, { type: 'retryable-failed', error: doubt.error, about: error });
    const told = {
      type: 'redelivery',
      error,
      delayMs,
      redeliveries: failures.redeliveries + (counts ? 1 : 0),
    } as const;
    if (!this.#settlement.mayRedeliver(error)) return;
    // Its count is the broker's: it comes again with it, whatever this process remembers. A copy begins to count anew there, and
    // would come back too early.
    const countsInQueue = (this.delivery.waited?.redeliveries ?? 0) === 0;
    if (redeliveries.isNative && countsInQueue && decision.reason === 'exhausted') {
      failures.forget();
      this.#settlement.redeliver('requeue', error, { ...told, way: 'native' });
      return;
    }
    try {
      const way = await redeliveries.send(this.delivery.message, failures.record(counts), delayMs);
      this.#env.recoverer.failuresInARow = 0;
      if (this.delivery.channel.isOpen) failures.forget();
      this.#settlement.redeliver('ack', error, { ...told, way });
    } catch (cause) {
      // What fits into no frame with the headers of its wait never would: others can leave some out.
      if (LeveretError.is(cause) && cause.code === 'LEV_PUBLISH_UNENCODABLE') {
        await this.#recover({ kind: 'recover', reason: 'exhausted' }, error, failures);
        return;
      }
      const fault = redeliveryFailed(definition.id, cause);
      reporter.report(this.delivery, { type: 'redelivery-failed', error: fault });
      if (definition.retry?.stateless === true) failures.forget();
      await this.#anotherChance(fault, 'redelivery-failed');
    }
  }

  /** Requeues the message, but not at once. */
  async #anotherChance(error: unknown, reason: string): Promise<void> {
    await this.#interruptible.wait(backoffDelayMs(RECOVERER_PAUSE, ++this.#env.recoverer.failuresInARow));
    this.#settlement.settle('requeue', error, reason);
  }

  /** Holds what cannot be handled now, neither lost nor failed. Answers how long so far, when it is tried again here. */
  async #hold(obstacle: Obstacle, before: HeldSince | undefined): Promise<HeldSince | undefined> {
    if (!this.delivery.channel.isOpen) {
      this.#settlement.channelGone();
      return undefined;
    }
    const now = this.#env.clock.monotonic();
    const held = meets(obstacle, before, now);
    if (obstacle.kind === 'in-progress' && held.times === 1) {
      const { key, retryAfterMs } = obstacle;
      this.#env.reporter.report(this.delivery, { type: 'in-progress', key, retryAfterMs });
    }
    const decision = decideHold(obstacle, { ms: now - held.since, times: held.times });
    if (decision.kind === 'wait') return (await this.#waitHere(decision.delayMs, undefined)) ? held : undefined;
    this.#settlement.giveBack(obstacle.kind === 'unknown' ? 'idempotency-failed' : 'in-progress', undefined);
    return undefined;
  }

  /** A message that failed here before comes again: waits its interval, or recovers it. Answers whether to go on here. */
  async #goOn(failures: DeliveryFailures): Promise<boolean> {
    const { retry } = this.#env.definition;
    if (retry === undefined) return true;
    const { clock, definition } = this.#env;
    const policy = { ...definition, retry };
    const decision = decideRedelivery(policy, failures.known, clock.monotonic(), failures.redeliveries);
    if (decision.kind === 'retry') return decision.delayMs === 0 || this.#waitForRetry(decision.delayMs, failures);
    if (decision.kind === 'redeliver') {
      await this.#redeliver(decision, failures.known.lastError, failures);
      return false;
    }
    await this.#recover(decision, failures.known.lastError, failures);
    return false;
  }

  #waitForRetry(delayMs: number, failures: DeliveryFailures): Promise<boolean> {
    const { lastError: error } = failures.known;
    const attempt = failures.total;
    this.#env.reporter.report(this.delivery, { type: 'retried', error, attempt, delayMs });
    failures.waits(delayMs);
    return this.#waitHere(delayMs, error, failures);
  }

  /** Answers whether to go on here: the delivery is given back, or put off, when something came in between. */
  async #waitHere(delayMs: number, error: unknown, failures?: DeliveryFailures): Promise<boolean> {
    const { flow } = this.#env;
    if (flow.inHand === undefined) await this.#interruptible.wait(delayMs);
    const { why } = this.#interruptible;
    if (why === undefined && flow.inHand === undefined) return true;
    if (why === undefined) {
      this.#putOff('paused', error, failures);
      return false;
    }
    // In none mode nothing can be given back: what is not tried now is lost.
    if (why === 'stopping' && this.#env.definition.acknowledge === 'none') return true;
    this.#settlement.giveBack('stopping', error);
    return false;
  }

  /** Not now: back to the queue, or kept here where going back would cost it something. */
  #putOff(reason: 'paused' | 'outage', error: unknown, failures: DeliveryFailures | undefined): void {
    const { flow } = this.#env;
    // What failed in an outage has not been tried.
    if (flow.isOutage) failures?.forget();
    if (!keepsInHand(flow.inHand) || !this.#canKeep) {
      this.#settlement.giveBack(reason, error);
      return;
    }
    this.#isPutOff = true;
    this.#env.reporter.report(this.delivery, { type: 'put-off' });
  }

  /** What is gone at the broker comes again by itself. */
  get #canKeep(): boolean {
    return this.delivery.channel.isOpen || this.#env.definition.acknowledge === 'none';
  }
}

type Redeliver = Extract<FailureDecision, { readonly kind: 'redeliver' }>;

/** How often the message has been tried, with this attempt. */
interface Tries {
  readonly attempt: number;
  readonly redeliveries: number;
}

const UNREAD: Progress = Object.freeze({ name: 'unread' });
const HANDLED: Result = Object.freeze({ kind: 'handled' });
