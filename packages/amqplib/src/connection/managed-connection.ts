import { type Clock, type ConnectionHealth, type ConnectionRole, LeveretError, within } from '@leveret/core';
import { asError } from '../errors/broker-reply.js';
import { isAuthenticationError, isTlsError, isTopologyError } from '../errors/connection-error.js';
import { ConnectionAttempts } from './connection-attempts.js';
import type { ManagedConnectionEvents } from './connection-events.js';
import type { ResolvedConnectionOptions } from './connection-options.js';
import type { ConnectionState } from './connection-state.js';
import type { HostTarget } from './host-target.js';
import { tcpKnock } from './knock.js';
import type { Link } from './link.js';
import {
  countFailedRound,
  knockPauseMs,
  NO_FAILED_ROUNDS,
  NO_LOSSES,
  pauseAfterRound,
  roundAfterLoss,
} from './next-round.js';
import { pauseBeforeRound } from './pause-before-round.js';
import { startTimeoutError } from './start-timeout-error.js';
import { Waiters } from './waiters.js';

const CLOSE_TIMEOUT_MS = 1000;

/**
 * A connection that comes back. It reconnects after every end that it did not ask for: a socket error or end, a missed
 * heartbeat, a close by the broker (shutdown, management, protocol error), a failed preparation. It gives up only when
 * it is closed, when the start runs out of time or meets a fault of TLS, or when the broker refuses credentials that it
 * has never accepted.
 */
export class ManagedConnection {
  readonly #role: ConnectionRole;
  readonly #options: ResolvedConnectionOptions;
  readonly #events: ManagedConnectionEvents;
  readonly #clock: Clock;
  readonly #attempts: ConnectionAttempts;
  #state: ConnectionState = { name: 'idle' };
  /** Somebody wants it up: losing it starts attempts by itself. */
  #wanted = false;
  #everConnected = false;
  #failed = NO_FAILED_ROUNDS;
  /** Since when there is no connection although attempts are made. */
  #awaySince: number | undefined;
  #losses = NO_LOSSES;
  /** Rounds in a row that ended because the credentials were refused. */
  #refusals = 0;
  #lastError: Error | undefined;
  readonly #waiters = new Waiters<Link>();
  /** They wait for the round behind a pause that spares the broker, whatever it comes to. */
  readonly #queued = new Waiters<Link>();

