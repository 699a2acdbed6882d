import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '@leveret/core';
import type { Role } from '../contract/contract.js';

/** Who is logged in. */
export interface ConsoleUser {
  readonly role: Role;
  /** For the audit log. */
  readonly who: string;
}

/** A login that holds for a while. */
export interface ConsoleSession extends ConsoleUser {
  /** What comes back with every request that changes something. */
  readonly csrf: string;
  /** Milliseconds since the epoch, for people. */
  readonly expiresAt: number;
}

interface Held {
  readonly session: ConsoleSession;
  /** By the monotonic hand. */
  readonly until: number;
}

const MOST_SESSIONS = 1000;

/** The sessions of this process. They end with it, with their time, or with a logout. */
export class Sessions {
  readonly #clock: Clock;
  readonly #lifeMs: number;
  /** By a digest of what the cookie holds: a dump of this process logs nobody in. */
  readonly #held = new Map<string, Held>();

  constructor(clock: Clock, lifeMs: number) {
    this.#clock = clock;
    this.#lifeMs = lifeMs;
  }

  /** Begins a session. Answers what the cookie is to hold. */
  begin(user: ConsoleUser): { readonly id: string; readonly session: ConsoleSession } {
    const id = randomBytes(32).toString('base64url');
    const csrf = randomBytes(32).toString('base64url');
    const beganAt = this.#clock.now();
    const session = { ...user, csrf, expiresAt: beganAt + this.#lifeMs };
    this.#forgetOver();
    const [oldest] = this.#held.keys();
    if (this.#held.size >= MOST_SESSIONS && oldest !== undefined) this.#held.delete(oldest);
    this.#held.set(digest(id), { session, until: this.#clock.monotonic() + this.#lifeMs });
    return { id, session };
  }

  /** The session that a cookie names, while it lasts. */
  get(id: string | undefined): ConsoleSession | undefined {
    if (id === undefined) return undefined;
    const held = this.#held.get(digest(id));
    return held !== undefined && held.until > this.#clock.monotonic() ? held.session : undefined;
  }

  end(id: string): void {
    this.#held.delete(digest(id));
  }

  #forgetOver(): void {
    const now = this.#clock.monotonic();
    for (const [key, { until }] of this.#held) if (until <= now) this.#held.delete(key);
  }
}

function digest(id: string): string {
  return createHash('sha256').update(id).digest('base64');
}
