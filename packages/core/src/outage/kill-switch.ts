import type { Clock } from '../time/clock.js';

/** When a listener pauses by itself, resolved. */
export interface KillSwitchPolicy {
  /** Attempts that are looked at, the latest ones. From 1. */
  readonly activeAt: number;
  /** The share of them that may not fail. Above 0, up to 1. */
  readonly tripAt: number;
  /** Older attempts say nothing. */
  readonly withinMs: number;
  /** How long it pauses, and how long between two probes. */
  readonly pauseMs: number;
  /** Whether an error may be somebody else's fault than the message's. Default: what is worth another attempt. */
  readonly when?: ((error: unknown) => boolean) | undefined;
}

/**
 * Where a kill switch is.
 *
 * | state | the listener | left when |
 * |---|---|---|
 * | `watching` | takes deliveries | of the last `activeAt` attempts, `tripAt` have failed: `tripped` |
 * | `tripped` | takes none | `pause` is over: `probing` |
 * | `probing` | takes one | that succeeds: `ramping`; fails: `tripped` |
 * | `ramping` | takes more and more | all its consumers are back: `watching`; two attempts, and `tripAt` of all since, have failed: `tripped` |
 */
export type KillSwitchState = 'watching' | 'tripped' | 'probing' | 'ramping';

/** Of the latest attempts, as far as they count. */
export interface Share {
  readonly failed: number;
  readonly of: number;
}

/**
 * Judges by what attempts come to whether something that all messages need is down. It decides, and does nothing. Attempts
 * are told apart by the moment in which they began: what began before the listener was paused says nothing about now.
 */
export class KillSwitch {
  readonly #policy: KillSwitchPolicy;
  readonly #clock: Clock;
  #state: KillSwitchState = 'watching';
  /** Grows with each change that attempts must not outlive. */
  #moment = 0;
  /** The moment since which nothing that failed was the outage's fault. */
  #wellSince = 0;
  #latest: { readonly at: number; readonly failed: boolean }[] = [];
  #trips = 0;

  constructor(policy: KillSwitchPolicy, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
  }

  get state(): KillSwitchState {
    return this.#state;
  }

  /** To be kept with each attempt that begins. */
  get moment(): number {
    return this.#moment;
  }

  /** How often it has tripped. A probe that fails is no further time. */
  get trips(): number {
    return this.#trips;
  }

  /** The attempts that are looked at, and how many of them failed. */
  get share(): Share {
    return { failed: this.#latest.filter(({ failed }) => failed).length, of: this.#latest.length };
  }

  /**
   * How often one message may be heard: a third of all that is looked at. One that fails again and again must not stop the
   * listener alone.
   */
  get hearsMessage(): number {
    return Math.ceil(this.#policy.activeAt / 3);
  }

  /** Whether a failure of an attempt that began then is the fault of an outage: of this one, or of one that is over. */
  isOutage(moment: number): boolean {
    return this.#state === 'tripped' || this.#state === 'probing' || moment < this.#wellSince;
  }

  /** An attempt succeeded. Answers whether that ends the outage. */
  succeeded(moment: number): boolean {
    if (moment !== this.#moment || this.#state === 'tripped') return false;
    if (this.#state !== 'probing') {
      this.#add(false);
      return false;
    }
    this.#to('ramping');
    this.#wellSince = this.#moment;
    return true;
  }

  /** An attempt failed, perhaps not by its message's fault. Answers with the share for which the listener is to pause, if it is. */
  failed(moment: number): Share | undefined {
    if (moment !== this.#moment || this.#state === 'tripped') return undefined;
    this.#add(true);
    const { share } = this;
    if (this.#state !== 'probing') {
      if (!this.#isTooMuch()) return undefined;
      this.#trips++;
    }
    this.#to('tripped');
    return share;
  }

  /** Its pause is over: one message is tried. */
  probe(): void {
    if (this.#state === 'tripped') this.#to('probing');
  }

  /** All consumers are back. */
  ramped(): void {
    if (this.#state === 'ramping') this.#state = 'watching';
  }

  /** Somebody else decided: it begins anew. */
  reset(): void {
    if (this.isOutage(this.#moment)) {
      this.#to('watching');
      this.#wellSince = this.#moment;
    }
    this.#state = 'watching';
    this.#latest = [];
  }

  #add(failed: boolean): void {
    const at = this.#clock.monotonic();
    this.#latest.push({ at, failed });
    const { activeAt, withinMs } = this.#policy;
    let old = Math.max(0, this.#latest.length - activeAt);
    while ((this.#latest[old]?.at ?? at) < at - withinMs) old++;
    if (old > 0) this.#latest.splice(0, old);
  }

  #isTooMuch(): boolean {
    const { failed, of } = this.share;
    const { activeAt, tripAt } = this.#policy;
    const enough = this.#state === 'ramping' ? failed >= 2 : of >= activeAt;
    return enough && failed / of >= tripAt;
  }

  #to(state: KillSwitchState): void {
    this.#state = state;
    this.#moment++;
    this.#latest = [];
  }
}