  constructor(role: ConnectionRole, options: ResolvedConnectionOptions, events: ManagedConnectionEvents, clock: Clock) {
    this.#role = role;
    this.#options = options;
    this.#events = events;
    this.#clock = clock;
    const attemptEvents = {
      starting: () => !this.#everConnected,
      prepare: (link: Link) => events.prepare(link, !this.#everConnected),
      hostFailed: (host: string, error: Error) => {
        this.#lastError = error;
        events.connectFailed(host, error, 0);
      },
      secretNotRenewed: events.secretNotRenewed,
      linkEvents: (link: () => Link) => this.#linkEvents(link),
    };
    const name = role === 'publish' ? `${options.name}.publisher` : options.name;
    this.#attempts = new ConnectionAttempts(options, name, attemptEvents, clock);
  }

  /** The connection, when there is one right now. */
  get link(): Link | undefined {
    return this.#state.name === 'connected' && !this.#state.link.ended ? this.#state.link : undefined;
  }

  /** Why it gave up, when it did. */
  get failure(): Error | undefined {
    return this.#state.name === 'failed' ? this.#state.error : undefined;
  }

  health(): ConnectionHealth {
    const link = this.link;
    return {
      role: this.#role,
      state: this.#state.name,
      blocked: link?.blocked ?? false,
      host: link?.host,
      lastError: this.#lastError,
    };
  }

  /** Begins to connect and keeps at it, without waiting. */
  ensure(): void {
    this.#wanted = true;
    if (this.#state.name === 'idle') this.#startRound();
  }

  /**
   * Resolves when connected; keeps trying within `startTimeout`, and after that if there was a connection before. Can be
   * called again after it failed.
   * @throws {LeveretError} LEV_CONNECTION_FAILED, LEV_AUTHENTICATION_REFUSED, or what the preparation threw
   */
  async open(): Promise<void> {
    if (this.#state.name === 'closed') throw closedError();
    if (this.link !== undefined) return;
    if (this.#state.name === 'failed') this.#transition({ name: 'idle' });
    const waiting = this.#waiters.add();
    this.ensure();
    await within(this.#clock, this.#options.startTimeoutMs, waiting.promise, () => {
      waiting.leave();
      throw this.#giveUpStart();
    });
  }

  /**
   * The connection; when there is none, one round of attempts is made now, whatever pause was planned. Two pauses are kept: a
   * broker that counts refused credentials might lock the user out, and one that drops what it accepts is spared, so that
   * round is waited for.
   * @throws {LeveretError} why that round failed, or that it took longer than `timeoutMs`
   */
  acquire(timeoutMs: number): Promise<Link> {
    const link = this.link;
    if (link !== undefined) return Promise.resolve(link);
    const refused = this.#refused;
    if (refused !== undefined) return Promise.reject(refused);
    if (this.#state.name === 'closed') return Promise.reject(closedError());
    const queued = this.#state.name === 'waiting' && this.#state.spared ? this.#queued.add() : undefined;
    if (queued === undefined && this.#state.name !== 'connecting') this.#startRound();
    const outcome = this.#state.name === 'connecting' ? this.#state.outcome : queued?.promise;
    if (outcome === undefined) return Promise.reject(closedError());
    return within(this.#clock, timeoutMs, outcome, () => {
      queued?.leave();
      throw new LeveretError('LEV_CONNECTION_FAILED', `No connection within ${timeoutMs} ms.`, {
        cause: this.#lastError,
      });
    });
  }

  /** Ends everything within `timeoutMs`. Never rejects; can be called twice. */
  async close(timeoutMs: number): Promise<void> {
    const state = this.#state;
    if (state.name === 'closed') return;
    this.#wanted = false;
    this.#transition({ name: 'closed' });
    if (state.name === 'waiting') state.cancel();
    if (state.name === 'connecting') state.abort.abort();
    this.#waiters.rejectAll(closedError());
    this.#queued.rejectAll(closedError());
    if (state.name === 'connected') await state.link.close(timeoutMs);
  }

  /** Why the broker would refuse another attempt now. */
  get #refused(): Error | undefined {
    if (this.#state.name === 'waiting') return this.#state.refused;
    return this.#state.name === 'failed' && isAuthenticationError(this.#state.error) ? this.#state.error : undefined;
  }

  #transition(state: ConnectionState): void {
    this.#state = state;
  }

  #startRound(answered?: HostTarget): void {
    if (this.#state.name === 'waiting') this.#state.cancel();
    if (answered !== undefined) this.#attempts.beginWith(answered);
    this.#awaySince ??= this.#clock.monotonic();
    const abort = new AbortController();
    const outcome = this.#attempts.round(abort.signal);
    this.#transition({ name: 'connecting', abort, outcome, early: answered !== undefined });
    outcome.then(
      (link) => {
        this.#roundSucceeded(abort, link);
        this.#queued.resolveAll(link);
      },
      (error: unknown) => {
        this.#roundFailed(abort, asError(error));
        this.#queued.rejectAll(asError(error));
      },
    );
  }

  #linkEvents(link: () => Link) {
    return {
      ended: (error: Error | undefined) => {
        if (this.#state.name === 'connected' && this.#state.link === link())
          this.#lost(this.#state.since, error, link());
      },
      blocked: (reason: string) => this.#events.blocked(reason),
      unblocked: () => this.#events.unblocked(),
    };
  }

  #roundSucceeded(abort: AbortController, link: Link): void {
    if (this.#state.name !== 'connecting' || this.#state.abort !== abort) {
      link.close(CLOSE_TIMEOUT_MS);
      return;
    }
    const again = this.#everConnected;
    this.#wanted = true;
    this.#everConnected = true;
    this.#forgetOutage();
    this.#transition({ name: 'connected', link, since: this.#clock.monotonic() });
    this.#events.connected(link, again);
    this.#waiters.resolveAll(link);
    // It may have ended in the same turn as the handshake, before the state said connected.
    if (link.ended && this.#isCurrent(link)) this.#lost(this.#clock.monotonic(), link.error, link);
  }

  #isCurrent(link: Link): boolean {
    return this.#state.name === 'connected' && this.#state.link === link;
  }

  #roundFailed(abort: AbortController, error: Error): void {
    if (this.#state.name !== 'connecting' || this.#state.abort !== abort) return;
    this.#lastError = error;
    const label = this.#attempts.lastHost;
    if (this.#isFatal(error)) {
      this.#events.connectFailed(label, error, Number.POSITIVE_INFINITY);
      this.#fail(error);
      return;
    }
    if (!this.#wanted) {
      this.#forgetOutage();
      this.#transition({ name: 'idle' });
      this.#events.connectFailed(label, error, Number.POSITIVE_INFINITY);
      this.#waiters.rejectAll(error);
      return;
    }
    this.#failed = countFailedRound(this.#failed, this.#state.early);
    const refused = this.#events.accepted() && isAuthenticationError(error) ? error : undefined;
    this.#refusals = refused === undefined ? 0 : this.#refusals + 1;
    const inMs = pauseAfterRound(this.#failed, this.#refusals, this.#options.reconnect);
    this.#waitFor(inMs, { doors: this.#attempts.unanswered, refused });
    this.#events.connectFailed(label, error, inMs);
  }

  #lost(since: number, error: Error | undefined, link: Link): void {
    this.#lastError = error ?? this.#lastError;
    const now = this.#clock.monotonic();
    const next = roundAfterLoss(this.#losses, { lastedMs: now - since, now }, this.#options.reconnect);
    this.#losses = next.losses;
    if (next.inMs === 0) this.#startRound();
    else this.#waitFor(next.inMs, { spared: true });
    this.#events.disconnected(error, link);
  }

  #waitFor(
    inMs: number,
    {
      doors = [],
      refused,
      spared = false,
    }: { readonly doors?: readonly HostTarget[]; readonly refused?: Error | undefined; readonly spared?: boolean },
  ): void {
    const since = this.#awaySince ?? this.#clock.monotonic();
    const pause = {
      inMs,
      doors,
      knockPauseMs: () => knockPauseMs(this.#clock.monotonic() - since, this.#failed.early, this.#options.reconnect),
    };
    const cancel = pauseBeforeRound(pause, this.#clock, tcpKnock(), (answered) => this.#startRound(answered));
    this.#transition({ name: 'waiting', cancel, refused, spared });
  }

  #forgetOutage(): void {
    this.#failed = NO_FAILED_ROUNDS;
    this.#refusals = 0;
    this.#awaySince = undefined;
  }

  #isFatal(error: Error): boolean {
    if (isAuthenticationError(error)) return this.#options.authenticationFailureFatal && !this.#events.accepted();
    return (isTopologyError(error) || isTlsError(error)) && !this.#everConnected;
  }

  #fail(error: Error): void {
    this.#wanted = false;
    this.#forgetOutage();
    this.#transition({ name: 'failed', error });
    this.#waiters.rejectAll(error);
    this.#events.failed(error);
  }

  #giveUpStart(): Error {
    const error = startTimeoutError(this.#options, this.#attempts.preparing, this.#lastError);
    const state = this.#state;
    // Others use it, and wait for its return: only this call has run out of time.
    if (this.#everConnected) return error;
    if (state.name === 'waiting') state.cancel();
    if (state.name === 'connecting') state.abort.abort();
    if (state.name === 'waiting' || state.name === 'connecting') this.#fail(error);
    return error;
  }
}

function closedError(): LeveretError {
  return new LeveretError('LEV_INVALID_STATE', 'The transport is closed; make a new one.');
}
