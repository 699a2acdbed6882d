import { LeveretError } from '@leveret/core';
import { errorText } from '../errors/broker-reply.js';
import type { ResolvedConnectionOptions } from './connection-options.js';

/**
 * Says that a start ran out of time, and why as far as that is known.
 * @param preparing the host that accepted a connection and has not answered every declaration
 */
export function startTimeoutError(
  { hosts, startTimeoutMs }: Pick<ResolvedConnectionOptions, 'hosts' | 'startTimeoutMs'>,
  preparing: string | undefined,
  lastError: Error | undefined,
): LeveretError {
  const names = hosts.map(({ label }) => label).join(', ');
  const last = lastError === undefined ? 'no attempt has ended yet' : errorText(lastError);
  const now =
    preparing === undefined ? `Last: ${last}` : `${preparing} accepted it, and has not answered every declaration`;
  return new LeveretError(
    'LEV_CONNECTION_FAILED',
    `No connection to ${names} within ${startTimeoutMs} ms (startTimeout). ${now}`,
    { cause: lastError },
  );
}
