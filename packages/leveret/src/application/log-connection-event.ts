import { type ConnectionEvent, LeveretError, type LogFields, type Logger, type LogLevel } from '@leveret/core';

/** Writes what happens to connections, in one line each. */
export function logConnectionEvent(logger: Logger, event: ConnectionEvent): void {
  const { level, fields, text } = lineOf(event);
  logger[level](fields, text);
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
