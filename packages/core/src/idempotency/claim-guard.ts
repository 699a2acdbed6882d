import { ConfigurationError, describeValue, Problems } from '../errors/configuration-error.js';
import { errorText } from '../errors/error-text.js';
import { LeveretError } from '../errors/leveret-error.js';
import { type Logger, logSafely, silentLogger } from '../events/logger.js';
import { type Clock, pause, systemClock, within } from '../time/clock.js';
import { checkDuration, type Duration, durationMs } from '../time/duration.js';
import { forLimits } from '../time/one-timer.js';
import { claimKey } from './claim-key.js';
import {
  type GuardedAttempt,
  type GuardedResult,
  type IdempotencyGuard,
  NEEDS_NO_SIGNAL,
  type PlainAttempt,
  type StillRunning,
} from './idempotency-guard.js';
import type { Claim, ClaimResult, IdempotencyStore } from './idempotency-store.js';
import { LeaseKeeper } from './lease-keeper.js';
import type { ApplicationIdentity, StoreConcern } from './store-check.js';
import { Unwritten } from './unwritten.js';

/** How a guard claims messages. */
export interface ClaimGuardOptions {
  /**
   * How long a handled message is remembered. It has to be longer than the longest way back of a message: all delays,
   * the time in an error queue, and a person's retry after the weekend. Default 7 days.
   */
  readonly ttl?: Duration;
  /** After a crash, the message can be handled again once this has passed. Above 0; default 5 minutes. */
  readonly lease?: Duration;
  /** Wait between two renewals of the lease while the handler runs; `false`: it ends. Default: a third of the lease. */
  readonly renew?: Duration | false;
  /** How long one answer of the store is waited for. Above 0; default 10 s. */
  readonly storeTimeout?: Duration;
  readonly clock?: Clock;
  /** Told when a lease could not be renewed, a claim not be released, or a message not be remembered. Default: nobody. */
  readonly logger?: Logger;
}

interface ResolvedOptions {
  readonly ttlMs: number;
  readonly leaseMs: number;
  readonly renewEveryMs: number | undefined;
  readonly storeTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Waits between the tries to remember a handled message while its delivery is held. */
const COMPLETION_PAUSES_MS = [100, 1000];

/**
 * A guard that claims each message in a store before its handler is called, and completes the claim afterwards.
 *
 * | what happens | the key |
 * |---|---|
 * | handler returned | is completed, then the result is `handled` |
 * | handler threw | is released, then the error is thrown on |
 * | handler runs on behind its result, as after a time-out | the error is thrown on; the claim is kept and renewed until the handler has ended |
 * | process died | is free when its lease ends |
 * | store down before the handler | the handler is not called; rejects with LEV_IDEMPOTENCY_STORE |
 * | store down after the handler | tried three times; then the result is `handled` with an `error`, and it is tried on in the background |
 * @throws {ConfigurationError} when an option is out of range
 */
export function claimGuard(store: IdempotencyStore, options: ClaimGuardOptions = {}): IdempotencyGuard {
  return new ClaimGuard(store, resolveOptions(store, options));
}

class ClaimGuard implements IdempotencyGuard {
  readonly service: string | undefined;
  readonly #store: IdempotencyStore;
  readonly #options: ResolvedOptions;
  /** For limits: a store that is well answers long before. */
  readonly #limits: Clock;
  /**
   * Keys whose handler runs in this process, which knows that also when a lease has ended because the store was away. Not
   * with `renew: false`, where a lease is to end.
   */
  readonly #atWork = new Set<string>();
  readonly #unwritten: Unwritten;

  constructor(store: IdempotencyStore, options: ResolvedOptions) {
    this.service = store.service;
    this.#store = store;
    this.#options = options;
    this.#limits = forLimits(options.clock);
    this.#unwritten = new Unwritten((claim) => this.#completeOnce(claim), options);
  }

