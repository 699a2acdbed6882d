import type { Clock } from '@leveret/core';
import { asError } from '../errors/broker-reply.js';
import type { Link } from './link.js';
import type { Login } from './login.js';

/** What keeping the secret of a connection fresh needs. */
export interface SecretRenewal {
  readonly link: Pick<Link, 'onEnd' | 'updateSecret'>;
  /** When the secret that the connection was opened with ends; `undefined` = never. */
  readonly expiresAt: number | undefined;
  readonly ask: (signal: AbortSignal) => Promise<Login>;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly notRenewed: (error: Error, retryInMs: number) => void;
}

// The first try leaves time for others.
const RENEW_AFTER = 0.75;
const SHORTEST_PAUSE_MS = 250;
const EXPIRED_PAUSE_MS = 30_000;

/** The pause before the next try to renew what is good for another `leftMs`. */
export function renewalPauseMs(leftMs: number): number {
  return leftMs <= 0 ? EXPIRED_PAUSE_MS : Math.max(leftMs * RENEW_AFTER, SHORTEST_PAUSE_MS);
}

/**
 * Gives a connection a new secret before the old one expires, until the connection ends. A try that fails is repeated, ever
 * sooner; what the broker does at the expiry is its own business, and a new connection asks for a new secret anyway.
 */
export function keepSecretFresh({ link, expiresAt, ask, clock, timeoutMs, notRenewed }: SecretRenewal): void {
  if (expiresAt === undefined) return;
  const ended = new AbortController();
  let cancel = () => {};
  let expiry = expiresAt;
  const renewLater = (): number => {
    const pauseMs = renewalPauseMs(expiry - clock.monotonic());
    cancel = clock.after(pauseMs, () => void renew());
    return pauseMs;
  };
  const renew = async (): Promise<void> => {
    try {
      const login = await ask(ended.signal);
      await link.updateSecret(login.password, timeoutMs);
      if (ended.signal.aborted || login.expiresAt === undefined) return;
      expiry = login.expiresAt;
      renewLater();
    } catch (error) {
      if (!ended.signal.aborted) notRenewed(asError(error), renewLater());
    }
  };
  renewLater();
  link.onEnd(() => {
    ended.abort();
    cancel();
  });
}
