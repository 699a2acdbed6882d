import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import { type BackoffPolicy, checkDuration, type Duration, describeValue, Problems } from '@leveret/core';
import type { Mechanism } from '../errors/connection-error.js';
import { type HostTarget, hasUser, resolveHosts, shuffled } from './host-target.js';
import type { CredentialsSource } from './login.js';
import { checkTls, tlsWarnings } from './tls-options.js';

/**
 * How to reach the broker. Everything may be left out: then it is `amqp://guest:guest@localhost:5672/`.
 * @see https://www.rabbitmq.com/docs/connections
 */
export interface ConnectionOptions {
  /**
   * One URL or several: `amqp://user:password@host:port/vhost`, or `amqps://` for TLS. With several, hosts are tried in
   * turn, without a pause within a round. Default `amqp://localhost`. Query parameters are refused: use the options.
   */
  readonly urls?: string | readonly string[];
  /** Instead of the user in the URLs. Default: the URL's, else `guest`. */
  readonly username?: string;
  /** Instead of the password in the URLs. Default: the URL's, else `guest`. */
  readonly password?: string;
  /**
   * User and password, asked for before each attempt to connect: for passwords that are changed while the application runs,
   * and for tokens that expire. One answer is waited for as long as `connectionTimeout`; when the function fails, so does
   * the attempt. Neither `username` and `password` nor a user in the URLs may be given as well.
   */
  readonly credentials?: CredentialsSource;
  /** Instead of the virtual host in the URLs. Default: the URL's path, else `/`. */
  readonly vhost?: string;
  /** How to authenticate: `EXTERNAL` takes the user from the TLS certificate. Default `PLAIN`. */
  readonly mechanism?: Mechanism;
  /** Shown in the management UI; the publishing connection adds `.publisher`. Default `leveret:<process id>`. */
  readonly name?: string;
  /**
   * Interval of heartbeats; a dead peer is noticed after two to three of them. Whole seconds, `0` for none; the broker
   * may lower it. Default 10 s (RabbitMQ: 60 s), which is within RabbitMQ's advice of 5 to 20 s.
   */
  readonly heartbeat?: Duration;
  /** How long one attempt may take, from the first packet to the end of the AMQP handshake. Default 10 s. */
  readonly connectionTimeout?: Duration;
  /** How long the start keeps trying before it fails. After the start there is no limit. Default 30 s. */
  readonly startTimeout?: Duration;
  /** Largest frame in bytes, from 8192; the broker may lower it. Default 131072. */
  readonly frameMax?: number;
  /** Most channels on a connection, up to 65535; 0 leaves it to the broker, which is the default. */
  readonly channelMax?: number;
  /**
   * Try the hosts in a random order, drawn at the start, so that applications spread over a cluster. `false` keeps the order
   * given: every application prefers the first. None moves back when a host returns. Default `true`.
   */
  readonly shuffle?: boolean;
  /** The pauses between rounds of attempts. The first round comes at once. */
  readonly reconnect?: ReconnectOptions;
  /**
   * Credentials that are refused, or a mechanism that is not offered, end all attempts, until they have been accepted once;
   * after that they are tried again, with pauses that grow to 30 s. `false`: tried again at the start as well. Default `true`.
   */
  readonly authenticationFailureFatal?: boolean;
  /**
   * TLS options for `amqps://` URLs (with `amqp://` they are a fault), as for Node's `tls.connect`: `ca` (authority of the broker's certificate), `cert` and
   * `key` (when the broker asks for a certificate), `servername` (the name in the broker's certificate, when it is not the
   * host in the URL). Default: the authorities that Node knows, and the host in the URL.
   * @see https://www.rabbitmq.com/docs/ssl
   */
  readonly tls?: TlsConnectionOptions;
  /** Options of the TCP socket. */
  readonly socket?: SocketOptions;
  /** Further client properties, shown in the management UI. */
  readonly clientProperties?: Readonly<Record<string, unknown>>;
}

/**
 * The pauses between rounds of connection attempts: `min(initialInterval * multiplier^n, maxInterval)`, plus jitter. A
 * pause ends early when a host at which nobody listened begins to listen.
 */
