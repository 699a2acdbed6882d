import { asItCame } from '../delay/arrival.js';
import { keepContext } from '../events/own-context.js';
import { within } from '../time/clock.js';
import type { Delivery, DeliverySink, InterruptionCause, Transport } from '../transport/transport.js';
import { type InHand, keepsInHand } from './at-pause.js';
import type { Begun } from './at-work.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import { DeliveryTurns } from './delivery-turns.js';
import { Intake } from './intake.js';
import { atShutdown } from './prefetched-at-shutdown.js';
import type { GiveBackReason } from './settle-delivery.js';
import type { Work, Worker } from './still-at-work.js';
import { takeFromStream } from './stream-delivery.js';
import { startAt } from './stream-position.js';
import type { TurnsHost } from './turns-host.js';

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
  readonly #turns: DeliveryTurns;
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
  #idle: (() => void)[] = [];
  #stopping: 'run' | 'give-back' | 'hand-over' | undefined;
  readonly #intake: Intake;
  #isAttached = false;
  #startIsOver: () => void = () => {};

  constructor(env: DeliveryEnvironment, transport: Transport, events: ConsumerEvents, workers = 1) {
    this.workers = workers;
    this.#env = env;
    this.#transport = transport;
    this.#events = events;
    this.#prefetch = env.definition.prefetch;
    this.#limit = workers;
    this.#turns = new DeliveryTurns(env, this.#hostOfTurns());
    this.#isCautious = env.crashes !== undefined;
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
    this.#turns.start(keepContext());
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
    return this.#turns.atWork.works;
  }

  /** Handlers at work. */
  get atWork(): number {
    return this.#turns.atWork.size;
  }

  get isAtWork(): boolean {
    return this.#turns.atWork.size > 0;
  }

  /** Workers whose deliveries the broker may send at the moment. */
  get attached(): number {
    return this.#isAttached ? this.#limit : 0;
  }

  /** Deliveries held: at work or waiting. */
  get held(): number {
    return this.#turns.waiting.size + this.#turns.atWork.size;
  }

  /** Nothing is at work, and nothing waits but what may end the process. */
  get hasOnlySuspects(): boolean {
    return !this.isAtWork && this.#turns.waiting.sizeAhead === 0;
  }

  /** A suspect is to be alone: nothing more comes, and where that is free, what waits goes back. */
  recede(givesBack: boolean): void {
    if (this.#stopping !== undefined || this.#gate.name === 'shut') return;
    this.#isAttached = false;
    this.#intake.shut();
    if (!givesBack) return;
    for (const delivery of this.#turns.takeAllButTheAsked()) this.#giveBack(delivery, 'suspect');
  }

  /** No suspect is to be alone any more. */
  comeBack(): void {
    this.#isCautious = true;
    if (this.#gate.name === 'open' && !this.#isReducing) this.#openAgain(this.#prefetch);
    this.#turns.nudge();
    this.#turns.begin();
  }

  /** Deliveries that wait for their turn. */
  get waits(): number {
    return this.#turns.waiting.size;
  }

  /** Nothing may begin. */
  get isShut(): boolean {
    return this.#gate.name !== 'open';
  }

  /** It is to handle one delivery while it is shut, and has not come to rest behind it. */
  get isProbing(): boolean {
    return this.#gate.name === 'one' || this.#turns.atWork.hasProbe;
  }

  /**
   * Stops taking: cancels at the broker, ends waits, and gives back what was prefetched where that costs nothing. Where the
   * order is kept, what waits goes back with the channel, for until then the broker would hand it to this consumer again.
   */
  async cancel(): Promise<void> {
    this.#stopping = this.#atStop();
    const cancelled = this.#intake.cancel();
    // Behind the cancel: before it, the broker would hand what is given back to this same consumer again.
    this.#turns.atWork.interrupt('stopping');
    if (this.#stopping !== 'run') this.#giveBackWaiting('stopping');
    else {
      this.#turns.waiting.bringAllBack();
      this.#turns.begin();
    }
    this.#turns.nudge();
    // Deliveries may still come until cancel-ok: deliver() knows what to do with them.
    await cancelled;
    this.#isAttached = false;
  }

  /** Resolves when nothing is at work, and nothing waits that may begin. */
  whenIdle(): Promise<void> {
    if (!this.#turns.isBusy) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** The shutdown can wait no longer: fires the running handler's signal and gives back all that waits. */
  hurry(): void {
    if (this.#stopping !== 'hand-over') this.#stopping = 'give-back';
    this.#giveBackWaiting('stopping');
    this.#turns.atWork.interrupt('deadline');
    this.#turns.nudge();
  }

  /**
   * Closes the channel. What is not settled by now goes back to the queue; handlers still at work are reported. Answers how many
   * those are.
   */
  async close(): Promise<number> {
    const { clock, crashes, reporter, stillAtWork } = this.#env;
    const abandoned = [...this.#turns.atWork.begun];
    this.#turns.end();
    stillAtWork.leave(this);
    for (const { delivery } of abandoned) reporter.report(delivery, { type: 'abandoned' });
    const closed = this.#intake.close();
    // The broker delivers it again: what waits for its next attempt must not make one more of it.
    if (!this.#noAck) this.#turns.atWork.interrupt('channel-gone');
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
    this.#before = new Set(this.#turns.atWork.begun);
    this.#isAttached = false;
    this.#intake.shut();
    this.#giveBackWaiting('waited-too-long');
    this.#turns.nudge();
    if (!this.#turns.isBusy) this.#rests();
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
    this.#turns.atWork.interrupt('paused');
    if (keepsInHand(inHand)) for (const { delivery } of this.#turns.waiting) this.#putOff(delivery);
    else this.#giveBackWaiting('paused');
    this.#turns.nudge();
    if (!this.#turns.isBusy) this.#rests();
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
    this.#turns.begin();
  }

  /** While it is shut: handles the next delivery, and nothing behind that. `fetch`: not one that it has in hand. */
  takeOne(inHand: InHand, fetch: boolean): void {
    if (this.#stopping !== undefined) return;
    this.#gate = { name: 'one', inHand };
    if (!fetch && this.#turns.waiting.size > 0) this.#turns.begin();
    else if (inHand !== 'keep-place') this.#openIntake(1);
  }

  deliver(delivery: Delivery): void {
    const { position } = this.#env;
    const arrived = asItCame(delivery);
    const taken = position === undefined ? arrived : takeFromStream(arrived, position);
    if (taken === undefined) return;
    const unwanted = this.#unwanted;
    if (unwanted !== undefined) {
      this.#giveBack(taken, unwanted);
      return;
    }
    const gate = this.#gate;
    // It may be the one that is to be handled now: what is kept has been tried.
    this.#turns.add(taken, gate.name === 'one');
    if (this.#isCautious && !taken.message.redelivered) this.#trust();
    if (gate.name === 'shut') this.#putOff(taken);
    this.#turns.begin();
    this.#turns.watch();
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
      this.#turns.waiting.keep((delivery) => delivery.channel.isOpen);
      this.#turns.atWork.interrupt('channel-gone', ({ channel }) => cause === 'delivery-timeout' || !channel.isOpen);
      this.#turns.nudge();
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

  /** What comes now was never delivered before: behind it there is nothing that ended a process. */
  #trust(): void {
    this.#isCautious = false;
    if (this.#gate.name === 'open' && this.#intake.isOpen && !this.#isReducing) this.#openAgain(this.#prefetch);
  }

  /** What a stop does with what waits. Nobody wants to see handled what was kept by a pause, unless it would be lost. */
  #atStop(): 'run' | 'give-back' | 'hand-over' {
    if (this.#handsOver) return 'hand-over';
    if (this.#gate.name !== 'open' && !this.#noAck) return 'give-back';
    return atShutdown(this.#env.definition, this.#transport);
  }

  #hostOfTurns(): TurnsHost {
    const consumer = this;
    return {
      runner: this,
      workers: this.workers,
      handsOver: this.#handsOver,
      noAck: this.#noAck,
      get limit() {
        return consumer.#limit;
      },
      get isStopping() {
        return consumer.#stopping !== undefined;
      },
      get mayBegin() {
        return consumer.#gate.name !== 'shut' || consumer.#stopping !== undefined;
      },
      get goesOn() {
        return consumer.#stopping === undefined && consumer.#gate.name === 'open';
      },
      begins: () => this.#oneBegins(),
      giveBack: (delivery, reason) => this.#giveBack(delivery, reason),
      overdue: () => this.#overdue(),
      ended: (begun) => {
        if (this.#before.size > 0 && this.#before.delete(begun)) this.#isReduced();
      },
      probeEnded: () => this.#events.rests?.(),
      comesToRest: () => this.#comesToRest(),
    };
  }

  /** One begins. The one that was to be taken is there then: answers whether this is it. */
  #oneBegins(): boolean {
    const isProbe = this.#gate.name === 'one';
    if (this.#gate.name === 'one') this.#gate = { name: 'shut', inHand: this.#gate.inHand };
    if (this.#gate.name !== 'shut' || this.#gate.inHand === 'keep-place' || !this.#intake.isOpen) return isProbe;
    this.#isAttached = false;
    this.#intake.shut();
    return isProbe;
  }

  #comesToRest(): void {
    this.#env.crashes?.release(this);
    for (const idle of this.#idle.splice(0)) idle();
    this.#rests();
    this.#events.rests?.();
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

  #putOff(delivery: Delivery): void {
    this.#env.reporter.report(delivery, { type: 'put-off' });
  }

  /** The broker has taken back what it waited for in vain, or is about to. What it has not, goes back without fault. */
  #takenBack(timeoutMs: number | undefined): void {
    const { clock, patience, reporter } = this.#env;
    const oldest = this.#turns.atWork.oldestSince ?? this.#turns.waiting.first?.since;
    if (timeoutMs !== undefined) patience.learn(timeoutMs);
    else if (oldest !== undefined) patience.learn(clock.monotonic() - oldest);
    for (const delivery of this.#turns.atWork.deliveries) reporter.report(delivery, { type: 'taken-back' });
    for (const delivery of this.#turns.waiting.takeAll()) {
      delivery.channel.giveBack(delivery.deliveryTag);
      reporter.report(delivery, { type: 'taken-back' });
    }
  }

  #giveBackWaiting(reason: GiveBackReason): void {
    for (const delivery of this.#turns.waiting.takeAll()) this.#giveBack(delivery, reason);
  }

  #giveBack(delivery: Delivery, reason: GiveBackReason): void {
    const { reporter } = this.#env;
    const withTheChannel = this.#stopping === 'hand-over' || (this.#handsOver && reason === 'paused');
    if (this.#noAck) reporter.report(delivery, { type: 'dropped', error: undefined, reason });
    else if (withTheChannel) reporter.report(delivery, { type: 'given-back', reason });
    else if (delivery.channel.giveBack(delivery.deliveryTag)) reporter.report(delivery, { type: 'given-back', reason });
  }
}
