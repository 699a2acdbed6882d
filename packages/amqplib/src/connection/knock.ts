import type { LookupAddress } from 'node:dns';
import { connect, type LookupFunction } from 'node:net';

/** Where to knock. */
export interface Door {
  readonly hostname: string;
  readonly port: number;
}

/** Finds out whether anybody is at a door. Never rejects. */
export type Knock = (door: Door, signal: AbortSignal) => Promise<boolean>;

// Proxies and port forwards accept at once and hang up when they find nobody behind them.
const HOLD_MS = 20;
const KNOCK_TIMEOUT_MS = 1000;

/**
 * Knocks: a TCP connection without a byte. Resolves to `true` when it was accepted and is still open `holdMs` later, and to
 * `false` when not, after 1 s, or when the signal fires. A broker that listens notes it at its debug level only; a
 * handshake that is broken off is an error to it, and RabbitMQ 4 makes others wait 5 s after some dozens of them.
 * Names are resolved once for all knocks of the result, for they come often.
 * @param holdMs how long the connection must stay open, in milliseconds
 */
export function tcpKnock(holdMs = HOLD_MS): Knock {
  const resolveOnce = rememberingLookup();
  return ({ hostname, port }, signal) =>
    new Promise((resolve) => {
      const socket = connect({ host: hostname, port, lookup: resolveOnce });
      const end = (answered: boolean) => {
        signal.removeEventListener('abort', onAbort);
        socket.destroy();
        resolve(answered);
      };
      // Not the option of connect(): Node keeps its listener on the signal after the socket is gone.
      const onAbort = () => end(false);
      signal.addEventListener('abort', onAbort);
      // A turn later: when this process was held up, the other side's end has come meanwhile and is read first.
      socket.setTimeout(KNOCK_TIMEOUT_MS, () => setImmediate(() => end(!socket.connecting)));
      socket.once('connect', () => socket.setTimeout(holdMs));
      socket.on('error', () => end(false));
      socket.once('end', () => end(false));
      socket.once('close', () => end(false));
      // Else the end of the stream would not be seen.
      socket.resume();
      socket.unref();
    });
}

function rememberingLookup(): LookupFunction {
  const known = new Map<string, readonly LookupAddress[]>();
  return (hostname, options, callback) => {
    const answer = (addresses: readonly LookupAddress[]) => {
      const [first] = addresses;
      if (options.all === true) callback(null, [...addresses]);
      else callback(null, first?.address ?? '', first?.family);
    };
    const remembered = known.get(hostname);
    if (remembered !== undefined) return answer(remembered);
    // Imported here, for it costs 2 ms, and a process whose broker is there never knocks.
    void import('node:dns').then(({ lookup }) =>
      lookup(hostname, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return callback(error, []);
        known.set(hostname, addresses);
        answer(addresses);
      }),
    );
  };
}
