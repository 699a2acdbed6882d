import { LeveretError } from '../errors/leveret-error.js';
import type { Clock } from '../time/clock.js';
import type { ClaimLost } from './idempotency-guard.js';

/** What keeping a lease needs. */
export interface LeaseToKeep {
  readonly leaseMs: number;
  /** Milliseconds since the claim was asked for: the lease may run since then. */
  readonly elapsedMs: number;
  /** Wait between two renewals; `undefined` lets the lease end. */
  readonly renewEveryMs: number | undefined;
  readonly clock: Clock;
  /** Asks the store. `false`: the lease has ended. A rejection: nobody knows, so it is asked again soon. */
  readonly renew: () => Promise<boolean>;
  /** Told each renewal that failed. */
  readonly onFailure: (error: unknown) => void;
}

/** Renews a lease until it is stopped. It fires once the lease has ended, or must be taken for ended. */
export class LeaseKeeper implements ClaimLost {
  readonly #lease: LeaseToKeep;
  /** Why it was lost, once it is. */
  #reason: LeveretError | undefined;
  /** Made when somebody asks for a signal. */
  #controller: AbortController | undefined;
  #listeners: (() => void)[] | undefined;
  #stopped = false;
  #renewing: Promise<void> | undefined;
  #cancelRenewal: (() => void) | undefined;
  #cancelEnd: (() => void) | undefined;

  constructor(lease: LeaseToKeep) {
    this.#lease = lease;
    this.#leaseRunsSince(lease.elapsedMs);
    if (lease.renewEveryMs !== undefined) this.#renewAfter(lease.renewEveryMs);
  }

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): unknown {
    return this.#reason;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners ??= [];
    this.#listeners.push(listener);
  }

  /** Resolves when no renewal is on its way any more: one that overtook a release would take the key again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRenewal?.();
    this.#cancelEnd?.();
    await this.#renewing;
  }

  /** Counted from the question, not from the answer: the store's lease then never ends before ours. */
  #leaseRunsSince(elapsedMs: number): void {
    this.#cancelEnd?.();
    this.#cancelEnd = this.#lease.clock.after(Math.max(this.#lease.leaseMs - elapsedMs, 0), () => this.#lose());
  }

  #renewAfter(ms: number): void {
    this.#cancelRenewal = this.#lease.clock.after(ms, () => {
      this.#renewing = this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const { renew, onFailure, clock, leaseMs, renewEveryMs = leaseMs } = this.#lease;
    const asked = clock.monotonic();
    try {
      const renewed = await renew();
      if (this.#stopped) return;
      if (!renewed) return this.#lose();
      const elapsedMs = clock.monotonic() - asked;
      this.#leaseRunsSince(elapsedMs);
      this.#renewAfter(Math.max(renewEveryMs - elapsedMs, 1));
    } catch (error) {
      onFailure(error);
      if (!this.#stopped && !this.aborted) this.#renewAfter(Math.max(renewEveryMs / 4, 10));
    }
  }

  #lose(): void {
    this.#stopped = true;
    this.#cancelRenewal?.();
    this.#cancelEnd?.();
    if (this.#reason !== undefined) return;
    this.#reason = new LeveretError(
      'LEV_CLAIM_LOST',
      `The claim on this message has ended after its lease of ${this.#lease.leaseMs} ms while the handler ran: another may handle it now.`,
    );
    this.#controller?.abort(this.#reason);
    for (const listener of this.#listeners ?? []) listener();
  }
}
