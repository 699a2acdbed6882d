import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import {
  type BackoffPolicy,
  checkOptions,
  customOption,
  type Duration,
  describeValue,
  durationOption,
  flagOption,
  functionOption,
  groupOption,
  numberOption,
  type OptionsOf,
  Problems,
  readOptions,
  textOption,
  wholeNumberOption,
  wordOption,
} from '@leveret/core';
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
 * The pauses between rounds of connection attempts that fail: `min(initialInterval * multiplier^n, maxInterval)`, plus jitter. A
 * pause ends early when a host at which nobody listened begins to listen. When a connection is lost that was open, the first
 * round comes at once, up to ten times in a row and one time more each 350 ms (`initialInterval`, when that is longer); of
 * connections that end within 100 ms only the first, and then with the same growing pauses.
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

const TEXT = { type: 'string' };

/** The table of {@link ReconnectOptions}. */
export const RECONNECT_OPTIONS = {
  initialInterval: durationOption({ or: '100ms', text: 'pause after the first failed round' }),
  multiplier: numberOption({ from: 1, to: 1000, or: 2, text: 'growth from pause to pause' }),
  maxInterval: durationOption({ or: '1.5s', text: 'longest pause, without jitter' }),
  jitter: numberOption({ from: 0, to: 1, or: 0.3, text: 'up to this share of the pause is added at random' }),
  knockInterval: durationOption({
    or: '40ms',
    zero: true,
    text: 'how often a host that refused the TCP connection is knocked at during a pause; `0` never knocks',
  }),
} satisfies OptionsOf<ReconnectOptions>;

/** The table of {@link SocketOptions}. */
export const SOCKET_OPTIONS = {
  noDelay: flagOption({ or: true, text: 'send small frames at once (TCP_NODELAY)' }),
  keepAlive: flagOption({ or: true, text: 'TCP keep-alive probes' }),
  keepAliveDelay: durationOption({ or: '30s', zero: true, text: 'idle time before the first probe' }),
} satisfies OptionsOf<SocketOptions>;

