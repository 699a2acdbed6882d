import { randomUUID } from 'node:crypto';
import {
  type ApplicationIdentity,
  type Claim,
  type ClaimResult,
  ConfigurationError,
  describeValue,
  errorText,
  type IdempotencyStore,
  isServiceName,
  type StoreConcern,
  serviceKey,
  serviceNameFault,
} from '@leveret/core';
import { memoryConcerns, recordService } from './redis-check.js';
import {
  connectClient,
  makeClient,
  type OwnedClient,
  type RedisClientOptions,
  type RedisScripting,
  reconnectIfReadOnly,
  redisFailed,
} from './redis-client.js';
import { type RunScript, scriptsOf } from './run-script.js';
import { CLAIM, CLAIM_BESIDE, COMPLETE, LOOK, RELEASE, RENEW } from './scripts.js';

/** Where a {@link RedisIdempotencyStore} keeps its keys. */
export interface RedisStoreOptions {
  /**
   * Who uses the store, such as `billing`: the same for all instances of a service, and for no other service. It is part of
   * every key, so that services can share a server.
   */
  readonly service: string;
  /** Begins every key, in front of the service. Default `'leveret:idempotency:'`. */
  readonly prefix?: string;
}

const DEFAULT_PREFIX = 'leveret:idempotency:';

/**
 * An idempotency store in Redis 6.2 or later, shared by all instances of a service. Each question is one round trip and
 * atomic (claiming on a cluster is two); leases and times to live are counted by the server. It reads and writes single
 * keys, so it works on a cluster.
 *
 * | the server | what happens |
 * |---|---|
 * | is away, refuses, or answers what no script answers | LEV_IDEMPOTENCY_STORE: nothing is taken for handled |
 * | answers, but writes no more, as after a failover | the same, and the client connects anew |
 * | has a `maxmemory-policy` other than `noeviction`, and a limit | a warning at the start, and in the health: it forgets keys early |
 * | loses its last writes in a failover | a message can take effect twice; an inbox in the database of the effect cannot |
 */
export class RedisIdempotencyStore implements IdempotencyStore {
  /** Whose keys they are. */
  readonly service: string;
  readonly #redis: RedisScripting;
  readonly #prefix: string;
  readonly #owned: OwnedClient | undefined;
  /** Whether the keys of a script have to be on one node, which two keys of a message are not. */
  #apart: boolean;
  readonly #runScript: RunScript;

  /**
   * Uses a client of yours; `enableOfflineQueue: false` is advised, or claims wait in it while the server is away.
   * @throws {ConfigurationError} when `service` is missing, or an option is not what it must be
   */
  constructor(redis: RedisScripting, options: RedisStoreOptions, owned?: OwnedClient) {
    const { service, prefix = DEFAULT_PREFIX } = (options ?? {}) as Partial<RedisStoreOptions>;
    const problems: string[] = [];
    if (typeof (redis as Partial<RedisScripting> | undefined)?.eval !== 'function') {
      problems.push(`RedisIdempotencyStore needs a client of ioredis; got ${describeValue(redis)}`);
    }
    if (!isServiceName(service)) problems.push(serviceNameFault(service, 'RedisIdempotencyStore'));
    if (typeof prefix !== 'string') problems.push(`prefix must be text; got ${describeValue(prefix)}`);
    if (problems.length > 0) throw new ConfigurationError(problems);
    this.service = String(service);
    this.#redis = redis;
    this.#prefix = prefix;
    this.#owned = owned;
    this.#runScript = scriptsOf(redis);
    this.#apart = (redis as { readonly isCluster?: boolean }).isCluster === true;
  }

  /**
   * Connects a client of its own, which fails fast while the server is away and reconnects by itself. Resolves when it is
   * connected; end it with {@link close}.
   * @param url such as `redis://user:password@host:6379/0`, or `rediss:` for TLS
   * @throws {ConfigurationError} when an option is not what it must be
   * @throws {LeveretError} LEV_IDEMPOTENCY_STORE when the server cannot be reached, or refuses; its `cause` says why
   */
  static async connect(url: string, options: RedisStoreOptions & { readonly redis?: RedisClientOptions }) {
    const { redis: own, ...rest } = options ?? ({} as RedisStoreOptions & { redis?: RedisClientOptions });
    // Before anything is connected: options that are wrong leave no connection behind.
    const owned = makeClient(url, own);
    const store = new RedisIdempotencyStore(owned.client, rest, owned);
    await connectClient(owned);
    return store;
  }

