import { ConfigurationError, describeValue, errorText, LeveretError } from '@leveret/core';
import { Redis, type RedisOptions } from 'ioredis';

/** What the store needs of a client: a `Redis` or a `Cluster` of ioredis, or anything with its `eval`. */
export interface RedisScripting {
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
  /** Runs a script that the server knows by its SHA-1. Without it, the whole script is sent each time. */
  evalsha?(sha1: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** Options of ioredis for a connection that the store makes itself, such as TLS. */
export type RedisClientOptions = Omit<RedisOptions, 'replyMapping'>;

/**
 * Answers fail fast instead of waiting in a queue for a server that is gone: the guard requeues the delivery, and a claim
 * that arrives long after its handler gave up would only hold the message.
 */
const FAIL_FAST: RedisClientOptions = { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 5_000 };

/** A client that the store made, and why it is not connected, if it is not. */
export interface OwnedClient {
  readonly client: Redis;
  readonly trouble: () => Error | undefined;
}

/** Makes a client without connecting it. @throws {ConfigurationError} with every option of the wrong type */
export function makeClient(url: unknown, own: unknown): OwnedClient {
  checkOptions(url, own);
  const settings: RedisClientOptions = {
    connectTimeout: 10_000,
    ...FAIL_FAST,
    reconnectOnError: writesNoMore,
    ...(own as RedisClientOptions | undefined),
    lazyConnect: true,
  };
  const client = new Redis(url as string, settings);
  let trouble: Error | undefined;
  // Each command reports its fault to its caller; without a listener ioredis writes it to the console as well. Why the
  // connection is gone is said here only: the commands say that it is closed.
  client.on('error', (error: Error) => {
    trouble = error;
  });
  client.on('ready', () => {
    if (!wrongDatabase(trouble)) trouble = undefined;
  });
  return { client, trouble: () => trouble };
}

/** Connects it. @throws {LeveretError} LEV_IDEMPOTENCY_STORE with the cause when it cannot be used */
export async function connectClient({ client, trouble }: OwnedClient): Promise<void> {
  try {
    await client.connect();
    const found = trouble();
    // ioredis reports a database that does not exist, and goes on in the first one.
    if (wrongDatabase(found)) throw found;
  } catch (error) {
    client.disconnect();
    const cause = trouble() ?? error;
    const plainPeer = client.options.tls !== undefined && /ETIMEDOUT|ECONNRESET/.test(errorText(cause));
    throw redisFailed(plainPeer ? 'connect with TLS (does the server speak it at this port?) to' : 'connect to', cause);
  }
}

/** Closes a connection to a server that answers but writes no more, so that the next one finds the one that does. */
export function reconnectIfReadOnly(redis: RedisScripting, error: unknown): void {
  const client = redis as Partial<Redis> & { readonly isCluster?: boolean };
  // A client with a rule of its own knows better; a cluster asks where the keys are.
  if (client.isCluster === true || client.status !== 'ready' || typeof client.options?.reconnectOnError === 'function')
    return;
  if (writesNoMore(error)) client.disconnect?.(true);
}

/** What a server says that was a primary before a failover, or is cut off from its replicas. */
function writesNoMore(error: unknown): boolean {
  return /\b(?:READONLY|NOREPLICAS|MASTERDOWN|UNBLOCKED)\b/.test(errorText(error));
}

function wrongDatabase(error: Error | undefined): boolean {
  return error !== undefined && /DB index is out of range/i.test(error.message);
}

/** @param trouble why there is no connection, where the cause only says that there is none */
export function redisFailed(what: string, cause: unknown, trouble?: Error): LeveretError {
  const why = trouble === undefined || trouble === cause ? '' : ` (${errorText(trouble)})`;
  return new LeveretError('LEV_IDEMPOTENCY_STORE', `Could not ${what} Redis: ${errorText(cause)}${why}`, { cause });
}

/** Options that ioredis would take for something else, and connect without. */
const TYPES: Readonly<Record<string, 'string' | 'number' | 'boolean' | 'object'>> = {
  host: 'string',
  port: 'number',
  path: 'string',
  username: 'string',
  password: 'string',
  sentinelUsername: 'string',
  sentinelPassword: 'string',
  keyPrefix: 'string',
  db: 'number',
  tls: 'object',
  connectTimeout: 'number',
  commandTimeout: 'number',
  maxRetriesPerRequest: 'number',
  enableOfflineQueue: 'boolean',
};

function checkOptions(url: unknown, own: unknown): void {
  const problems: string[] = [];
  if (typeof url !== 'string' || !/^(?:rediss?:)?\/\/|^\//.test(url)) {
    problems.push(`the address of Redis must be text such as redis://localhost:6379; got ${described(url)}`);
  }
  if (own !== undefined && (typeof own !== 'object' || own === null)) {
    problems.push(`redis must be options of ioredis; got ${describeValue(own)}`);
  }
  for (const [name, type] of Object.entries(TYPES)) {
    const value = (own as Record<string, unknown> | null | undefined)?.[name];
    // ioredis takes null for "not given", or for "no limit".
    if (value === undefined || value === null) continue;
    const fits = type === 'number' ? Number.isFinite(Number(value)) && value !== '' : typeof value === type;
    const secret = /password/i.test(name) ? typeof value : describeValue(value);
    if (!fits || typeof value === 'function') problems.push(`redis.${name} must be a ${type}; got ${secret}`);
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
}

/** What looks like an address may hold a password. */
function described(url: unknown): string {
  return typeof url === 'string' ? 'text that is no such address' : describeValue(url);
}
