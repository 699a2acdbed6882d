import type { Enter } from '../events/own-context.js';
import { pause } from '../time/clock.js';
import type { Delivery } from '../transport/transport.js';
import { type Admission, Admissions, FREE } from './admission.js';
import { AtWork, type AtWorkHost, type Begun } from './at-work.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import { TurnWatch } from './turn-watch.js';
import type { TurnsHost } from './turns-host.js';
import { WaitingDeliveries, type WaitingDelivery } from './waiting-deliveries.js';

/** What holds up deliveries: the listener's rate all of them, else only the one that is the first and may not begin yet. */
type HoldUp = 'rate' | 'first';

/**
 * The prefetched deliveries of one consumer in the order they came, and as many of them at work as it has workers: whose turn it
 * is, and what is in its way.
 */
export class DeliveryTurns {
  readonly waiting = new WaitingDeliveries();
  readonly atWork: AtWork;
  readonly #env: DeliveryEnvironment;
  readonly #host: TurnsHost;
  /** The async context in which the listener was started: each delivery begins there, whatever the one before left behind. */
  #enter: Enter = (work) => work();
  readonly #heldUp = new Set<HoldUp>();
  readonly #nudges = new Set<() => void>();
  readonly #watch: TurnWatch;
  readonly #admissions: Admissions | undefined;
  #isAdmitting = false;
  #isBeginning = false;
  #goesOnSoon = false;
  /** The delivery that was last said to wait for its listener's rate. */
  #throttled: Delivery | undefined;

