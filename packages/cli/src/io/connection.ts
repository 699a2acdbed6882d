import { readFileSync } from 'node:fs';
import { OperationsSession } from '@leveret/operations';
import type { Io } from './io.js';

/** Options that every command has. */
export interface GlobalOptions {
  readonly amqp?: readonly string[];
  readonly management?: string | false;
  readonly cacert?: string;
  readonly json?: boolean;
}

/**
 * Connects as the options say, else as `AMQP_URL` and `MANAGEMENT_URL` do.
 * @throws {LeveretError} LEV_CONNECTION_FAILED, LEV_AUTHENTICATION_REFUSED
 */
export function connect(options: GlobalOptions, { env }: Pick<Io, 'env'>): Promise<OperationsSession> {
  return OperationsSession.connect(connectionOf(options, env));
}

export function connectionOf({ amqp, management, cacert }: GlobalOptions, env: Io['env']) {
  const urls = amqp ?? env['AMQP_URL'] ?? 'amqp://localhost';
  const url = management ?? (env['MANAGEMENT_URL'] || undefined);
  const tls = cacert === undefined ? {} : { tls: { ca: readFileSync(cacert) } };
  return {
    connection: { urls, ...tls },
    ...(url === undefined ? {} : { management: url === false ? (false as const) : { url } }),
  };
}