/** The table of {@link ConnectionOptions}, in the order of the documentation. */
export const CONNECTION_OPTIONS = {
  urls: customOption<string | readonly string[]>({
    byDefault: '`amqp://localhost`',
    schema: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1 }] },
    text: 'one or several; `amqps://` for TLS, for all of them or for none; no query parameters',
  }),
  username: customOption<string>({ byDefault: 'from the URL, else `guest`', schema: TEXT, text: 'user' }),
  password: customOption<string>({ byDefault: 'from the URL, else `guest`', schema: TEXT, text: 'password' }),
  credentials: functionOption<CredentialsSource>({
    takes: 'that answers { username, password }',
    text: 'a function that is asked for `{ username, password, expiresIn }` before each attempt, in place of the user in the URL: for passwords that rotate and for OAuth 2',
  }),
  vhost: customOption<string>({ byDefault: 'from the URL, else `/`', schema: TEXT, text: 'virtual host' }),
  mechanism: wordOption(['PLAIN', 'AMQPLAIN', 'EXTERNAL'], {
    or: 'PLAIN',
    text: "`AMQPLAIN`, or `EXTERNAL`: the user that the client's TLS certificate names",
  }),
  name: textOption({
    byDefault: '`leveret:<process id>`',
    text: 'shown in the management UI; the publishing connection adds `.publisher`',
  }),
  heartbeat: durationOption({
    or: '10s',
    zero: true,
    text: 'a dead peer is noticed after two to three of them; whole seconds, `0` for none',
  }),
  connectionTimeout: durationOption({ or: '10s', text: 'one attempt, TCP, TLS and AMQP handshake together' }),
  startTimeout: durationOption({ or: '30s', text: 'how long the start keeps trying' }),
  frameMax: wholeNumberOption({ from: 8192, to: 2 ** 31 - 1, or: 131_072, text: 'largest frame in bytes, from 8,192' }),
  channelMax: wholeNumberOption({
    from: 0,
    to: 65_535,
    or: 0,
    byDefault: "the broker's",
    text: 'most channels on a connection',
  }),
  shuffle: flagOption({ or: true, text: 'hosts in a random order; `false`: in the order given' }),
  reconnect: groupOption<ReconnectOptions, typeof RECONNECT_OPTIONS>(RECONNECT_OPTIONS, {
    always: true,
    byDefault: '[below](#reconnect)',
    text: 'the pauses between rounds of attempts; the first round comes at once',
  }),
  authenticationFailureFatal: flagOption({
    or: true,
    text: 'refused credentials end the attempts, until they have been accepted once',
  }),
  tls: customOption<TlsConnectionOptions>({
    byDefault: "Node's",
    schema: { type: 'object' },
    text: "only with `amqps://`; an unknown name is a fault, and `rejectUnauthorized: false` or a `checkServerIdentity` of one's own is warned of at each start. As for `tls.connect`: `ca` (the authority of the broker's certificate), `cert` and `key` (when the broker asks for one), `servername` (the name in the certificate, when it is not the host in the URL)",
  }),
  socket: groupOption<SocketOptions, typeof SOCKET_OPTIONS>(SOCKET_OPTIONS, {
    always: true,
    byDefault: '[below](#socket)',
    text: 'options of the TCP socket',
  }),
  clientProperties: customOption<Readonly<Record<string, unknown>>>({
    schema: { type: 'object' },
    text: 'further client properties, shown in the management UI',
    read: readClientProperties,
  }),
} satisfies OptionsOf<ConnectionOptions>;

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
  const known = Object.keys(CONNECTION_OPTIONS);
  const given: ConnectionOptions = checkOptions(options, known, '', problems) ? (options as ConnectionOptions) : {};
  const { urls, username, password, vhost, heartbeatMs, shuffle, socket, clientProperties, ...read } = readOptions(
    CONNECTION_OPTIONS,
    given,
    problems,
  );
  const { mechanism } = read;
  checkCredentials(given, problems);
  const hosts = resolveHosts(given, problems);
  const encrypted = hosts.map((host) => host.tls);
  const tls = checkTls({ tls: read.tls, mechanism, encrypted }, problems);
  const resolved: ResolvedConnectionOptions = {
    ...read,
    ...socket,
    hosts: shuffle ? shuffled(hosts, random) : hosts,
    name: read.name ?? `leveret:${process.pid}`,
    heartbeatSeconds: checkHeartbeat(heartbeatMs, problems),
    tls,
    warnings: tlsWarnings(
      tls,
      hosts.some((host) => host.tls),
    ),
    clientProperties: clientProperties ?? {},
  };
  problems.throwIfAny();
  return Object.freeze(resolved);
}

/** What is right by itself and does not go together. */
function checkCredentials(
  { credentials, username, password, mechanism, urls }: ConnectionOptions,
  problems: Problems,
): void {
  if (typeof credentials !== 'function') return;
  if (username !== undefined || password !== undefined) {
    problems.add('credentials and username or password are given; which of them counts? Leave one out');
  }
  if (hasUser(urls)) problems.add('credentials and a user in urls are given; leave the user out of the URLs');
  if (mechanism === 'EXTERNAL') problems.add('credentials are of no use with the mechanism EXTERNAL; leave them out');
}

function readClientProperties(
  value: unknown,
  name: string,
  problems: Problems,
): Readonly<Record<string, unknown>> | undefined {
  if (value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value))) {
    problems.add(`${name} must be an object; got ${describeValue(value)}`);
  }
  return value as Readonly<Record<string, unknown>> | undefined;
}

function checkHeartbeat(ms: number, problems: Problems): number {
  if (ms % 1000 !== 0 || ms > 65_535_000) {
    problems.add(`heartbeat must be whole seconds from 0 to 65535, such as '10s'; got ${ms} ms`);
  }
  return Math.ceil(ms / 1000);
}