  constructor(env: DeliveryEnvironment, host: TurnsHost) {
    this.#env = env;
    this.#host = host;
    this.atWork = new AtWork(env, this.#hostOfWork());
    this.#admissions = env.crashes && new Admissions(host.runner, env.crashes, env, (ended) => this.#nudgedOr(ended));
    const oldest = () => (host.isStopping ? undefined : this.waiting.oldestSince);
    this.#watch = new TurnWatch(env.clock, env.patience, oldest, () => host.overdue());
  }

  /** @param enter takes each handler to the async context in which the listener was started */
  start(enter: Enter): void {
    this.#enter = enter;
  }

  end(): void {
    this.#watch.end();
  }

  /** Something is at work, or held up. */
  get isBusy(): boolean {
    return this.atWork.size > 0 || this.#heldUp.size > 0;
  }

  /**
   * A delivery has come.
   * @param isNext it is the next one, whatever waits
   */
  add(delivery: Delivery, isNext: boolean): void {
    const since = this.#env.clock.monotonic();
    if (isNext) this.waiting.unshift({ delivery, since });
    else if (this.#isSetAside(delivery)) this.waiting.pushBehind(delivery, since);
    else this.waiting.push(delivery, since);
  }

  /** Something waits: it is not to wait for too long. */
  watch(): void {
    if (this.waiting.size > 0 && !this.#host.noAck) this.#watch.begin();
  }

  /** All that waits, but for the one about which is being asked whether it may begin; then that alone does. */
  takeAllButTheAsked(): readonly Delivery[] {
    const asked = this.#isAdmitting ? this.waiting.first : undefined;
    if (asked !== undefined) this.waiting.shift();
    const all = this.waiting.takeAll();
    if (asked === undefined) return all;
    if (this.#isSetAside(asked.delivery)) this.waiting.pushBehind(asked.delivery, asked.since);
    else this.waiting.unshift(asked);
    return all;
  }

  /** Begins what may begin: what has nothing in its way does not wait for a suspect that is behind it. */
  begin(): void {
    // What ends as it begins comes here again.
    if (this.#isBeginning) return;
    this.#isBeginning = true;
    try {
      for (let next = this.waiting.first; next !== undefined; next = this.waiting.first) {
        if (!this.#hasRoom || !this.#host.mayBegin || !this.#goesAhead(next)) return;
      }
    } finally {
      this.#isBeginning = false;
    }
  }

  /** Something has happened to what waits here: what waits for an end looks again. */
  nudge(): void {
    for (const nudge of this.#nudges) nudge();
  }

  /** What may end the process waits until everything else that is here has been handled, unless order matters more. */
  #isSetAside(delivery: Delivery): boolean {
    return !this.#host.handsOver && this.#isSuspect(delivery);
  }

  #isSuspect(delivery: Delivery): boolean {
    const { crashes } = this.#env;
    return crashes !== undefined && !this.#host.isStopping && crashes.isSuspect(delivery.message);
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
    if (this.waiting.size === 0 || (this.waiting.sizeAhead > 0 && this.atWork.size === 0))
      crashes.release(this.#host.runner);
  }

  /** A worker is free; but a suspect that is to be alone is alone in its consumer, too. */
  get #hasRoom(): boolean {
    const { crashes } = this.#env;
    return this.atWork.size < (crashes?.isolates(this.#host.runner) === true ? 1 : this.#host.limit);
  }

  /** It may still be started, after a wait. */
  #isNext(delivery: Delivery): boolean {
    return this.waiting.first?.delivery === delivery && this.#host.mayBegin && this.#hasRoom;
  }

  /** Begins the first, or does what else is to be done with it. Answers whether it leaves its place to the next at once. */
  #goesAhead(next: WaitingDelivery): boolean {
    const { delivery } = next;
    const other = this.#env.stillAtWork.onThe(delivery.message);
    if (other !== undefined && this.#host.isStopping) {
      this.waiting.shift();
      this.#host.giveBack(delivery, 'stopping');
      return true;
    }
    if (other !== undefined && this.#host.workers > 1) {
      this.#setFirstAside(next, other);
      return true;
    }
    if (other !== undefined) return this.#holdUp('first', () => this.#nudgedOr(other));
    if (this.#mustWait) return this.#holdUp('rate', () => this.#waitForRate(delivery));
    if (this.#isSuspect(delivery)) return this.#holdUp('first', () => this.#beginSuspect(next));
    this.waiting.shift();
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
    this.waiting.setFirstAside();
    this.#watch.begin();
    const back = () => {
      this.waiting.bringBack(next);
      this.begin();
    };
    void other.then(back, back);
  }

  async #beginSuspect(next: WaitingDelivery): Promise<void> {
    const admission = await this.#admit(next.delivery);
    if (admission === undefined) return;
    if (!this.#isNext(next.delivery)) return this.#leave(admission);
    this.waiting.shift();
    this.#start(next, admission);
  }

  #start({ delivery, since }: WaitingDelivery, admission: Admission): void {
    // A delivery whose channel is gone comes again by itself: handling this copy would only make a duplicate.
    if (!delivery.channel.isOpen && !this.#host.noAck) {
      this.#leave(admission);
      return;
    }
    const isProbe = this.#host.begins();
    this.#env.flow.rate?.take();
    this.atWork.begin({ delivery, since }, { admission, isProbe, enter: this.#enter });
  }

  #hostOfWork(): AtWorkHost {
    const turns = this;
    return {
      get isStopping() {
        return turns.#host.isStopping;
      },
      get goesOn() {
        return turns.#host.goesOn;
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
      this.begin();
      if (!this.isBusy) this.#host.comesToRest();
      else if (ended?.isProbe === true) this.#host.probeEnded();
    }
    if (ended !== undefined) this.#host.ended(ended);
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

  /** What the broker has forgotten would be lost by waiting at a stop. */
  get #mustWait(): boolean {
    const { rate } = this.#env.flow;
    return rate !== undefined && rate.waitMs > 0 && !(this.#host.noAck && this.#host.isStopping);
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

  /** Waits for the end of a handler, or until something has happened to what waits here. */
  async #nudgedOr(ended: Promise<unknown>): Promise<void> {
    this.#watch.begin();
    let nudge = () => {};
    const nudged = new Promise<void>((resolve) => {
      nudge = resolve;
    });
    this.#nudges.add(nudge);
    await Promise.race([ended.catch(() => {}), nudged]);
    this.#nudges.delete(nudge);
  }

  /** An attempt came to nothing because the listener is paused: the delivery waits again, as if it had not been tried. */
  #keep({ delivery, since, isProbe }: Begun): void {
    // What failed as a probe is not the next one.
    if (isProbe) this.waiting.push(delivery, since);
    else this.waiting.unshift({ delivery, since });
    if (!this.#host.noAck) this.#watch.begin();
  }
}
