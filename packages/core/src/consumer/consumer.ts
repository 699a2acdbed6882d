import { asItCame } from '../delay/arrival.js';
import { type Enter, keepContext } from '../events/own-context.js';
import { pause, within } from '../time/clock.js';
import type { Delivery, DeliverySink, InterruptionCause, Transport } from '../transport/transport.js';
import { type Admission, Admissions, FREE } from './admission.js';
import { type InHand, keepsInHand } from './at-pause.js';
import { AtWork, type AtWorkHost, type Begun } from './at-work.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import { Intake } from './intake.js';
import { atShutdown } from './prefetched-at-shutdown.js';
import type { GiveBackReason } from './settle-delivery.js';
import type { Work, Worker } from './still-at-work.js';
import { takeFromStream } from './stream-delivery.js';
import { startAt } from './stream-position.js';
import { TurnWatch } from './turn-watch.js';
import { WaitingDeliveries, type WaitingDelivery } from './waiting-deliveries.js';

/** The most that AMQP can say of a prefetch. */
const MAX_PREFETCH = 65_535;
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

/** Whether what waits may begin. `one`: the next may, and nothing behind it. */
type Gate =
  | { readonly name: 'open' }
  | { readonly name: 'one'; readonly inHand: InHand }
  | { readonly name: 'shut'; readonly inHand: InHand };

const OPEN: Gate = Object.freeze({ name: 'open' });

/** What holds up deliveries: the listener's rate all of them, else only the one that is the first and may not begin yet. */
type HoldUp = 'rate' | 'first';

/**
 * One consumer of a listener: a channel of its own, its prefetched deliveries in the order they came, and as many of them at
 * work as it has workers; with one worker each begins when the one before has had its turn.
 */
export class Consumer implements DeliverySink, Worker {
  /** How many deliveries may be at work at once. */
  readonly workers: number;
  readonly #env: DeliveryEnvironment;
  readonly #transport: Transport;
  readonly #events: ConsumerEvents;
  readonly #waiting = new WaitingDeliveries();
  /** The async context in which the listener was started: each delivery begins there, whatever the one before left behind. */
  #enter: Enter = (work) => work();
  readonly #atWork: AtWork;
  readonly #heldUp = new Set<HoldUp>();
  #gate: Gate = OPEN;
  /** For each worker. */
  #prefetch: number;
  /** How many may be at work at once; while a listener comes back from an outage, fewer than it has workers. */
  #limit: number;
  /** Takes one at a time until a message comes that was never delivered before: those that were come first. */
  #isCautious: boolean;
  /** Takes nothing until a worker is free, and then one at a time for each. */
  #isReducing = false;
  /** What was at work when that began, and is still. */
  #before = new Set<Begun>();
  readonly #nudges = new Set<() => void>();
  readonly #turns: TurnWatch;
  #idle: (() => void)[] = [];
  #stopping: 'run' | 'give-back' | 'hand-over' | undefined;
  readonly #intake: Intake;
  #isAttached = false;
  #isAdmitting = false;
  #isBeginning = false;
  #goesOnSoon = false;
  readonly #admissions: Admissions | undefined;
  /** The delivery that was last said to wait for its listener's rate. */
  #throttled: Delivery | undefined;
  #startIsOver: () => void = () => {};