  async check(application: ApplicationIdentity): Promise<readonly StoreConcern[]> {
    return (await this.#store.check?.(application)) ?? [];
  }

  async run(
    listenerId: string,
    key: string,
    attempt: GuardedAttempt,
    stillRunning?: StillRunning,
  ): Promise<GuardedResult> {
    const name = claimKey(listenerId, key);
    if (this.#unwritten.has(name)) return { kind: 'duplicate' };
    if (this.#atWork.has(name)) return { kind: 'in-progress', retryAfterMs: this.#options.leaseMs };
    const asked = this.#options.clock.monotonic();
    const result = await this.#claim(name);
    if (result.kind === 'completed') return { kind: 'duplicate' };
    if (result.kind === 'in-progress') return result;
    const claim: Claim = { key: name, token: result.token };
    const keeper = this.#keep(claim, this.#options.clock.monotonic() - asked);
    if (this.#options.renewEveryMs !== undefined) this.#atWork.add(name);
    let value: unknown;
    try {
      const call = attempt as PlainAttempt;
      value = await (call[NEEDS_NO_SIGNAL] === true ? call(undefined, keeper) : attempt(undefined, keeper.signal));
    } catch (error) {
      const running = stillRunning?.();
      if (running === undefined) await this.#letGo(claim, keeper);
      else void running.then(() => this.#letGo(claim, keeper));
      throw error;
    }
    await keeper.stop();
    try {
      return { kind: 'handled', value, ...(await this.#complete(claim)) };
    } finally {
      this.#atWork.delete(name);
    }
  }

  async flush(): Promise<void> {
    await this.#unwritten.flush();
  }

  /** The handler has ended without having handled the message. */
  async #letGo(claim: Claim, keeper: LeaseKeeper): Promise<void> {
    await keeper.stop();
    this.#atWork.delete(claim.key);
    await this.#release(claim);
  }

  async #claim(key: string): Promise<ClaimResult> {
    const { leaseMs } = this.#options;
    const claimed = ask(() => this.#store.claim(key, { leaseMs }));
    try {
      return await this.#answer(claimed);
    } catch (error) {
      // Granted after all, but too late for us: nobody else should wait for the lease to end.
      void claimed.then((late) => this.#giveBack(key, late), ignore);
      throw unanswered(`The idempotency store did not say whether ${key} has been handled`, error);
    }
  }

  #keep(claim: Claim, elapsedMs: number): LeaseKeeper {
    const { leaseMs, renewEveryMs, logger } = this.#options;
    return new LeaseKeeper({
      leaseMs,
      elapsedMs,
      renewEveryMs,
      clock: this.#limits,
      renew: () => this.#answer(ask(() => this.#store.renew(claim, { leaseMs }))),
      onFailure: (err) => logSafely(logger, 'warn', { err, key: claim.key }, 'the lease of a claim was not renewed'),
    });
  }

  /** Never rejects: the message is handled, and nothing that the store does makes that undone. */
  async #complete(claim: Claim): Promise<{ readonly remembered: boolean; readonly error?: unknown }> {
    for (const pauses = [...COMPLETION_PAUSES_MS]; ; ) {
      try {
        return { remembered: await this.#completeOnce(claim) };
      } catch (cause) {
        const pauseMs = pauses.shift();
        if (pauseMs === undefined) {
          this.#unwritten.add(claim);
          return { remembered: false, error: unanswered(`${claim.key} was handled, but is not remembered yet`, cause) };
        }
        await pause(this.#options.clock, pauseMs);
      }
    }
  }

  #completeOnce(claim: Claim): Promise<boolean> {
    return this.#answer(ask(() => this.#store.complete(claim, { ttlMs: this.#options.ttlMs })));
  }

  #giveBack(key: string, late: ClaimResult): Promise<void> | undefined {
    return late.kind === 'claimed' ? this.#release({ key, token: late.token }) : undefined;
  }

  /** Never rejects: the handler's error matters more, and the lease ends by itself. */
  async #release(claim: Claim): Promise<void> {
    try {
      await this.#answer(ask(() => this.#store.release(claim)));
    } catch (err) {
      const text = 'a claim was not released: the message waits for the end of its lease';
      logSafely(this.#options.logger, 'warn', { err, key: claim.key }, text);
    }
  }

  #answer<T>(work: Promise<T>): Promise<T> {
    const { storeTimeoutMs } = this.#options;
    return within(this.#limits, storeTimeoutMs, work, (): never => {
      throw new LeveretError('LEV_IDEMPOTENCY_STORE', `There was no answer within ${storeTimeoutMs} ms.`);
    });
  }
}

function resolveOptions(store: IdempotencyStore, options: ClaimGuardOptions): ResolvedOptions {
  if (!['claim', 'complete', 'release', 'renew'].every((name) => name in Object(store))) {
    throw new ConfigurationError([
      `claimGuard needs a store with claim, complete, release and renew; got ${describeValue(store)}`,
    ]);
  }
  const { ttl = '7d', lease = '5m', renew, storeTimeout = '10s' } = options;
  const problems = new Problems('idempotency');
  const leaseMs = positive(lease, 'lease', problems);
  const renewEveryMs =
    renew === false ? undefined : renew === undefined ? leaseMs / 3 : positive(renew, 'renew', problems);
  if (renew !== undefined && renewEveryMs !== undefined && renewEveryMs >= leaseMs) {
    problems.add(`renew must be shorter than the lease of ${leaseMs} ms; got ${describeValue(renew)}`);
  }
  const ttlMs = durationMs(ttl, 'idempotency: ttl');
  if (ttlMs <= 0) problems.add(`ttl must be more than 0 ms; got ${describeValue(ttl)}`);
  const storeTimeoutMs = positive(storeTimeout, 'storeTimeout', problems);
  problems.throwIfAny();
  const { clock = systemClock, logger = silentLogger } = options;
  return { ttlMs: Math.ceil(ttlMs), leaseMs: Math.ceil(leaseMs), renewEveryMs, storeTimeoutMs, clock, logger };
}

function positive(value: Duration, name: string, problems: Problems): number {
  // What was refused is compared with nothing.
  const ms = checkDuration(value, name, Number.NaN, problems);
  if (ms <= 0) problems.add(`${name} must be more than 0 ms; got ${describeValue(value)}`);
  return ms;
}

/** A store that throws instead of rejecting, or answers without a promise, is no different. */
async function ask<T>(question: () => Promise<T>): Promise<T> {
  return question();
}

function unanswered(text: string, cause: unknown): LeveretError {
  return new LeveretError('LEV_IDEMPOTENCY_STORE', `${text}: ${errorText(cause)}`, { cause });
}

function ignore(): void {}
