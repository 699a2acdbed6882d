import { createServer, type Server } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { ConfigurationError, LeveretError, systemClock, within } from '@leveret/core';
import { type ConsoleHandler, consoleHandler } from './console-handler.js';
import type { ConsoleOptions } from './options/console-options.js';
import { type ConsoleTokens, makeToken } from './security/tokens.js';

/** Options of {@link startConsole}. */
export interface StartConsoleOptions extends Omit<ConsoleOptions, 'authorize' | 'path'> {
  /** Port to listen at; 0 takes a free one. Default 15673. */
  readonly port?: number;
  /** Address to listen at. Default `127.0.0.1`. */
  readonly host?: string;
  /** Said on purpose: others than this machine may reach it. Without it only addresses of the loopback are taken as `host`. */
  readonly reachableByOthers?: boolean;
}

/** A console that listens. */
export interface RunningConsole {
  /** Such as `http://127.0.0.1:15673/`. */
  readonly url: string;
  /** To log in with: those that were given, else one of the role `operate` that was made at this start. */
  readonly tokens: ConsoleTokens;
  /** As of the handler. */
  readonly staged: ConsoleHandler['staged'];
  /** Stops it. Never rejects. */
  close(): Promise<void>;
}

const PORT = 15_673;
const REQUEST_MS = 30_000;
const CLOSE_MS = 2000;

/**
 * Starts a console of its own, on this machine alone unless it is said otherwise.
 * @throws {ConfigurationError} for options that are none, LEV_OPERATION_REFUSED when it cannot listen
 */
export async function startConsole(options: StartConsoleOptions = {}): Promise<RunningConsole> {
  const { port = PORT, host = '127.0.0.1', reachableByOthers = false, ...rest } = options;
  if (!reachableByOthers && !isLoopback(host)) {
    throw new ConfigurationError([
      `console: host must be an address of the loopback, such as 127.0.0.1, unless reachableByOthers is true; got ${JSON.stringify(host)}`,
    ]);
  }
  const tokens = rest.tokens ?? { operate: makeToken() };
  const handler = consoleHandler({ ...rest, tokens });
  const server = createServer(handler);
  server.requestTimeout = REQUEST_MS;
  server.headersTimeout = REQUEST_MS / 2;
  await listen(server, port, host).catch(async (error: unknown) => {
    await handler.close();
    throw error;
  });
  const { address, family, port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}/`,
    tokens,
    staged: () => handler.staged(),
    async close() {
      await handler.close();
      server.closeIdleConnections();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await within(systemClock, CLOSE_MS, closed, () => server.closeAllConnections());
    },
  };
}

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the port is taken; choose another' : error.message;
      reject(
        new LeveretError('LEV_OPERATION_REFUSED', `The console cannot listen at ${host}:${port}: ${why}.`, {
          cause: error,
        }),
      );
    });
    server.listen(port, host, () => resolve());
  });
}
