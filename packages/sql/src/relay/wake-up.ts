import {
  backoffDelayMs,
  type Clock,
  consoleLogger,
  type Logger,
  logSafely,
  pause,
  systemClock,
  within,
} from '@leveret/core';
import { databaseBusy } from '../database/sql-fault.js';
import { OUTBOX_CHANNEL } from '../outbox/outbox.js';

/** Tells a relay that there may be something to publish. A wake-up that is missed only costs time: relays poll as well. */
export interface WakeUp {
  /** @param logger of the relay */
  start(onWake: () => void, logger?: Logger): void;
  /** Resolves when nothing of it is left. Never rejects. */
  stop(): Promise<void>;
}

/** What is needed of a `Client` of `pg` that nobody else uses. */
export interface ListeningClient {
  connect(): Promise<unknown>;
  query(text: string): Promise<unknown>;
  end(): Promise<unknown>;
  /** Lets the process end although the server does not close its side. */
  unref?(): unknown;
  on(event: 'notification' | 'error' | 'end', listener: () => void): unknown;
}

/** How long the database may take to connect and to answer LISTEN. */
const LISTEN_WITHIN_MS = 30_000;
/** Waits before another try to connect. */
const RECONNECT = { initialIntervalMs: 500, multiplier: 2, maxIntervalMs: 30_000, jitter: 0.3 };

/**
 * Listens on PostgreSQL: a message is published a few milliseconds after its transaction commits, instead of at the next
 * poll. Takes one connection, and makes another when it is lost.
 *
 * ```ts
 * new OutboxRelay(database, publisher, { wakeUp: postgresWakeUp(() => new pg.Client(settings)) })
 * ```
 * Not through a pooler that changes connections between transactions: those forget `LISTEN`.
 */
export function postgresWakeUp(
  newClient: () => ListeningClient,
  options: { readonly clock?: Clock; readonly logger?: Logger } = {},
): WakeUp {
  const { clock = systemClock } = options;
  let logger = options.logger ?? consoleLogger();
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const listen = async (onWake: () => void, onListening: () => void): Promise<void> => {
    const client = newClient();
    const lost = new Promise<void>((resolve) => {
      client.on('error', resolve);
      client.on('end', resolve);
    });
    client.on('notification', onWake);
    const connecting = async () => {
      await client.connect();
      await client.query(`LISTEN ${OUTBOX_CHANNEL}`);
    };
    let stop: () => void = () => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    stopping.signal.addEventListener('abort', stop, { once: true });
    try {
      // A server that takes the connection and says nothing holds up neither a stop nor the next try.
      const asked = Promise.race([connecting(), stopped]);
      await within(clock, LISTEN_WITHIN_MS, asked, (): never => {
        throw databaseBusy(`The database did not let the relay listen within ${LISTEN_WITHIN_MS} ms.`);
      });
      if (stopping.signal.aborted) return;
      onListening();
      // What was committed before is not announced again.
      onWake();
      await Promise.race([lost, stopped]);
    } finally {
      stopping.signal.removeEventListener('abort', stop);
      void client.end().catch(() => {});
      client.unref?.();
    }
  };

  const run = async (onWake: () => void): Promise<void> => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      try {
        await listen(onWake, () => {
          failures = 0;
        });
      } catch (err) {
        logSafely(logger, 'warn', { err }, 'the outbox cannot listen, and polls');
      }
      failures++;
      await pause(clock, backoffDelayMs(RECONNECT, failures), stopping.signal);
    }
  };

  return {
    start: (onWake, ofRelay) => {
      logger = options.logger ?? ofRelay ?? logger;
      running = run(onWake);
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