export interface ReconnectOptions {
  /** Pause after the first failed round. Default 100 ms. */
  readonly initialInterval?: Duration;
  /** From 1. Default 2. */
  readonly multiplier?: number;
  /** Longest pause, without jitter. Default 1.5 s, so that a broker that comes back unheard is used within 2 s. */
  readonly maxInterval?: Duration;
  /** Share of the pause (0 to 1) added at random. Default 0.3. */
  readonly jitter?: number;
  /**
   * How often a host that refused the TCP connection, or dropped it before it spoke, is knocked at during a pause: a TCP
   * connection without a byte, which costs a broker nothing. When one is kept open, the next round begins at once. It
   * grows to a thousandth of the time without a connection, doubles with every round that was begun so and failed, and up
   * to half of it is added at random. `0` never knocks. Default 40 ms.
   */
  readonly knockInterval?: Duration;
}

/** Options of the TCP socket. */
export interface SocketOptions {
  /** Send small frames at once (TCP_NODELAY). Default `true`. */
  readonly noDelay?: boolean;
  /** TCP keep-alive probes. Default `true`. */
  readonly keepAlive?: boolean;
  /** Idle time before the first probe. Default 30 s. */
  readonly keepAliveDelay?: Duration;
}

/** {@link ConnectionOptions}, checked and complete. */
export interface ResolvedConnectionOptions {
  readonly hosts: readonly HostTarget[];
  readonly mechanism: Mechanism;
  readonly name: string;
  readonly heartbeatSeconds: number;
  readonly connectionTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly frameMax: number;
  readonly channelMax: number;
  readonly reconnect: ReconnectPolicy;
  readonly credentials: CredentialsSource | undefined;
  readonly authenticationFailureFatal: boolean;
  readonly tls: TlsConnectionOptions;
  /** What is allowed and unwise, to be told at the start. */
  readonly warnings: readonly string[];
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  readonly keepAliveDelayMs: number;
  readonly clientProperties: Readonly<Record<string, unknown>>;
}

/** {@link ReconnectOptions}, checked and complete. */
export interface ReconnectPolicy extends BackoffPolicy {
  readonly knockIntervalMs: number;
}

const KNOWN = new Set([
  'urls',
  'username',
  'password',
  'credentials',
  'vhost',
  'mechanism',
  'name',
  'heartbeat',
  'connectionTimeout',
  'startTimeout',
  'frameMax',
  'channelMax',
  'shuffle',
  'reconnect',
  'authenticationFailureFatal',
  'tls',
  'socket',
  'clientProperties',
]);
const KNOWN_RECONNECT = new Set(['initialInterval', 'multiplier', 'maxInterval', 'jitter', 'knockInterval']);
const KNOWN_SOCKET = new Set(['noDelay', 'keepAlive', 'keepAliveDelay']);

/**
 * Checks the options and fills in the defaults.
 * @param random where `shuffle` takes its order from: numbers from 0 (included) to 1 (excluded)
 * @throws {ConfigurationError} that lists every fault
 */
export function resolveConnectionOptions(
  options: ConnectionOptions = {},
  random: () => number = Math.random,
): ResolvedConnectionOptions {
  const problems = new Problems().at('connection');
  refuseUnknown(options, KNOWN, '', problems);
  const reconnect = options.reconnect ?? {};
  refuseUnknown(reconnect, KNOWN_RECONNECT, 'reconnect.', problems);
  const socket = options.socket ?? {};
  refuseUnknown(socket, KNOWN_SOCKET, 'socket.', problems);

  const hosts = resolveHosts(options, problems);
  const mechanism = checkMechanism(options.mechanism, problems);
  const encrypted = hosts.map((host) => host.tls);
  const tls = checkTls({ tls: options.tls, mechanism, encrypted }, problems);
  const duration = (value: Duration | undefined, name: string, fallback: number) =>
    value === undefined ? fallback : checkDuration(value, name, fallback, problems);
  const resolved: ResolvedConnectionOptions = {
    hosts: checkBoolean(options.shuffle, 'shuffle', true, problems) ? shuffled(hosts, random) : hosts,
    mechanism,
    name: checkText(options.name, 'name', `leveret:${process.pid}`, problems),
    heartbeatSeconds: checkHeartbeat(duration(options.heartbeat, 'heartbeat', 10_000), problems),
    connectionTimeoutMs: atLeast(
      1,
      duration(options.connectionTimeout, 'connectionTimeout', 10_000),
      'connectionTimeout',
      problems,
    ),
    startTimeoutMs: atLeast(1, duration(options.startTimeout, 'startTimeout', 30_000), 'startTimeout', problems),
    frameMax: checkInteger(options.frameMax, 'frameMax', 131_072, 8192, 2 ** 31 - 1, problems),
    channelMax: checkInteger(options.channelMax, 'channelMax', 0, 0, 65_535, problems),
    reconnect: {
      initialIntervalMs: atLeast(
        1,
        duration(reconnect.initialInterval, 'reconnect.initialInterval', 100),
        'reconnect.initialInterval',
        problems,
      ),
      multiplier: checkNumber(reconnect.multiplier, 'reconnect.multiplier', 2, 1, 1000, problems),
      maxIntervalMs: atLeast(
        1,
        duration(reconnect.maxInterval, 'reconnect.maxInterval', 1500),
        'reconnect.maxInterval',
        problems,
      ),
      jitter: checkNumber(reconnect.jitter, 'reconnect.jitter', 0.3, 0, 1, problems),
      knockIntervalMs: duration(reconnect.knockInterval, 'reconnect.knockInterval', 40),
    },
    credentials: checkCredentials(options, problems),
    authenticationFailureFatal: checkBoolean(
      options.authenticationFailureFatal,
      'authenticationFailureFatal',
      true,
      problems,
    ),
    tls,
    warnings: tlsWarnings(
      tls,
      hosts.some((host) => host.tls),
    ),
    noDelay: checkBoolean(socket.noDelay, 'socket.noDelay', true, problems),
    keepAlive: checkBoolean(socket.keepAlive, 'socket.keepAlive', true, problems),
    keepAliveDelayMs: duration(socket.keepAliveDelay, 'socket.keepAliveDelay', 30_000),
    clientProperties: options.clientProperties ?? {},
  };
  problems.throwIfAny();
  return Object.freeze(resolved);
}