  async claim(key: string, options: { readonly leaseMs: number }): Promise<ClaimResult> {
    // Made here, so that a command that the client sends again after a lost connection meets its own claim.
    const token = randomUUID();
    const answer = await this.#claim(key, token, wholeMs(options.leaseMs));
    if (answer === 'claimed') return { kind: 'claimed', token };
    if (answer === 'completed') return { kind: 'completed' };
    const left = ['number', 'string', 'bigint'].includes(typeof answer) ? Number(answer) : Number.NaN;
    if (!Number.isInteger(left)) throw unexpected('claim', key, answer);
    // No expiry: somebody has made the key persistent by hand.
    return { kind: 'in-progress', retryAfterMs: left > 0 ? left : options.leaseMs };
  }

  async complete(claim: Claim, options: { readonly ttlMs: number }): Promise<boolean> {
    return this.#decide('complete', COMPLETE, claim, wholeMs(options.ttlMs));
  }

  async release(claim: Claim): Promise<void> {
    await this.#ask('release', RELEASE, claim.key, [this.#key(claim.key)], claim.token);
  }

  async renew(claim: Claim, options: { readonly leaseMs: number }): Promise<boolean> {
    return this.#decide('renew', RENEW, claim, wholeMs(options.leaseMs));
  }

  /** Writes down who uses it, and reads what the server does when its memory is full. */
  async check(application: ApplicationIdentity): Promise<readonly StoreConcern[]> {
    try {
      const key = `${this.#prefix}service:${this.service}`;
      return [...(await recordService(this.#redis, key, application)), ...(await memoryConcerns(this.#redis))];
    } catch (error) {
      throw this.#failed('check', error);
    }
  }

  /** Ends the connection that {@link connect} made; a client of yours stays open. Never rejects. */
  async close(): Promise<void> {
    if (this.#owned === undefined) return;
    try {
      await this.#owned.client.quit();
    } catch {
      this.#owned.client.disconnect();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #key(key: string): string {
    return this.#prefix + serviceKey(this.service, key);
  }

  /** A message that was handled, or is, under the key that a version without services wrote, is not claimed again. */
  async #claim(key: string, token: string, lease: string): Promise<unknown> {
    const before = this.#prefix + key;
    if (!this.#apart) {
      try {
        return await this.#ask('claim', CLAIM_BESIDE, key, [this.#key(key), before], token, lease);
      } catch (error) {
        if (!/CROSSSLOT/.test(errorText(error))) throw error;
        this.#apart = true;
      }
    }
    const found = await this.#ask('claim', LOOK, key, [before]);
    return found === 'free' ? this.#ask('claim', CLAIM, key, [this.#key(key)], token, lease) : found;
  }

  /** A client with `stringNumbers` answers in text. What is neither yes nor no is no answer. */
  async #decide(what: string, script: string, { key, token }: Claim, ms: string): Promise<boolean> {
    const answer = await this.#ask(what, script, key, [this.#key(key)], token, ms);
    if (answer === 1 || answer === '1' || answer === 1n) return true;
    if (answer === 0 || answer === '0' || answer === 0n) return false;
    throw unexpected(what, key, answer);
  }

  async #ask(what: string, script: string, key: string, keys: string[], ...args: string[]): Promise<unknown> {
    try {
      return await this.#runScript(script, keys, args);
    } catch (cause) {
      throw this.#failed(`${what} ${key} in`, cause);
    }
  }

  #failed(what: string, cause: unknown) {
    reconnectIfReadOnly(this.#redis, cause);
    return redisFailed(what, cause, this.#owned?.trouble());
  }
}

function unexpected(what: string, key: string, answer: unknown) {
  return redisFailed(`${what} ${key} in`, new Error(`it answered ${describeValue(answer)}, which no script does`));
}

/** Redis takes whole milliseconds from 1. */
function wholeMs(ms: number): string {
  return String(Math.max(1, Math.ceil(ms)));
}
