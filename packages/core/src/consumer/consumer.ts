import { asItCame } from '../delay/arrival.js';
import { type Enter, keepContext } from '../events/own-context.js';
import { type BackoffPolicy, backoffDelayMs } from '../time/backoff.js';
import { pause, within } from '../time/clock.js';
import type { Delivery, DeliverySink, InterruptionCause, Transport } from '../transport/transport.js';
import { type Admission, Admissions, FREE } from './admission.js';
import { type InHand, keepsInHand } from './at-pause.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import { Intake } from './intake.js';
import { atShutdown } from './prefetched-at-shutdown.js';
import { DeliveryProcess } from './process-delivery.js';
import type { GiveBackReason } from './settle-delivery.js';
import type { Work, Worker } from './still-at-work.js';
import { StreamDelivery, takeFromStream } from './stream-delivery.js';
import { startAt } from './stream-position.js';
import { TurnWatch } from './turn-watch.js';
import { WaitingDeliveries } from './waiting-deliveries.js';

/** A channel that does not close is left to its connection: it must not hold up a shutdown. */
const CLOSE_LIMIT_MS = 5000;

/** What a consumer tells its listener. */
export interface ConsumerEvents {
  consuming(consumerTag: string): void;
  interrupted(cause: InterruptionCause, error: Error | undefined): void;
  failed(error: Error): void;
  /** What waits for its turn has waited so long that the broker will take it back. */
  overdue(): void;
  /** Nothing is at work, and nothing waits that may begin. */
  rests?(): void;
}

/** The delivery at work. `since`: when it came, by the monotonic clock. */
interface Running {
  readonly process: DeliveryProcess;
  readonly since: number;
  ended: Promise<void> | undefined;
}

/** Whether what waits may begin. `one`: the next may, and nothing behind it. */
type Gate =
  | { readonly name: 'open' }
  | { readonly name: 'one'; readonly inHand: InHand }
  /** `isProbe`: the one of before is at work. */
  | { readonly name: 'shut'; readonly inHand: InHand; readonly isProbe?: boolean };

const OPEN: Gate = Object.freeze({ name: 'open' });

/**
 * One consumer of a listener: a channel of its own, its prefetched deliveries in the order they came, and at most one
 * of them at work.
 */
export class Consumer implements DeliverySink, Worker {
  readonly #env: DeliveryEnvironment;
  readonly #transport: Transport;
  readonly #events: ConsumerEvents;
  readonly #waiting = new WaitingDeliveries();
  /** The async context in which the listener was started: each delivery begins there, whatever the one before left behind. */
  #enter: Enter = (work) => work();
  #running: Running | undefined;
  /** Goes through what waits, one after the other. */
  #isWorking = false;
  #gate: Gate = OPEN;
  #prefetch: number;
  /** Takes one at a time until a message comes that was never delivered before: those that were come first. */
  #isCautious: boolean;
  /** Takes nothing until what it works at has ended, and then one at a time. */
  #isReducing = false;
  #nudge: (() => void) | undefined;
  readonly #turns: TurnWatch;
  #idle: (() => void)[] = [];
  #stopping: 'run' | 'give-back' | 'hand-over' | undefined;
  readonly #intake: Intake;
  #attached = false;
  #isAdmitting = false;
  /** How the delivery at work was started. */
  #admitted: Admission = FREE;
  readonly #admissions: Admissions | undefined;
  /** The delivery that was last said to wait for its listener's rate. */
  #throttled: Delivery | undefined;
  #startIsOver: () => void = () => {};

