import {
  type Clock,
  type ConnectionEvent,
  type ConnectionRole,
  LeveretError,
  type LogFields,
  type Logger,
  type LogLevel,
} from '@leveret/core';

/** Both connections to a node that goes away end within this time. */
const TOGETHER_MS = 1_000;

/** Lines that are alike, while a connection is away: the second comes after so long, the next after four times that, and so on. */
const ALIKE_MS = 5_000;
const ALIKE_AT_MOST_MS = 600_000;

interface Alike {
  readonly next: number;
  readonly distanceMs: number;
  readonly unsaid: number;
}

/**
 * Writes what happens to connections: one line for each change, and lines that repeat at growing distances. What is not worth
 * a line of its own goes to `debug`.
 */
export class ConnectionLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** Connections that are away. */
  readonly #away = new Set<ConnectionRole>();
  /** Those that were, since all of them stood. */
  readonly #wereAway = new Set<ConnectionRole>();
  #lostAt = Number.NEGATIVE_INFINITY;
  /** What was said of failed attempts since then. */
  readonly #said = new Map<string, Alike>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  tell(event: ConnectionEvent): void {
    const { level, fields, text } = lineOf(event);
    const now = this.#clock.monotonic();
    switch (event.type) {
      case 'connected':
        this.#connected(event, { level, fields, text });
        return;
      case 'disconnected': {
        const isTogether = this.#away.size > 0 && now - this.#lostAt <= TOGETHER_MS;
        this.#isAway(event.role);
        this.#lostAt = now;
        this.#logger[isTogether ? 'debug' : level](fields, text);
        return;
      }
      case 'connect-failed':
        this.#isAway(event.role);
        this.#failed(now, { level, fields, text }, event.error);
        return;
      default:
        this.#logger[level](fields, text);
    }
  }

  #isAway(role: ConnectionRole): void {
    this.#away.add(role);
    this.#wereAway.add(role);
  }

  /** Coming back is told once, when all are back. */
  #connected({ role }: { readonly role: ConnectionRole }, { level, fields, text }: Line): void {
    this.#away.delete(role);
    if (this.#away.size > 0) {
      this.#logger.debug(fields, text);
      return;
    }
    const both = this.#wereAway.size > 1 ? { connection: [...this.#wereAway].sort().join(', ') } : {};
    this.#wereAway.clear();
    this.#said.clear();
    this.#logger[level]({ ...fields, ...both }, text);
  }

  #failed(now: number, { level, fields, text }: Line, error: Error): void {
    const kind = `${level} ${LeveretError.is(error) ? error.code : ''}`;
    const alike = this.#said.get(kind);
    if (alike !== undefined && now < alike.next) {
      this.#said.set(kind, { ...alike, unsaid: alike.unsaid + 1 });
      this.#logger.debug(fields, text);
      return;
    }
    const distanceMs = alike === undefined ? ALIKE_MS : Math.min(4 * alike.distanceMs, ALIKE_AT_MOST_MS);
    this.#said.set(kind, { next: now + distanceMs, distanceMs, unsaid: 0 });
    const unsaid = alike === undefined || alike.unsaid === 0 ? {} : { moreAlike: alike.unsaid };
    this.#logger[level]({ ...fields, ...unsaid }, text);
  }
}

interface Line {
  readonly level: LogLevel & keyof Logger;
  readonly fields: LogFields;
  readonly text: string;
}

function lineOf(event: ConnectionEvent): Line {
  switch (event.type) {
    case 'connected': {
      const { role, host, broker, again } = event;
      const fields = { connection: role, host, broker: `${broker.product} ${broker.version}` };
      return { level: 'info', fields, text: again ? 'connected again' : 'connected' };
    }
    case 'disconnected': {
      const fields = { connection: event.role, err: event.error };
      return { level: 'warn', fields, text: 'connection lost; reconnecting' };
    }
    case 'connect-failed': {
      const { role, host, error, retryInMs } = event;
      const fields = { connection: role, host, retryInMs, err: error };
      // Nobody but a person can mend it, and until then nothing is consumed or published.
      const refused = LeveretError.is(error) && error.code === 'LEV_AUTHENTICATION_REFUSED';
      if (refused) return { level: 'error', fields, text: 'the broker refuses the credentials' };
      return { level: 'warn', fields, text: 'could not connect' };
    }
    case 'secret-not-renewed': {
      const { role, error, retryInMs } = event;
      const fields = { connection: role, retryInMs, err: error };
      return { level: 'error', fields, text: 'the secret of a connection was not renewed before it expires' };
    }
    case 'blocked': {
      const { role, reason } = event;
      return { level: 'warn', fields: { connection: role, reason }, text: 'the broker blocks publishing' };
    }
    case 'unblocked':
      return { level: 'info', fields: { connection: event.role }, text: 'publishing is no longer blocked' };
    case 'queue-suspected': {
      const fields = { queue: event.queue, err: event.error };
      const text =
        'its consumers ended the connection of all listeners twice; the queue has a connection of its own now';
      return { level: 'error', fields, text };
    }
    case 'declare-failed': {
      const fields = { connection: event.role, err: event.error };
      return { level: event.fatal ? 'error' : 'warn', fields, text: 'declaration refused' };
    }
    case 'notice':
      return { level: event.level ?? 'info', fields: {}, text: event.text };
    default:
      return event satisfies never;
  }
}
