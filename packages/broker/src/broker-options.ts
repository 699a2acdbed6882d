import type { TlsOptions } from 'node:tls';
import { type Duration, toMilliseconds } from './clock/duration.js';
import { VirtualClock } from './clock/virtual-clock.js';
import type { Permissions, User } from './connection/authentication.js';
import { defaultMemoryLimit } from './memory-alarm.js';
import { type BrokerVersion, type VersionProfile, versionProfile } from './version/version-profile.js';
import { toBinaryText } from './wire/binary-text.js';

/** Patterns of one virtual host; a resource is allowed when the pattern is found in its name. Default: everything. */
export interface PermissionOptions {
  readonly configure?: string;
  readonly write?: string;
  readonly read?: string;
}

/** A user the broker lets in. */
export interface UserOptions {
  readonly name: string;
  readonly password: string;
  /** Such as `administrator`; shown by the management API. */
  readonly tags?: readonly string[];
  /** By virtual host. Default: everything in every virtual host. */
  readonly permissions?: Readonly<Record<string, PermissionOptions>>;
}

/** Options of `Broker.start`. */
export interface BrokerOptions {
  /** Port to listen on; 0 (default) takes a free one. */
  readonly port?: number;
  /** Address to listen on. Default `127.0.0.1`: a test broker is nobody else's business. */
  readonly host?: string;
  /** The RabbitMQ release line to behave as: `'3.10'`, `'4.0'` or `'4.3'` (default). */
  readonly version?: BrokerVersion;
  /** Port of the management HTTP API; 0 takes a free one. Default: no management API. */
  readonly managementPort?: number;
  /**
   * Names by which the management API may be asked besides addresses, `localhost`, the name of the machine and `host`:
   * anything else in a Host header is refused (421), for it comes from a web page that plays a trick. Default: none.
   */
  readonly managementHosts?: readonly string[];
  /** Time for TTLs, expiry and timeouts. Default: real time, which `broker.clock.advance` can push forward. */
  readonly clock?: VirtualClock;
  /** Certificate and key: the port then speaks TLS only. */
  readonly tls?: TlsOptions;
  /** Default: guest with password guest, allowed everything. */
  readonly users?: readonly UserOptions[];
  /** Virtual hosts besides `/`. */
  readonly vhosts?: readonly string[];
  /** How long a delivery may stay unacknowledged; `false` for ever. Default 30 minutes, as RabbitMQ. */
  readonly consumerTimeout?: Duration | false;
  /** Largest body taken, in bytes. Default: that of the version (128 MiB in 3.10, 16 MiB from 4.0 on). */
  readonly maxMessageBytes?: number;
  /**
   * Above this, in bytes, whoever publishes is blocked, as by RabbitMQ's memory alarm: bodies, properties and about 200 bytes
   * for each message, in every queue that holds it. Default: 40 % of the largest heap of this process, at most 1 GiB.
   */
  readonly memoryLimitBytes?: number;
  /** Most channels of a connection, 1 to 65535. Default 2047. */
  readonly channelMax?: number;
  /** Largest frame in bytes, overhead included. Default 131072. */
  readonly frameMax?: number;
  /** Heartbeat interval offered to clients, in seconds; 0 for none. Default 60. */
  readonly heartbeatSeconds?: number;
  /** `cluster_name` in the server properties. */
  readonly clusterName?: string;
  /** Told of each client that is not let in, and why: RabbitMQ often just hangs up on it. Must not throw. */
  readonly onClientRefused?: (client: RefusedClient) => void;
}

/** A client that did not get past its handshake. */
export interface RefusedClient {
  /** Such as `127.0.0.1:50000`. */
  readonly address: string;
  /** In one line, with what to do; what the client sent is escaped. */
  readonly reason: string;
}

/** Options with every default in place. */
export interface ResolvedBrokerOptions {
  readonly port: number;
  readonly host: string;
  readonly profile: VersionProfile;
  readonly managementPort: number | undefined;
  readonly managementHosts: readonly string[];
  readonly clock: VirtualClock;
  readonly tls: TlsOptions | undefined;
  readonly users: ReadonlyMap<string, User>;
  readonly vhosts: readonly string[];
  readonly consumerTimeoutMs: number | undefined;
  readonly maxMessageBytes: number;
  readonly memoryLimitBytes: number;
  readonly channelMax: number;
  readonly frameMax: number;
  readonly heartbeatSeconds: number;
  readonly clusterName: string;
  readonly onClientRefused: (client: RefusedClient) => void;
}

const GUEST: UserOptions = { name: 'guest', password: 'guest', tags: ['administrator'] };
const HALF_AN_HOUR_MS = 1_800_000;

/**
 * Fills in defaults and checks.
 *
 * @throws {TypeError} naming the option, what was expected and what was received
 */
export function resolveBrokerOptions(options: BrokerOptions): ResolvedBrokerOptions {
  const profile = versionProfile(options.version);
  const vhosts = ['/', ...(options.vhosts ?? [])].map(toBinaryText);
  const users = (options.users ?? [GUEST]).map((user) => makeUser(user, vhosts));
  const { consumerTimeout = HALF_AN_HOUR_MS } = options;
  return Object.freeze({
    port: integer('port', options.port ?? 0, 0, 65_535),
    host: options.host ?? '127.0.0.1',
    profile,
    managementPort:
      options.managementPort === undefined ? undefined : integer('managementPort', options.managementPort, 0, 65_535),
    managementHosts: options.managementHosts ?? [],
    clock: options.clock ?? new VirtualClock(),
    tls: options.tls,
    users: new Map(users.map((user) => [user.name, user])),
    vhosts,
    consumerTimeoutMs: consumerTimeout === false ? undefined : toMilliseconds(consumerTimeout),
    maxMessageBytes: integer('maxMessageBytes', options.maxMessageBytes ?? profile.maxMessageBytes, 1, 2 ** 31 - 1),
    memoryLimitBytes: integer(
      'memoryLimitBytes',
      options.memoryLimitBytes ?? defaultMemoryLimit(),
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    channelMax: integer('channelMax', options.channelMax ?? 2047, 1, 65_535),
    frameMax: integer('frameMax', options.frameMax ?? 131_072, 4096, 2 ** 31 - 1),
    heartbeatSeconds: integer('heartbeatSeconds', options.heartbeatSeconds ?? 60, 0, 65_535),
    clusterName: options.clusterName ?? 'leveret@localhost',
    onClientRefused: options.onClientRefused ?? (() => {}),
  });
}

function makeUser(user: UserOptions, vhosts: readonly string[]): User {
  const permissions: Readonly<Record<string, PermissionOptions>> =
    user.permissions ?? Object.fromEntries(vhosts.map((vhost) => [vhost, {}]));
  const compiled = Object.entries(permissions).map(([vhost, patterns]): [string, Permissions] => [
    toBinaryText(vhost),
    {
      configure: pattern(patterns.configure),
      write: pattern(patterns.write),
      read: pattern(patterns.read),
    },
  ]);
  return {
    name: toBinaryText(user.name),
    password: toBinaryText(user.password),
    tags: user.tags ?? [],
    permissions: new Map(compiled),
  };
}

/** RabbitMQ lets an empty pattern match nothing but the empty name. */
function pattern(source = '.*'): RegExp {
  return new RegExp(source === '' ? '^$' : source);
}

function integer(name: string, value: number, lowest: number, highest: number): number {
  if (Number.isInteger(value) && value >= lowest && value <= highest) return value;
  throw new TypeError(`${name}: expected a whole number from ${lowest} to ${highest}; received ${String(value)}`);
}
