import type { Enter } from '../events/own-context.js';
import type { ClaimLost } from '../idempotency/idempotency-guard.js';
import type { Delivery } from '../transport/transport.js';
import type { AttemptContext, Tries } from './attempt-context.js';
import { attemptOnce } from './attempt-once.js';
import { beginAttempt, callHandler, invokeHandler } from './call-handler.js';
import type { HeldSince, Obstacle } from './decide-hold.js';
import type { HandlerSettlement } from './deferred-settlement.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import { DeliveryFailures } from './delivery-failures.js';
import { DeliverySetbacks } from './delivery-setbacks.js';
import { Interruptible, type Interruption } from './interruptible.js';
import { isThenable, type ReadCall, readCall } from './read-call.js';
import { replyWithValue } from './send-reply.js';
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
 * that runs on has in hand is let go at the attempt's *end*, or is dead by then (decision 0008). `run()` settles the
 * delivery at most once.
 */
export class DeliveryProcess {
  readonly delivery: Delivery;
  readonly #env: DeliveryEnvironment;
  readonly #settlement: DeliverySettlement;
  readonly #enter: Enter;
  readonly #interruptible: Interruptible;
  readonly #crashes: number | undefined;
  #progress: Progress = UNREAD;
  /** Attempts begun here. */
  #begun = 0;
  /** The moment of its listener in which the attempt at hand began. */
  #moment = 0;
  /** Of the last attempt. */
  #context: AttemptContext | undefined;
  readonly #failures: DeliveryFailures;
  #madeSetbacks: DeliverySetbacks | undefined;

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
    this.#failures = new DeliveryFailures(env, delivery);
  }

  /**
   * A promise only where there is something to wait for; then it never rejects.
   * @param beganAt when it began, by the monotonic clock. Default: now
   */
  run(beganAt = this.#env.clock.monotonic()): Promise<void> | undefined {
    let first: Result | Promise<Result> | undefined;
    try {
      this.#env.reporter.received(this.delivery);
      if (this.#env.unsentAcks.take(this.delivery.message)) {
        this.#alreadyHandled(this.delivery.message.messageId ?? '');
        return undefined;
      }
      if (this.#crashes === undefined && this.#failures.count === 0) {
        first = this.#attempt();
        if (first === HANDLED) {
          this.#handled(beganAt);
          return undefined;
        }
      }
    } catch (cause) {
      return this.#setbacks.undecided(cause);
    }
    return this.#journey(first, beganAt);
  }

  /** To be asked at the end: resolves when its attempts have their ends, as most have with their results (`undefined`). */
  stillRunning(): Promise<void> | undefined {
    return this.#interruptible.stillRunning;
  }

  /** It is not settled: its listener was paused, and keeps it for when it goes on. */
  get isPutOff(): boolean {
    return this.#madeSetbacks?.isPutOff === true;
  }

  /** Tells the process that waiting, or going on, is of no use. */
  interrupt(why: Interruption): void {
    this.#interruptible.interrupt(why);
  }

  /** @param first what the first attempt comes to, when that has been begun */
  async #journey(first: Result | Promise<Result> | undefined, beganAt: number): Promise<void> {
    try {
      if (this.#crashes !== undefined) return await this.#setbacks.quarantine(this.#crashes);
      let startedAt = beganAt;
      let attempt = first;
      if (attempt === undefined) {
        if (!(await this.#setbacks.goOn())) return;
        startedAt = this.#env.clock.monotonic();
        attempt = this.#attempt();
      }
      for (let held: HeldSince | undefined; ; attempt = this.#attempt()) {
        const result = isThenable(attempt) ? await attempt : attempt;
        switch (result.kind) {
          case 'handled':
            this.#handled(startedAt);
            return;
          case 'duplicate':
            this.#alreadyHandled(result.key);
            return;
          case 'failed': {
            const facts = { isUnread: this.#progress.name === 'unread', moment: this.#moment };
            if (!(await this.#setbacks.failed(result.error, facts))) return;
            held = undefined;
            break;
          }
          default:
            held = await this.#setbacks.hold(result, held);
            if (held === undefined) return;
        }
        startedAt = this.#env.clock.monotonic();
      }
    } catch (cause) {
      await this.#setbacks.undecided(cause);
    }
  }

  /** Before, and nobody has acknowledged it. */
  #alreadyHandled(key: string): void {
    this.#failures.forget();
    this.#settlement.duplicate(key);
  }

  #handled(startedAt: number): void {
    this.#failures.forget();
    this.#env.flow.succeeded(this.#moment);
    if (!this.delivery.channel.isOpen && this.#owesAck) this.#env.unsentAcks.owe(this.delivery.message);
    this.#settlement.handled(startedAt, this.#failures.total + 1);
  }

  /**
   * The handler has returned because it was done, as far as can be seen, and nobody but leveret acknowledges. What a guard has
   * remembered needs no second memory.
   */
  get #owesAck(): boolean {
    const { definition, position } = this.#env;
    const isGuarded = this.#progress.name !== 'unread' && this.#progress.call.once !== undefined;
    return (
      definition.acknowledge === 'auto' &&
      position === undefined &&
      !isGuarded &&
      this.#context?.hasShownSignal === false
    );
  }

  /** One attempt: read the message (once), call the handler through its interceptors, send its reply. */
  #attempt(): Result | Promise<Result> {
    const { total, redeliveries } = this.#failures;
    const tries = { attempt: total + 1, redeliveries };
    try {
      // Mostly it is there at once, and many handlers answer at once, and nothing: what nobody has to wait for is not awaited.
      const read = this.#progress.name === 'unread' ? readCall(this.#env, this.delivery.message) : this.#progress.call;
      if (isThenable(read) || read.once !== undefined) return this.#attemptInSteps(read, tries);
      if (this.#progress.name === 'unread') this.#progress = { name: 'read', call: read };
      const context = this.#begin(read, tries, this.#settlement.acknowledgement);
      const answer = this.#invoke(read, context);
      if (answer !== undefined) return this.#answered(read, context, answer);
      context.returned();
      this.#interruptible.attemptEnded();
      return HANDLED;
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** The handler has answered, or will. */
  async #answered({ route }: ReadCall, context: AttemptContext, answer: unknown): Promise<Result> {
    try {
      const value = isThenable(answer) ? await answer : answer;
      context.returned();
      if (value !== undefined) await replyWithValue(this.#env, this.delivery, route, value);
      this.#interruptible.attemptEnded();
      return HANDLED;
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** An attempt whose message takes time to be read, or is to take effect once. */
  async #attemptInSteps(read: ReadCall | PromiseLike<ReadCall>, tries: Tries): Promise<Result> {
    try {
      const call = isThenable(read) ? await read : read;
      if (this.#progress.name === 'unread') this.#progress = { name: 'read', call };
      const { acknowledgement } = this.#settlement;
      if (call.once === undefined) {
        const context = this.#begin(call, tries, acknowledgement);
        return await this.#answered(call, context, this.#invoke(call, context));
      }
      if (this.#progress.name !== 'handled') {
        const result = await attemptOnce(this.#env, this.delivery, acknowledgement, call.once, {
          begin: (settlement, transaction, claimLost) => this.#begin(call, tries, settlement, transaction, claimLost),
          call: (context) => callHandler(context, () => this.#invoke(call, context)),
        });
        if (result.kind !== 'handled') {
          this.#interruptible.attemptEnded();
          return result;
        }
        this.#progress = { name: 'handled', call, value: result.value };
      }
      // Only now: a reply to what is not committed yet might tell of what never happens.
      await replyWithValue(this.#env, this.delivery, call.route, this.#progress.value);
      this.#interruptible.attemptEnded();
      return HANDLED;
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): Result {
    this.#interruptible.attemptEnded({ error });
    return { kind: 'failed', error };
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
    this.#context = context;
    return context;
  }

  #invoke(call: ReadCall, context: AttemptContext): unknown {
    if (context.attempt === 1) return invokeHandler(this.#env, call, context);
    return this.#enter(() => invokeHandler(this.#env, call, context));
  }

  /** Most deliveries have none. */
  get #setbacks(): DeliverySetbacks {
    this.#madeSetbacks ??= new DeliverySetbacks({
      delivery: this.delivery,
      env: this.#env,
      settlement: this.#settlement,
      interruptible: this.#interruptible,
      failures: this.#failures,
    });
    return this.#madeSetbacks;
  }
}

const UNREAD: Progress = Object.freeze({ name: 'unread' });
const HANDLED: Result = Object.freeze({ kind: 'handled' });