  constructor(env: DeliveryEnvironment, transport: Transport, events: ConsumerEvents) {
    this.#env = env;
    this.#transport = transport;
    this.#events = events;
    this.#prefetch = env.definition.prefetch;
    this.#isCautious = env.crashes !== undefined;
    this.#admissions = env.crashes && new Admissions(this, env.crashes, env, (ended) => this.#nudgedOr(ended));
    const oldest = () => (this.#stopping === undefined ? this.#waiting.oldestSince : undefined);
    this.#turns = new TurnWatch(env.clock, env.patience, oldest, () => this.#overdue());
    const { definition } = env;
    this.#intake = new Intake({
      transport,
      sink: this,
      request: {
        queue: definition.queue,
        noAck: this.#noAck,
        messagesPerAck: definition.messagesPerAck,
        exclusive: definition.exclusive,
        priority: definition.priority,
        arguments: definition.consumerArguments,
        tagPrefix: definition.id,
        missingQueue: definition.missingQueue,
        handsOverAtClose: definition.ordered,
        ...startAt(env.position, definition.consumerArguments),
      },
    });
  }

  /**
   * Resolves when the broker has the consumer, or when it is shut before; rejects when the broker can never have it.
   * @param shut takes nothing until it is opened; what becomes of what it has in hand then
   */
  start(shut?: InHand): Promise<void> {
    this.#enter = keepContext();
    this.#env.stillAtWork.join(this);
    if (shut === undefined) {
      const isShut = new Promise<void>((resolve) => {
        this.#startIsOver = resolve;
      });
      return Promise.race([this.#intake.open(this.#isCautious ? 1 : this.#prefetch), isShut]);
    }
    this.#gate = { name: 'shut', inHand: shut };
    return Promise.resolve();
  }

  /** What it works at, with the end of that. */
  get work(): Work | undefined {
    const running = this.#running;
    return running?.ended && { message: running.process.delivery.message, ended: running.ended };
  }

  /** The broker has the consumer at the moment. */
  get attached(): boolean {
    return this.#attached;
  }

  /** Deliveries held: at work or waiting. */
  get held(): number {
    return this.#waiting.size + (this.#running === undefined ? 0 : 1);
  }

  /** Nothing is at work, and nothing waits but what may end the process. */
  get hasOnlySuspects(): boolean {
    return this.#running === undefined && this.#waiting.sizeAhead === 0;
  }

  /** A suspect is to be alone: nothing more comes, and where that is free, what waits goes back. */
  recede(givesBack: boolean): void {
    if (this.#stopping !== undefined || this.#gate.name === 'shut') return;
    this.#attached = false;
    this.#intake.shut();
    if (!givesBack) return;
    const first = this.#isAdmitting ? this.#waiting.first : undefined;
    if (first !== undefined) this.#waiting.shift();
    this.#giveBackWaiting('suspect');
    if (first !== undefined) this.#waiting.unshift(first);
  }

  /** No suspect is to be alone any more. */
  comeBack(): void {
    this.#isCautious = true;
    if (this.#gate.name === 'open' && !this.#isReducing) this.#openAgain(this.#prefetch);
    this.#nudge?.();
    this.#begin();
  }

  /** Deliveries that wait for their turn. */
  get waits(): number {
    return this.#waiting.size;
  }

  /** Nothing may begin. */
  get isShut(): boolean {
    return this.#gate.name !== 'open';
  }

  /** It is to handle one delivery while it is shut, and has not come to rest behind it. */
  get isProbing(): boolean {
    return this.#gate.name === 'one' || (this.#gate.name === 'shut' && this.#gate.isProbe === true && this.#isWorking);
  }

  /**
   * Stops taking: cancels at the broker, ends waits, and gives back what was prefetched where that costs nothing. Where the
   * order is kept, what waits goes back with the channel, for until then the broker would hand it to this consumer again.
   */
  async cancel(): Promise<void> {
    this.#stopping = this.#atStop();
    const cancelled = this.#intake.cancel();
    // Behind the cancel: before it, the broker would hand what is given back to this same consumer again.
    this.#running?.process.interrupt('stopping');
    if (this.#stopping !== 'run') this.#giveBackWaiting('stopping');
    else this.#begin();
    this.#nudge?.();
    // Deliveries may still come until cancel-ok: deliver() knows what to do with them.
    await cancelled;
    this.#attached = false;
  }

  /** Resolves when nothing is at work, and nothing waits that may begin. */
  whenIdle(): Promise<void> {
    if (!this.#isWorking) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** The shutdown can wait no longer: fires the running handler's signal and gives back all that waits. */
  hurry(): void {
    if (this.#stopping !== 'hand-over') this.#stopping = 'give-back';
    this.#giveBackWaiting('stopping');
    this.#running?.process.interrupt('deadline');
    this.#nudge?.();
  }

  /** Closes the channel. What is not settled by now goes back to the queue; a handler still at work is reported. */
  async close(): Promise<boolean> {
    const abandoned = this.#running?.process;
    this.#turns.end();
    this.#env.stillAtWork.leave(this);
    if (abandoned !== undefined) this.#env.reporter.report(abandoned.delivery, { type: 'abandoned' });
    const closed = this.#intake.close();
    // The broker delivers it again: what waits for its next attempt must not make one more of it.
    if (!this.#noAck) abandoned?.interrupt('channel-gone');
    const { start } = this.#admitted;
    // The process ends, but not because of this message.
    const recorded =
      abandoned !== undefined && start !== undefined ? this.#env.crashes?.records?.end(start) : undefined;
    await within(this.#env.clock, CLOSE_LIMIT_MS, Promise.all([closed, recorded]), () => undefined);
    this.#attached = false;
    return abandoned !== undefined;
  }

  /**
   * From now on the broker may have one unsettled delivery at this consumer. What waits goes back, behind a cancel, so that
   * it is not given to this consumer again; it takes the next when what it works at has ended.
   */
  takeOneAtATime(): void {
    if (this.#noAck || this.#stopping !== undefined) return;
    this.#prefetch = 1;
    if (!this.#intake.isOpen || this.#isReducing) return;
    this.#isReducing = true;
    this.#attached = false;
    this.#intake.shut();
    this.#giveBackWaiting('waited-too-long');
    this.#nudge?.();
    if (!this.#isWorking) this.#rests();
  }

  /**
   * Takes nothing more. What runs goes on; what waits for another attempt, or for its turn, goes back or is kept.
   */
  shut(inHand: InHand): void {
    if (this.#stopping !== undefined) return;
    this.#gate = { name: 'shut', inHand };
    this.#startIsOver();
    if (inHand !== 'keep-place') {
      this.#attached = false;
      this.#intake.shut();
    }
    this.#running?.process.interrupt('paused');
    if (keepsInHand(inHand)) for (const { delivery } of this.#waiting) this.#putOff(delivery);
    else this.#giveBackWaiting('paused');
    this.#nudge?.();
    if (!this.#isWorking) this.#rests();
  }

  /** Takes deliveries again: as many in advance as it is to, or fewer. */
  open(prefetch = this.#prefetch): void {
    if (this.#stopping !== undefined) return;
    const keptItsPlace = this.#gate.name !== 'open' && this.#gate.inHand === 'keep-place' && this.#intake.isOpen;
    this.#gate = OPEN;
    // What is being reduced opens again by itself when it has come to rest.
    if (!this.#isReducing && !keptItsPlace) this.#openAgain(prefetch);
    this.#begin();
  }

  /** While it is shut: handles the next delivery, and nothing behind that. `fetch`: not one that it has in hand. */
  takeOne(inHand: InHand, fetch: boolean): void {
    if (this.#stopping !== undefined) return;
    this.#gate = { name: 'one', inHand };
    if (!fetch && this.#waiting.size > 0) this.#begin();
    else if (inHand !== 'keep-place') this.#openIntake(1);
  }

  deliver(delivery: Delivery): void {
    const { position, clock } = this.#env;
    const arrived = asItCame(delivery);
    const taken = position === undefined ? arrived : takeFromStream(arrived, position);
    if (taken === undefined) return;
    const unwanted = this.#unwanted;
    if (unwanted !== undefined) {
      this.#giveBack(taken, unwanted);
      return;
    }
    const gate = this.#gate;
    const since = clock.monotonic();
    // It may be the one that is to be handled now: what is kept has been tried.
    if (gate.name === 'one') this.#waiting.unshift({ delivery: taken, since });
    else if (this.#isSetAside(taken)) this.#waiting.pushBehind(taken, since);
    else this.#waiting.push(taken, since);
    if (this.#isCautious && !taken.message.redelivered) this.#trust();
    if (gate.name === 'shut') this.#putOff(taken);
    if (!this.#isWorking) this.#begin();
    if (this.#waiting.size > 0 && !this.#noAck) this.#turns.begin();
  }

  consuming(consumerTag: string): void {
    this.#attached = true;
    this.#env.position?.began();
    this.#events.consuming(consumerTag);
  }

  interrupted(cause: InterruptionCause, error: Error | undefined, timeoutMs?: number): void {
    this.#attached = false;
    if (!this.#noAck) {
      if (cause === 'delivery-timeout') this.#takenBack(timeoutMs);
      // A cancelled consumer keeps its channel: what it delivered can still be settled there.
      this.#waiting.keep((delivery) => delivery.channel.isOpen);
      const running = this.#running;
      if (running !== undefined && (cause === 'delivery-timeout' || !running.process.delivery.channel.isOpen)) {
        running.process.interrupt('channel-gone');
      }
      this.#nudge?.();
    }
    this.#events.interrupted(cause, error);
  }

  failed(error: Error): void {
    this.#attached = false;
    this.#events.failed(error);
  }

  get #handsOver(): boolean {
    return this.#env.definition.ordered && !this.#noAck;
  }

  /** The broker has forgotten what it sent: deliveries depend on no channel, and cannot be given back. */
  get #noAck(): boolean {
    return this.#env.definition.acknowledge === 'none';
  }

  /** Why what comes now goes back at once, if it does. */
  get #unwanted(): GiveBackReason | undefined {
    if (this.#stopping === 'give-back' || this.#stopping === 'hand-over') return 'stopping';
    if (this.#isReducing) return 'waited-too-long';
    return this.#gate.name === 'shut' && !keepsInHand(this.#gate.inHand) ? 'paused' : undefined;
  }

  /** What may end the process waits until everything else that is here has been handled, unless order matters more. */
  #isSetAside(delivery: Delivery): boolean {
    return !this.#handsOver && this.#isSuspect(delivery);
  }

  #isSuspect(delivery: Delivery): boolean {
    const { crashes } = this.#env;
    return crashes !== undefined && this.#stopping === undefined && crashes.isSuspect(delivery.message);
  }

  /** What comes now was never delivered before: behind it there is nothing that ended a process. */
  #trust(): void {
    this.#isCautious = false;
    if (this.#gate.name === 'open' && this.#intake.isOpen && !this.#isReducing) this.#openIntake(this.#prefetch);
  }

  async #admit(delivery: Delivery): Promise<Admission | undefined> {
    this.#isAdmitting = true;
    try {
      return await this.#admissions?.ask(delivery, () => this.#waiting.first?.delivery === delivery && this.#mayBegin);
    } finally {
      this.#isAdmitting = false;
    }
  }

  /** The process lives. */
  #leave({ start }: Admission): void {
    const { crashes } = this.#env;
    if (crashes === undefined) return;
    this.#admitted = FREE;
    if (start !== undefined) void crashes.records?.end(start);
    crashes.changed();
    // The next one that is suspect is alone already.
    if (this.#waiting.size === 0 || this.#waiting.sizeAhead > 0) crashes.release(this);
  }

  get #mayBegin(): boolean {
    return this.#gate.name !== 'shut' || this.#stopping !== undefined;
  }

  /** What a stop does with what waits. Nobody wants to see handled what was kept by a pause, unless it would be lost. */
  #atStop(): 'run' | 'give-back' | 'hand-over' {
    if (this.#handsOver) return 'hand-over';
    if (this.#gate.name !== 'open' && !this.#noAck) return 'give-back';
    return atShutdown(this.#env.definition, this.#transport);
  }

  #begin(): void {
    if (!this.#isWorking && this.#mayBegin && this.#waiting.size > 0) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (let next = this.#waiting.first; next !== undefined && this.#mayBegin; next = this.#waiting.first) {
      const { delivery, since } = next;
      const other = this.#env.stillAtWork.onThe(delivery.message);
      if (other !== undefined && this.#stopping === undefined) {
        await this.#nudgedOr(other);
        continue;
      }
      if (this.#mustWait) {
        await this.#waitForRate(delivery);
        continue;
      }
      const admission = this.#isSuspect(delivery) ? await this.#admit(delivery) : FREE;
      if (admission === undefined) continue;
      this.#waiting.shift();
      if (other !== undefined) this.#giveBack(delivery, 'stopping');
      // A delivery whose channel is gone comes again by itself: handling this copy would only make a duplicate.
      else if (delivery.channel.isOpen || this.#noAck) {
        this.#oneBegins();
        this.#admitted = admission;
        this.#env.flow.rate?.take();
        await this.#handle(delivery, since, admission.crashes);
      }
      this.#leave(admission);
    }
    this.#isWorking = false;
    this.#env.crashes?.release(this);
    for (const idle of this.#idle.splice(0)) idle();
    this.#rests();
    this.#events.rests?.();
  }

  /** What the broker has forgotten would be lost by waiting at a stop. */
  get #mustWait(): boolean {
    const { rate } = this.#env.flow;
    return rate !== undefined && rate.waitMs > 0 && !(this.#noAck && this.#stopping !== undefined);
  }

  async #waitForRate(delivery: Delivery): Promise<void> {
    const { flow, reporter, clock } = this.#env;
    const delayMs = flow.rate?.waitMs ?? 0;
    if (this.#throttled !== delivery) reporter.report(delivery, { type: 'throttled', delayMs });
    this.#throttled = delivery;
    const over = new AbortController();
    await this.#nudgedOr(pause(clock, delayMs, over.signal));
    over.abort();
  }

  /** The one that was to be taken is there. */
  #oneBegins(): void {
    if (this.#gate.name === 'one') this.#gate = { name: 'shut', inHand: this.#gate.inHand, isProbe: true };
    if (this.#gate.name !== 'shut' || this.#gate.inHand === 'keep-place' || !this.#intake.isOpen) return;
    this.#attached = false;
    this.#intake.shut();
  }

  async #handle(delivery: Delivery, since: number, crashes?: number): Promise<void> {
    if (!(delivery.channel instanceof StreamDelivery)) return this.#handleOnce(delivery, since, crashes);
    const { channel } = delivery;
    if (this.#env.position?.isDone(channel.offset) === true) channel.ack();
    else await this.#handleOnce(delivery, since);
    for (let times = 1; channel.takeWish() && channel.isOpen && this.#goesOn; times++) {
      await this.#nudgedOr(pause(this.#env.clock, backoffDelayMs(AGAIN, times)));
      if (!channel.isOpen || !this.#goesOn) return;
      const message = { ...delivery.message, redelivered: true };
      await this.#handleOnce({ ...delivery, message }, this.#env.clock.monotonic());
    }
  }

  /** What of a stream is put back is tried again here; while it is paused, it comes again with what is behind it. */
  get #goesOn(): boolean {
    return this.#stopping === undefined && this.#gate.name === 'open';
  }

  async #handleOnce(delivery: Delivery, since: number, crashes?: number): Promise<void> {
    const process = new DeliveryProcess(delivery, this.#env, this.#enter, crashes);
    const running: Running = { process, since, ended: undefined };
    this.#running = running;
    if (this.#stopping !== undefined) process.interrupt('stopping');
    const { clock, load } = this.#env;
    load.began(clock.monotonic());
    running.ended = this.#enter(() => process.run());
    await running.ended;
    load.ended(clock.monotonic());
    this.#running = undefined;
    if (process.isPutOff) this.#keep(delivery, since);
    const still = delivery.channel.isOpen ? undefined : process.stillRunning();
    if (still !== undefined) this.#env.stillAtWork.add({ message: delivery.message, ended: still });
  }

  /** Waits for the end of a handler, or until something has happened to what waits here. */
  async #nudgedOr(ended: Promise<unknown>): Promise<void> {
    this.#turns.begin();
    const nudged = new Promise<void>((resolve) => {
      this.#nudge = resolve;
    });
    await Promise.race([ended.catch(() => {}), nudged]);
    this.#nudge = undefined;
  }

  /** As many in advance as it is to, or fewer: one at a time as long as what comes may end the process. */
  #openAgain(prefetch: number): void {
    const wanted = this.#prefetch === 0 ? prefetch : Math.min(prefetch, this.#prefetch);
    this.#openIntake(this.#isCautious ? 1 : wanted);
  }

  /** Nothing is at work: a place is left, or what was reduced takes one at a time from now on. */
  #rests(): void {
    this.#intake.idle();
    if (!this.#isReducing) return;
    this.#isReducing = false;
    if (this.#gate.name !== 'shut') this.#openIntake(1);
  }

  #openIntake(prefetch: number): void {
    if (this.#stopping === undefined) this.#intake.open(prefetch).catch(() => {});
  }

  #overdue(): void {
    if (this.#gate.name === 'open') this.#events.overdue();
    // It is kept because the listener is paused, not because its handlers are slow.
    else this.#giveBackWaiting('waited-too-long');
  }

  /** An attempt came to nothing because the listener is paused: the delivery waits again, as if it had not been tried. */
  #keep(delivery: Delivery, since: number): void {
    // What failed as a probe is not the next one.
    if (this.#gate.name === 'shut' && this.#gate.isProbe === true) this.#waiting.push(delivery, since);
    else this.#waiting.unshift({ delivery, since });
    if (!this.#noAck) this.#turns.begin();
  }

  #putOff(delivery: Delivery): void {
    this.#env.reporter.report(delivery, { type: 'put-off' });
  }

  /** The broker has taken back what it waited for in vain, or is about to. What it has not, goes back without fault. */
  #takenBack(timeoutMs: number | undefined): void {
    const { clock, patience, reporter } = this.#env;
    const oldest = this.#running?.since ?? this.#waiting.first?.since;
    if (timeoutMs !== undefined) patience.learn(timeoutMs);
    else if (oldest !== undefined) patience.learn(clock.monotonic() - oldest);
    if (this.#running !== undefined) reporter.report(this.#running.process.delivery, { type: 'taken-back' });
    for (let delivery = this.#waiting.shift(); delivery !== undefined; delivery = this.#waiting.shift()) {
      delivery.channel.giveBack(delivery.deliveryTag);
      reporter.report(delivery, { type: 'taken-back' });
    }
  }

  #giveBackWaiting(reason: GiveBackReason): void {
    for (let delivery = this.#waiting.shift(); delivery !== undefined; delivery = this.#waiting.shift()) {
      this.#giveBack(delivery, reason);
    }
  }

  #giveBack(delivery: Delivery, reason: GiveBackReason): void {
    const { reporter } = this.#env;
    const withTheChannel = this.#stopping === 'hand-over' || (this.#handsOver && reason === 'paused');
    if (this.#noAck) reporter.report(delivery, { type: 'dropped', error: undefined, reason });
    else if (withTheChannel) reporter.report(delivery, { type: 'given-back', reason });
    else if (delivery.channel.giveBack(delivery.deliveryTag)) reporter.report(delivery, { type: 'given-back', reason });
  }
}

/** What of a stream is put back is tried again here: its order stays. */
const AGAIN: BackoffPolicy = { initialIntervalMs: 1000, multiplier: 2, maxIntervalMs: 30_000, jitter: 0.2 };