  constructor(env: DeliveryEnvironment, transport: Transport, events: ConsumerEvents, workers = 1) {
    this.workers = workers;
    this.#env = env;
    this.#transport = transport;
    this.#events = events;
    this.#prefetch = env.definition.prefetch;
    this.#limit = workers;
    this.#atWork = new AtWork(env, this.#hostOfWork());
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
      return Promise.race([this.#intake.open(this.#inAdvance(this.#isCautious ? 1 : this.#prefetch)), isShut]);
    }
    this.#gate = { name: 'shut', inHand: shut };
    return Promise.resolve();
  }

  /** What it works at, with the ends of that. */
  get works(): readonly Work[] {
    return this.#atWork.works;
  }

  /** Handlers at work. */
  get atWork(): number {
    return this.#atWork.size;
  }

  get isAtWork(): boolean {
    return this.#atWork.size > 0;
  }

  /** Workers whose deliveries the broker may send at the moment. */
  get attached(): number {
    return this.#isAttached ? this.#limit : 0;
  }

  /** Deliveries held: at work or waiting. */
  get held(): number {
    return this.#waiting.size + this.#atWork.size;
  }

  /** Nothing is at work, and nothing waits but what may end the process. */
  get hasOnlySuspects(): boolean {
    return !this.isAtWork && this.#waiting.sizeAhead === 0;
  }

  /** A suspect is to be alone: nothing more comes, and where that is free, what waits goes back. */
  recede(givesBack: boolean): void {
    if (this.#stopping !== undefined || this.#gate.name === 'shut') return;
    this.#isAttached = false;
    this.#intake.shut();
    if (!givesBack) return;
    const first = this.#isAdmitting ? this.#waiting.first : undefined;
    if (first !== undefined) this.#waiting.shift();
    this.#giveBackWaiting('suspect');
    if (first === undefined) return;
    if (this.#isSetAside(first.delivery)) this.#waiting.pushBehind(first.delivery, first.since);
    else this.#waiting.unshift(first);
  }

  /** No suspect is to be alone any more. */
  comeBack(): void {
    this.#isCautious = true;
    if (this.#gate.name === 'open' && !this.#isReducing) this.#openAgain(this.#prefetch);
    this.#nudge();
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
    return this.#gate.name === 'one' || this.#atWork.hasProbe;
  }

  /**
   * Stops taking: cancels at the broker, ends waits, and gives back what was prefetched where that costs nothing. Where the
   * order is kept, what waits goes back with the channel, for until then the broker would hand it to this consumer again.
   */
  async cancel(): Promise<void> {
    this.#stopping = this.#atStop();
    const cancelled = this.#intake.cancel();
    // Behind the cancel: before it, the broker would hand what is given back to this same consumer again.
    this.#atWork.interrupt('stopping');
    if (this.#stopping !== 'run') this.#giveBackWaiting('stopping');
    else {
      this.#waiting.bringAllBack();
      this.#begin();
    }
    this.#nudge();
    // Deliveries may still come until cancel-ok: deliver() knows what to do with them.
    await cancelled;
    this.#isAttached = false;
  }

  /** Resolves when nothing is at work, and nothing waits that may begin. */
  whenIdle(): Promise<void> {
    if (!this.#isBusy) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** The shutdown can wait no longer: fires the running handler's signal and gives back all that waits. */
  hurry(): void {
    if (this.#stopping !== 'hand-over') this.#stopping = 'give-back';
    this.#giveBackWaiting('stopping');
    this.#atWork.interrupt('deadline');
    this.#nudge();
  }

  /**
   * Closes the channel. What is not settled by now goes back to the queue; handlers still at work are reported. Answers how many
   * those are.
   */
  async close(): Promise<number> {
    const { clock, crashes, reporter, stillAtWork } = this.#env;
    const abandoned = [...this.#atWork.begun];
    this.#turns.end();
    stillAtWork.leave(this);
    for (const { delivery } of abandoned) reporter.report(delivery, { type: 'abandoned' });
    const closed = this.#intake.close();
    // The broker delivers it again: what waits for its next attempt must not make one more of it.
    if (!this.#noAck) this.#atWork.interrupt('channel-gone');
    // The process ends, but not because of these messages.
    const recorded = abandoned.map(({ admission: { start } }) => start && crashes?.records?.end(start));
    await within(clock, CLOSE_LIMIT_MS, Promise.all([closed, ...recorded]), () => undefined);
    this.#isAttached = false;
    return abandoned.length;
  }

  /**
   * From now on the broker may have one unsettled delivery here for each worker. What waits goes back, behind a cancel, so that
   * it is not given to this consumer again; it takes the next when something that it works at has ended.
   */
  takeOneAtATime(): void {
    if (this.#noAck || this.#stopping !== undefined) return;
    this.#prefetch = 1;
    if (!this.#intake.isOpen || this.#isReducing) return;
    this.#isReducing = true;
    this.#before = new Set(this.#atWork.begun);
    this.#isAttached = false;
    this.#intake.shut();
    this.#giveBackWaiting('waited-too-long');
    this.#nudge();
    if (!this.#isBusy) this.#rests();
  }

  /**
   * Takes nothing more. What runs goes on; what waits for another attempt, or for its turn, goes back or is kept.
   */
  shut(inHand: InHand): void {
    if (this.#stopping !== undefined) return;
    this.#gate = { name: 'shut', inHand };
    this.#startIsOver();
    if (inHand !== 'keep-place') {
      this.#isAttached = false;
      this.#intake.shut();
    }
    this.#atWork.interrupt('paused');
    if (keepsInHand(inHand)) for (const { delivery } of this.#waiting) this.#putOff(delivery);
    else this.#giveBackWaiting('paused');
    this.#nudge();
    if (!this.#isBusy) this.#rests();
  }

  /** How many may be at work at once while it is open. */
  get limit(): number {
    return this.#limit;
  }

  /** Takes deliveries again: as many in advance for each worker as it is to, or fewer, and with all of its workers, or fewer. */
  open(prefetch = this.#prefetch, limit = this.workers): void {
    if (this.#stopping !== undefined) return;
    this.#limit = limit;
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
    this.#begin();
    if (this.#waiting.size > 0 && !this.#noAck) this.#turns.begin();
  }

  consuming(consumerTag: string): void {
    this.#isAttached = true;
    this.#env.position?.began();
    this.#events.consuming(consumerTag);
  }

  interrupted(cause: InterruptionCause, error: Error | undefined, timeoutMs?: number): void {
    this.#isAttached = false;
    if (!this.#noAck) {
      if (cause === 'delivery-timeout') this.#takenBack(timeoutMs);
      // A cancelled consumer keeps its channel: what it delivered can still be settled there.
      this.#waiting.keep((delivery) => delivery.channel.isOpen);
      this.#atWork.interrupt('channel-gone', ({ channel }) => cause === 'delivery-timeout' || !channel.isOpen);
      this.#nudge();
    }
    this.#events.interrupted(cause, error);
  }

  failed(error: Error): void {
    this.#isAttached = false;
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
    if (this.#gate.name === 'open' && this.#intake.isOpen && !this.#isReducing) this.#openAgain(this.#prefetch);
  }

  async #admit(delivery: Delivery): Promise<Admission | undefined> {
    this.#isAdmitting = true;
    try {
      return await this.#admissions?.ask(delivery, () => this.#isNext(delivery));
    } finally {
      this.#isAdmitting = false;
    }
  }

  /** The process lives. */
  #leave({ start }: Admission): void {
    const { crashes } = this.#env;
    if (crashes === undefined) return;
    if (start !== undefined) void crashes.records?.end(start);
    crashes.changed();
    // The next one that is suspect is alone already.
    if (this.#waiting.size === 0 || (this.#waiting.sizeAhead > 0 && !this.isAtWork)) crashes.release(this);
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

  /** A worker is free; but a suspect that is to be alone is alone in its consumer, too. */
  get #hasRoom(): boolean {
    const { crashes } = this.#env;
    return this.#atWork.size < (crashes?.isolates(this) === true ? 1 : this.#limit);
  }

  get #isBusy(): boolean {
    return this.isAtWork || this.#heldUp.size > 0;
  }

  /** It may still be started, after a wait. */
  #isNext(delivery: Delivery): boolean {
    return this.#waiting.first?.delivery === delivery && this.#mayBegin && this.#hasRoom;
  }

  /** Begins what may begin: what has nothing in its way does not wait for a suspect that is behind it. */
  #begin(): void {
    // What ends as it begins comes here again.
    if (this.#isBeginning) return;
    this.#isBeginning = true;
    try {
      for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
        if (!this.#hasRoom || !this.#mayBegin || !this.#goesAhead(next)) return;
      }
    } finally {
      this.#isBeginning = false;
    }
  }

  /** Begins the first, or does what else is to be done with it. Answers whether it leaves its place to the next at once. */
  #goesAhead(next: WaitingDelivery): boolean {
    const { delivery } = next;
    const other = this.#env.stillAtWork.onThe(delivery.message);
    if (other !== undefined && this.#stopping !== undefined) {
      this.#waiting.shift();
      this.#giveBack(delivery, 'stopping');
      return true;
    }
    if (other !== undefined && this.workers > 1) {
      this.#setFirstAside(next, other);
      return true;
    }
    if (other !== undefined) return this.#holdUp('first', () => this.#nudgedOr(other));
    if (this.#mustWait) return this.#holdUp('rate', () => this.#waitForRate(delivery));
    if (this.#isSuspect(delivery)) return this.#holdUp('first', () => this.#beginSuspect(next));
    this.#waiting.shift();
    this.#start(next, FREE);
    return true;
  }

  /** Whatever it was, what waits is looked at again. */
  #holdUp(what: HoldUp, untilClear: () => Promise<void>): false {
    if (this.#heldUp.has(what)) return false;
    this.#heldUp.add(what);
    void untilClear().then(() => {
      this.#heldUp.delete(what);
      this.#goOn(undefined);
    });
    return false;
  }

  /** Its handler is still at work: others need not wait for that. */
  #setFirstAside(next: WaitingDelivery, other: Promise<unknown>): void {
    this.#waiting.setFirstAside();
    this.#turns.begin();
    const back = () => {
      this.#waiting.bringBack(next);
      this.#begin();
    };
    void other.then(back, back);
  }

  async #beginSuspect(next: WaitingDelivery): Promise<void> {
    const admission = await this.#admit(next.delivery);
    if (admission === undefined) return;
    if (!this.#isNext(next.delivery)) return this.#leave(admission);
    this.#waiting.shift();
    this.#start(next, admission);
  }

  #start({ delivery, since }: WaitingDelivery, admission: Admission): void {
    // A delivery whose channel is gone comes again by itself: handling this copy would only make a duplicate.
    if (!delivery.channel.isOpen && !this.#noAck) {
      this.#leave(admission);
      return;
    }
    const isProbe = this.#gate.name === 'one';
    this.#oneBegins();
    this.#env.flow.rate?.take();
    this.#atWork.begin({ delivery, since }, { admission, isProbe, enter: this.#enter });
  }

  #hostOfWork(): AtWorkHost {
    const consumer = this;
    return {
      get isStopping() {
        return consumer.#stopping !== undefined;
      },
      get goesOn() {
        return consumer.#goesOn;
      },
      nudgedOr: (ended) => this.#nudgedOr(ended),
      putOff: (begun) => this.#keep(begun),
      ended: (begun) => {
        this.#leave(begun.admission);
        this.#goOn(begun);
      },
    };
  }

  /** Something has had its turn, or is in nobody's way any more. */
  #goOn(ended: Begun | undefined): void {
    if (this.#isBeginning) this.#goOnSoon();
    else {
      this.#begin();
      if (!this.#isBusy) this.#comesToRest();
      else if (ended?.isProbe === true) this.#events.rests?.();
    }
    if (ended !== undefined && this.#before.size > 0 && this.#before.delete(ended)) this.#isReduced();
  }

  /** Once for all that end as they begin: whoever lets them begin has to come to its end first. */
  #goOnSoon(): void {
    if (this.#goesOnSoon) return;
    this.#goesOnSoon = true;
    queueMicrotask(() => {
      this.#goesOnSoon = false;
      this.#goOn(undefined);
    });
  }

  #comesToRest(): void {
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
    if (this.#gate.name === 'one') this.#gate = { name: 'shut', inHand: this.#gate.inHand };
    if (this.#gate.name !== 'shut' || this.#gate.inHand === 'keep-place' || !this.#intake.isOpen) return;
    this.#isAttached = false;
    this.#intake.shut();
  }

  /** What of a stream is put back is tried again here; while it is paused, it comes again with what is behind it. */
  get #goesOn(): boolean {
    return this.#stopping === undefined && this.#gate.name === 'open';
  }

  /** Waits for the end of a handler, or until something has happened to what waits here. */
  async #nudgedOr(ended: Promise<unknown>): Promise<void> {
    this.#turns.begin();
    let nudge = () => {};
    const nudged = new Promise<void>((resolve) => {
      nudge = resolve;
    });
    this.#nudges.add(nudge);
    await Promise.race([ended.catch(() => {}), nudged]);
    this.#nudges.delete(nudge);
  }

  #nudge(): void {
    for (const nudge of this.#nudges) nudge();
  }

  /** As many in advance as it is to, or fewer: one for each worker as long as what comes may end the process. */
  #openAgain(prefetch: number): void {
    const wanted = this.#prefetch === 0 ? prefetch : Math.min(prefetch, this.#prefetch);
    this.#openIntake(this.#inAdvance(this.#isCautious ? 1 : wanted));
  }

  /** What the broker may have here unsettled, when it is so much for each worker; none for those that are behind. */
  #inAdvance(prefetch: number): number {
    return Math.min(MAX_PREFETCH, prefetch * Math.max(1, this.#limit - this.#before.size));
  }

  /** Nothing is at work: a place is left, or what was reduced takes one for each worker from now on. */
  #rests(): void {
    this.#intake.idle();
    if (this.#isReducing) this.#isReduced();
  }

  #isReduced(): void {
    this.#isReducing = false;
    if (this.#gate.name === 'open') this.#openAgain(1);
    else if (this.#gate.name === 'one') this.#openIntake(1);
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
  #keep({ delivery, since, isProbe }: Begun): void {
    // What failed as a probe is not the next one.
    if (isProbe) this.#waiting.push(delivery, since);
    else this.#waiting.unshift({ delivery, since });
    if (!this.#noAck) this.#turns.begin();
  }

  #putOff(delivery: Delivery): void {
    this.#env.reporter.report(delivery, { type: 'put-off' });
  }

  /** The broker has taken back what it waited for in vain, or is about to. What it has not, goes back without fault. */
  #takenBack(timeoutMs: number | undefined): void {
    const { clock, patience, reporter } = this.#env;
    const oldest = this.#atWork.oldestSince ?? this.#waiting.first?.since;
    if (timeoutMs !== undefined) patience.learn(timeoutMs);
    else if (oldest !== undefined) patience.learn(clock.monotonic() - oldest);
    for (const delivery of this.#atWork.deliveries) reporter.report(delivery, { type: 'taken-back' });
    for (const delivery of this.#waiting.takeAll()) {
      delivery.channel.giveBack(delivery.deliveryTag);
      reporter.report(delivery, { type: 'taken-back' });
    }
  }

  #giveBackWaiting(reason: GiveBackReason): void {
    for (const delivery of this.#waiting.takeAll()) this.#giveBack(delivery, reason);
  }

  #giveBack(delivery: Delivery, reason: GiveBackReason): void {
    const { reporter } = this.#env;
    const withTheChannel = this.#stopping === 'hand-over' || (this.#handsOver && reason === 'paused');
    if (this.#noAck) reporter.report(delivery, { type: 'dropped', error: undefined, reason });
    else if (withTheChannel) reporter.report(delivery, { type: 'given-back', reason });
    else if (delivery.channel.giveBack(delivery.deliveryTag)) reporter.report(delivery, { type: 'given-back', reason });
  }
}