function refuseUnknown(options: object, known: ReadonlySet<string>, prefix: string, problems: Problems): void {
  for (const name of Object.keys(options)) {
    if (!known.has(name)) problems.add(`unknown option ${prefix}${name}; known are ${[...known].join(', ')}`);
  }
}

function checkMechanism(value: unknown, problems: Problems): ResolvedConnectionOptions['mechanism'] {
  if (value === undefined) return 'PLAIN';
  if (value === 'PLAIN' || value === 'AMQPLAIN' || value === 'EXTERNAL') return value;
  problems.add(`mechanism must be 'PLAIN', 'AMQPLAIN' or 'EXTERNAL'; got ${describeValue(value)}`);
  return 'PLAIN';
}

function checkCredentials(options: ConnectionOptions, problems: Problems): CredentialsSource | undefined {
  const { credentials, username, password, mechanism } = options;
  if (credentials === undefined) return undefined;
  if (typeof credentials !== 'function') {
    problems.add(
      `credentials must be a function that answers { username, password }; got ${describeValue(credentials)}`,
    );
    return undefined;
  }
  if (username !== undefined || password !== undefined) {
    problems.add('credentials and username or password are given; which of them counts? Leave one out');
  }
  if (hasUser(options.urls)) problems.add('credentials and a user in urls are given; leave the user out of the URLs');
  if (mechanism === 'EXTERNAL') problems.add('credentials are of no use with the mechanism EXTERNAL; leave them out');
  return credentials;
}

function checkHeartbeat(ms: number, problems: Problems): number {
  if (ms % 1000 !== 0 || ms > 65_535_000) {
    problems.add(`heartbeat must be whole seconds from 0 to 65535, such as '10s'; got ${ms} ms`);
  }
  return Math.ceil(ms / 1000);
}

function checkText(value: unknown, name: string, fallback: string, problems: Problems): string {
  if (value === undefined) return fallback;
  if (typeof value === 'string' && value !== '') return value;
  problems.add(`${name} must be a text that is not empty; got ${describeValue(value)}`);
  return fallback;
}

function checkBoolean(value: unknown, name: string, fallback: boolean, problems: Problems): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? fallback;
  problems.add(`${name} must be true or false; got ${describeValue(value)}`);
  return fallback;
}

function checkInteger(
  value: unknown,
  name: string,
  fallback: number,
  min: number,
  max: number,
  problems: Problems,
): number {
  if (value === undefined) return fallback;
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  problems.add(`${name} must be a whole number from ${min} to ${max}; got ${describeValue(value)}`);
  return fallback;
}

function checkNumber(
  value: unknown,
  name: string,
  fallback: number,
  min: number,
  max: number,
  problems: Problems,
): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= min && value <= max) return value;
  problems.add(`${name} must be a number from ${min} to ${max}; got ${describeValue(value)}`);
  return fallback;
}

function atLeast(min: number, ms: number, name: string, problems: Problems): number {
  if (ms >= min) return ms;
  problems.add(`${name} must be at least ${min} ms; got ${ms}`);
  return min;
}
