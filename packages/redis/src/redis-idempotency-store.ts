import { randomUUID } from 'node:crypto';
import {
  type Claim,
  type ClaimResult,
  ConfigurationError,
  describeValue,
  errorText,
  type IdempotencyStore,
  LeveretError,
} from '@leveret/core';
import { Redis, type RedisOptions } from 'ioredis';
import { CLAIM, COMPLETE, RELEASE, RENEW } from './scripts.js';

/** What the store needs of a client: a `Redis` or a `Cluster` of ioredis, or anything with its `eval`. */
export interface RedisScripting {
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** Where a {@link RedisIdempotencyStore} keeps its keys. */
export interface RedisStoreOptions {
  /** Begins every key, so that services can share a server. Default `'leveret:idempotency:'`. */
  readonly prefix?: string;
}

/** Options of ioredis for a connection that the store makes itself, such as TLS. */
export type RedisClientOptions = Omit<RedisOptions, 'replyMapping'>;

const DEFAULT_PREFIX = 'leveret:idempotency:';

/**
 * Answers fail fast instead of waiting in a queue for a server that is gone: the guard requeues the delivery, and a claim
 * that arrives long after its handler gave up would only hold the message.
 */
const FAIL_FAST: RedisClientOptions = { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 5_000 };

/**
 * An idempotency store in Redis 6.2 or later, shared by all instances of a service. Each question is one round trip and
 * atomic; leases and times to live are counted by the server. It reads and writes single keys only, so it works on a
 * cluster.
 *
 * Redis may lose the last writes in a failover, and forgets keys early under a `maxmemory-policy` other than
 * `noeviction`: a message can then take effect twice. An inbox in the database of the effect cannot.
 */
export class RedisIdempotencyStore implements IdempotencyStore {
  readonly #redis: RedisScripting;
  readonly #prefix: string;
  readonly #owned: Redis | undefined;

  /** Uses a client of yours; `enableOfflineQueue: false` is advised, or claims wait in it while the server is away. */
  constructor(redis: RedisScripting, options: RedisStoreOptions = {}, owned?: Redis) {
    const { prefix = DEFAULT_PREFIX } = options;
    const problems: string[] = [];
    if (typeof (redis as Partial<RedisScripting> | undefined)?.eval !== 'function') {
      problems.push(`RedisIdempotencyStore needs a client of ioredis; got ${describeValue(redis)}`);
    }
    if (typeof prefix !== 'string') problems.push(`prefix must be text; got ${describeValue(prefix)}`);
    if (problems.length > 0) throw new ConfigurationError(problems);
    this.#redis = redis;
    this.#prefix = prefix;
    this.#owned = owned;
  }

  /**
   * Connects a client of its own, which fails fast while the server is away and reconnects by itself. Resolves when it is
   * connected; end it with {@link close}.
   * @param url such as `redis://user:password@host:6379/0`, or `rediss:` for TLS
   * @throws {ConfigurationError} when an option is not what it must be
   * @throws {LeveretError} LEV_IDEMPOTENCY_STORE when the server cannot be reached
   */
  static async connect(url: string, options: RedisStoreOptions & { readonly redis?: RedisClientOptions } = {}) {
    const { redis: own, ...rest } = options;
    const settings: RedisClientOptions = { connectTimeout: 10_000, ...FAIL_FAST, ...own, lazyConnect: true };
    const client = new Redis(url, settings);
    // Before anything is connected: options that are wrong leave no connection behind.
    const store = new RedisIdempotencyStore(client, rest, client);
    // Each command reports the fault to its caller; without a listener ioredis writes it to the console as well.
    client.on('error', () => {});
    try {
      await client.connect();
    } catch (cause) {
      client.disconnect();
      throw failed('connect to', cause);
    }
    return store;
  }

  async claim(key: string, options: { readonly leaseMs: number }): Promise<ClaimResult> {
    // Made here, so that a command that the client sends again after a lost connection meets its own claim.
    const token = randomUUID();
    const answer = await this.#ask('claim', CLAIM, key, token, wholeMs(options.leaseMs));
    if (answer === 'claimed') return { kind: 'claimed', token };
    if (answer === 'completed') return { kind: 'completed' };
    // No expiry: somebody has made the key persistent by hand.
    const left = Number(answer);
    return { kind: 'in-progress', retryAfterMs: left > 0 ? left : options.leaseMs };
  }

  async complete(claim: Claim, options: { readonly ttlMs: number }): Promise<boolean> {
    return isYes(await this.#ask('complete', COMPLETE, claim.key, claim.token, wholeMs(options.ttlMs)));
  }

  async release(claim: Claim): Promise<void> {
    await this.#ask('release', RELEASE, claim.key, claim.token);
  }

  async renew(claim: Claim, options: { readonly leaseMs: number }): Promise<boolean> {
    return isYes(await this.#ask('renew', RENEW, claim.key, claim.token, wholeMs(options.leaseMs)));
  }

  /** Ends the connection that {@link connect} made; a client of yours stays open. Never rejects. */
  async close(): Promise<void> {
    if (this.#owned === undefined) return;
    try {
      await this.#owned.quit();
    } catch {
      this.#owned.disconnect();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #ask(what: string, script: string, key: string, ...args: string[]): Promise<unknown> {
    try {
      return await this.#redis.eval(script, 1, this.#prefix + key, ...args);
    } catch (cause) {
      throw failed(`${what} ${key} in`, cause);
    }
  }
}

/** A client with `stringNumbers` answers in text. */
function isYes(answer: unknown): boolean {
  return Number(answer) === 1;
}

/** Redis takes whole milliseconds from 1. */
function wholeMs(ms: number): string {
  return String(Math.max(1, Math.ceil(ms)));
}

function failed(what: string, cause: unknown): LeveretError {
  return new LeveretError('LEV_IDEMPOTENCY_STORE', `Could not ${what} Redis: ${errorText(cause)}`, { cause });
}
