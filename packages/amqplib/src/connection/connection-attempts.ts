import { type Clock, LeveretError } from '@leveret/core';
import { asError } from '../errors/broker-reply.js';
import {
  connectFault,
  connectionError,
  isAuthenticationError,
  isNobodyHome,
  isTlsError,
  isTopologyError,
  isVhostRefusalBelieved,
} from '../errors/connection-error.js';
import type { ResolvedConnectionOptions } from './connection-options.js';
import type { HostTarget } from './host-target.js';
import { keepSecretFresh } from './keep-secret-fresh.js';
import { Link, type LinkEvents } from './link.js';
import { askForLogin, type Login } from './login.js';
import { hostsOfRound } from './next-round.js';
import { openAmqp } from './open-amqp.js';

/** What a round of attempts asks of its owner. */
export interface AttemptEvents {
  /** Whether there has been no connection yet. */
  starting(): boolean;
  /** Prepares a new connection before anybody uses it; what it throws makes the attempt fail. */
  prepare(link: Link): Promise<void>;
  /** One host failed, and the next is tried at once. */
  hostFailed(host: string, error: Error): void;
  /** A living connection did not get another secret before the old one expires. */
  secretNotRenewed(error: Error, retryInMs: number): void;
  /** What happens to the connection later. */
  linkEvents(link: () => Link): LinkEvents;
}

const CLOSE_TIMEOUT_MS = 1000;

/** Tries the hosts of a connection in turn, and remembers where the last round ended. */
export class ConnectionAttempts {
  readonly #options: ResolvedConnectionOptions;
  readonly #name: string;
  readonly #events: AttemptEvents;
  readonly #clock: Clock;
  #next = 0;
  #vhostRefusals = 0;
  #lastHost = '';
  #preparing: string | undefined;
  readonly #unanswered = new Set<HostTarget>();

  constructor(options: ResolvedConnectionOptions, name: string, events: AttemptEvents, clock: Clock) {
    this.#options = options;
    this.#name = name;
    this.#events = events;
    this.#clock = clock;
  }

  /** The host tried last, for people. */
  get lastHost(): string {
    return this.#lastHost;
  }

  /** The host that has accepted a connection which is being prepared now. */
  get preparing(): string | undefined {
    return this.#preparing;
  }

  /** The hosts of the last round at which nobody was home. */
  get unanswered(): readonly HostTarget[] {
    return [...this.#unanswered];
  }

  /** The next round begins with this host. */
  beginWith(host: HostTarget): void {
    this.#next = this.#options.hosts.indexOf(host);
  }

  /**
   * Tries each host once; the first that answers and can be prepared wins.
   * @throws {Error} of the last host; a refusal of the credentials or a failed TLS handshake comes first, and a refused declaration ends
   * the round
   */
  async round(signal: AbortSignal): Promise<Link> {
    const hosts = hostsOfRound(this.#options.hosts, this.#next);
    this.#unanswered.clear();
    let refused: Error | undefined;
    let last: Error | undefined;
    for (const [index, host] of hosts.entries()) {
      this.#next = (this.#next + 1) % hosts.length;
      this.#lastHost = host.label;
      try {
        return await this.#try(host, signal);
      } catch (caught) {
        last = asError(caught);
        if (signal.aborted || isTopologyError(last)) throw last;
        if (isAuthenticationError(last) || isTlsError(last)) refused = last;
        if (index < hosts.length - 1) this.#events.hostFailed(host.label, last);
      }
    }
    throw refused ?? last;
  }

  async #try(host: HostTarget, signal: AbortSignal): Promise<Link> {
    let link: Link;
    let as: HostTarget = host;
    let login: Login | undefined;
    try {
      login = await this.#login(signal);
      as = { ...host, ...login };
      const model = await openAmqp(as, this.#options, this.#name, signal, this.#clock);
      const events = this.#events.linkEvents(() => link);
      link = new Link(model, host.label, events, this.#clock);
    } catch (error) {
      if (isNobodyHome(error)) this.#unanswered.add(host);
      throw this.#judge(error, as);
    }
    this.#vhostRefusals = 0;
    await this.#prepare(link, signal);
    keepSecretFresh({
      link,
      expiresAt: login?.expiresAt,
      ask: (ended) => this.#login(ended) as Promise<Login>,
      clock: this.#clock,
      timeoutMs: this.#options.connectionTimeoutMs,
      notRenewed: (error, retryInMs) => this.#events.secretNotRenewed(error, retryInMs),
    });
    if (link.ended)
      throw connectionError(link.error ?? new Error('the connection ended at once'), host, this.#options.mechanism);
    return link;
  }

  /** `undefined`: as the host says. */
  async #login(signal: AbortSignal): Promise<Login | undefined> {
    const { credentials, connectionTimeoutMs } = this.#options;
    if (credentials === undefined) return undefined;
    return askForLogin(credentials, { clock: this.#clock, timeoutMs: connectionTimeoutMs, signal });
  }

  async #prepare(link: Link, signal: AbortSignal): Promise<void> {
    const giveUp = () => link.destroy(undefined);
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    this.#preparing = link.host;
    try {
      await this.#events.prepare(link);
    } catch (error) {
      link.close(CLOSE_TIMEOUT_MS);
      throw error;
    } finally {
      this.#preparing = undefined;
      signal.removeEventListener('abort', giveUp);
    }
  }

  #judge(error: unknown, host: HostTarget): Error {
    if (LeveretError.is(error)) return error;
    const fault = connectFault(error);
    this.#vhostRefusals = fault === 'vhost' ? this.#vhostRefusals + 1 : 0;
    const judged = connectionError(error, host, this.#options.mechanism, this.#events.starting());
    const hosts = this.#options.hosts.length;
    const believed = isVhostRefusalBelieved(this.#vhostRefusals, hosts, this.#events.starting());
    if (fault === 'vhost' && !believed) {
      return new LeveretError('LEV_CONNECTION_FAILED', judged.message, { cause: error });
    }
    return judged;
  }
}
