import { type Clock, LeveretError } from '@leveret/core';
import { type ChannelModel, connect, credentials, type SocketOptions } from 'amqplib';
import type { ResolvedConnectionOptions } from './connection-options.js';
import type { HostTarget } from './host-target.js';

/**
 * Opens one connection to one host. The whole way is bounded, TCP, TLS and AMQP handshake together: amqplib's own timeout
 * starts again with every packet.
 * @param signal gives up at once and destroys the socket
 */
export function openAmqp(
  host: HostTarget,
  options: ResolvedConnectionOptions,
  connectionName: string,
  signal: AbortSignal,
  clock: Clock,
): Promise<ChannelModel> {
  return new Promise((resolve, reject) => {
    // Node destroys the socket when this fires; amqplib offers no other way to end a handshake.
    const socketAbort = new AbortController();
    let settled = false;
    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
      return true;
    };
    const fail = (error: unknown): void => {
      if (!settle()) return;
      socketAbort.abort();
      reject(error);
    };
    const onAbort = () =>
      fail(new LeveretError('LEV_CONNECTION_FAILED', 'The attempt was given up: the connection is being closed.'));
    const cancelTimer = clock.after(
      options.connectionTimeoutMs,
      () => fail(new Error(`no complete AMQP handshake within ${options.connectionTimeoutMs} ms (connectionTimeout)`)),
      true,
    );
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });

    connect(connectTarget(host, options), socketOptions(host, options, connectionName, socketAbort.signal)).then(
      (model) => {
        if (settle()) resolve(model);
        else model.on('error', () => {});
      },
      fail,
    );
  });
}

function connectTarget(host: HostTarget, options: ResolvedConnectionOptions) {
  return {
    protocol: host.tls ? 'amqps' : 'amqp',
    hostname: host.hostname,
    port: host.port,
    // amqplib decodes it once more
    vhost: encodeURIComponent(host.vhost),
    heartbeat: options.heartbeatSeconds,
    frameMax: options.frameMax,
    channelMax: options.channelMax,
  };
}

function socketOptions(
  host: HostTarget,
  options: ResolvedConnectionOptions,
  connectionName: string,
  signal: AbortSignal,
): SocketOptions & { readonly signal: AbortSignal } {
  return {
    ...(host.tls ? options.tls : {}),
    // Bounded above: this one would start again with every packet.
    timeout: 0,
    noDelay: options.noDelay,
    keepAlive: options.keepAlive,
    keepAliveDelay: options.keepAliveDelayMs,
    credentials: saslCredentials(host, options),
    clientProperties: { ...options.clientProperties, connection_name: connectionName },
    signal,
  };
}

function saslCredentials(host: HostTarget, options: ResolvedConnectionOptions) {
  switch (options.mechanism) {
    case 'PLAIN':
      return credentials.plain(host.username, host.password);
    case 'AMQPLAIN':
      return credentials.amqplain(host.username, host.password);
    case 'EXTERNAL':
      return credentials.external();
  }
}
