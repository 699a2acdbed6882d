import {
  AlikeLines,
  type Clock,
  type ConnectionEvent,
  type ConnectionRole,
  errorText,
  LeveretError,
  type LogFields,
  type Logger,
  type LogLevel,
} from '@leveret/core';

/** Both connections to a node that goes away end within this time. */
const TOGETHER_MS = 1_000;

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
  readonly #failures: AlikeLines;
  /** Until then both connections are opened for the first time, and what is said of one is true of both. */
  #stood = false;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
    this.#failures = new AlikeLines(clock);
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
        this.#failed({ level, fields, text }, event.error);
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
    this.#stood = true;
    this.#away.delete(role);
    if (this.#away.size > 0) {
      this.#logger.debug(fields, text);
      return;
    }
    const both = this.#wereAway.size > 1 ? { connection: [...this.#wereAway].sort().join(', ') } : {};
    this.#wereAway.clear();
    this.#failures.forget();
    this.#logger[level]({ ...fields, ...both }, text);
  }

  #failed({ level, fields, text }: Line, error: Error): void {
    const decision = this.#failures.decide(`${level} ${LeveretError.is(error) ? error.code : ''}`);
    if (!decision.say) {
      this.#logger.debug(fields, text);
      return;
    }
    const { connection, reason, ...rest } = fields;
    const which = this.#stood ? { connection } : {};
    const unsaid = decision.unsaid === 0 ? {} : { moreAlike: decision.unsaid };
    this.#logger[level]({ ...which, ...rest, ...unsaid, reason }, text);
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
      const fields = { connection: event.role, reason: event.error && errorText(event.error) };
      return { level: 'warn', fields, text: 'connection lost; reconnecting' };
    }
    case 'connect-failed': {
      const { role, host, error, retryInMs } = event;
      // An attempt that will not be followed by another ends the start, or is asked for again.
      const next = Number.isFinite(retryInMs) ? { retryInMs: Math.round(retryInMs) } : {};
      // Its text says all: stacks of failed attempts are the same code each time.
      const fields = { connection: role, host, ...next, reason: errorText(error) };
      // Nobody but a person can mend it, and until then nothing is consumed or published.
      const refused = LeveretError.is(error) && error.code === 'LEV_AUTHENTICATION_REFUSED';
      if (refused) return { level: 'error', fields, text: 'the broker refuses the credentials' };
      // Nobody tries again by itself: whoever asked for the connection is told why there is none.
      return { level: Number.isFinite(retryInMs) ? 'warn' : 'debug', fields, text: 'could not connect' };
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
      const fields = { connection: event.role, reason: errorText(event.error) };
      return { level: event.fatal ? 'error' : 'warn', fields, text: 'declaration refused' };
    }
    case 'notice':
      return { level: event.level ?? 'info', fields: {}, text: event.text };
    default:
      return event satisfies never;
  }
}
