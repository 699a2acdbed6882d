import {
  type Clock,
  ConfigurationError,
  claimGuard,
  type Duration,
  type IdempotencyGuard,
  type IdempotencyStore,
  type KeyPolicy,
  type Logger,
  MemoryIdempotencyStore,
  type Problems,
} from '@leveret/core';
import type { InstanceResolver } from '../container/instance-resolver.js';
import { resolveGuard, resolveStore } from '../container/resolve-parts.js';
import type { IdempotencyOptions } from '../decorators/idempotent.js';
import type { RoutePlan } from '../reading/listener-plan.js';
import { overriding } from '../reading/read-idempotent.js';
import type { ServiceScope } from './service-scope.js';

/** How a handler is guarded, whichever listener calls it. */
export interface RouteGuard {
  readonly guard: IdempotencyGuard;
  readonly policy: KeyPolicy;
}

/** What guards stand on, besides their options. */
export interface IdempotencyConditions {
  readonly options: IdempotencyOptions;
  readonly resolver: InstanceResolver;
  readonly service: ServiceScope;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Makes the guards of an application's handlers. */
export class GuardMaker {
  readonly #conditions: IdempotencyConditions;
  /** Faults of a handler that several listeners share are told once. */
  readonly #made = new Map<RoutePlan, Promise<RouteGuard | undefined>>();
  /** Those of stores and guards as well. */
  readonly #stores = new Map<unknown, Promise<IdempotencyStore | undefined>>();
  readonly #guards = new Map<unknown, Promise<IdempotencyGuard | undefined>>();
  readonly #inMemory: string[] = [];
  #common: IdempotencyOptions;
  #memory: MemoryIdempotencyStore | undefined;

  constructor(conditions: IdempotencyConditions) {
    this.#conditions = conditions;
    this.#common = conditions.options;
  }

  /** Handlers that are guarded by a store in memory because nobody named another. */
  get inMemory(): readonly string[] {
    return this.#inMemory;
  }

  /** `undefined` when the handler is not guarded, or (with a fault) cannot be. */
  guardOf(route: RoutePlan, problems: Problems): Promise<RouteGuard | undefined> {
    const made = this.#made.get(route) ?? this.#make(route, problems);
    this.#made.set(route, made);
    return made;
  }

  /** Finds faults of the application's own store or guard, be it used or not. */
  async check(problems: Problems): Promise<void> {
    const { store, guard, ttl, lease } = this.#common;
    if (guard !== undefined) await this.#guard(guard, problems);
    if (store !== undefined) await this.store(store, problems);
    const times = this.#claimGuard(new MemoryIdempotencyStore({ maxKeys: 1 }), { ttl, lease }, problems);
    // Told once is enough: the handlers are checked without them.
    if (times === undefined) this.#common = withoutTimes(this.#common);
  }

  /** A store, whatever it was given as. */
  store(given: unknown, problems: Problems): Promise<IdempotencyStore | undefined> {
    const found = this.#stores.get(given) ?? this.#resolveStore(given, problems);
    this.#stores.set(given, found);
    return found;
  }

  /** A store that outlives the process: the one that is given, else the application's. `undefined` for none. */
  async lastingStore(given: unknown, problems: Problems): Promise<IdempotencyStore | undefined> {
    const chosen = given ?? this.#common.store;
    if (chosen === undefined) return undefined;
    const store = await this.store(chosen, problems);
    return store instanceof MemoryIdempotencyStore ? undefined : store;
  }

  #guard(given: unknown, problems: Problems): Promise<IdempotencyGuard | undefined> {
    const found = this.#guards.get(given) ?? this.#resolveGuard(given, problems);
    this.#guards.set(given, found);
    return found;
  }

  async #resolveStore(given: unknown, problems: Problems): Promise<IdempotencyStore | undefined> {
    const store = await resolveStore(given, this.#conditions.resolver, problems);
    return store && this.#conditions.service.store(store, problems);
  }

  async #resolveGuard(given: unknown, problems: Problems): Promise<IdempotencyGuard | undefined> {
    const guard = await resolveGuard(given, this.#conditions.resolver, problems);
    return guard && this.#conditions.service.guard(guard, problems);
  }

  async #make(route: RoutePlan, problems: Problems): Promise<RouteGuard | undefined> {
    const transactional = route.parameters.some(({ kind }) => kind === 'transaction');
    if (route.idempotent === undefined) {
      if (transactional) problems.add(`@Transaction takes the transaction of an inbox, but ${NO_INBOX}`);
      return undefined;
    }
    const merged = overriding(this.#common, route.idempotent);
    if (merged.guard === undefined && transactional) {
      problems.add(`@Transaction takes the transaction of an inbox, but a store has none: ${NO_INBOX}`);
    }
    const guard =
      merged.guard === undefined
        ? await this.#claiming(route, merged, problems)
        : await this.#guard(merged.guard, problems);
    const { key, onMissingKey } = merged;
    return guard === undefined ? undefined : { guard, policy: { key, onMissingKey } };
  }

  async #claiming(
    route: RoutePlan,
    { store, ttl, lease }: IdempotencyOptions,
    problems: Problems,
  ): Promise<IdempotencyGuard | undefined> {
    const resolved = store === undefined ? this.#memoryFor(route) : await this.store(store, problems);
    return resolved === undefined ? undefined : this.#claimGuard(resolved, { ttl, lease }, problems);
  }

  #claimGuard(store: IdempotencyStore, { ttl, lease }: Times, problems: Problems): IdempotencyGuard | undefined {
    const { clock, logger } = this.#conditions;
    try {
      const times = { ...(ttl !== undefined && { ttl }), ...(lease !== undefined && { lease }) };
      return claimGuard(store, { ...times, clock, logger });
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      for (const problem of error.problems) problems.add(problem);
      return undefined;
    }
  }

  #memoryFor(route: RoutePlan): IdempotencyStore {
    this.#inMemory.push(route.name);
    this.#memory ??= new MemoryIdempotencyStore();
    return this.#memory;
  }
}

interface Times {
  readonly ttl: Duration | undefined;
  readonly lease: Duration | undefined;
}

function withoutTimes({ ttl: _ttl, lease: _lease, ...rest }: IdempotencyOptions): IdempotencyOptions {
  return rest;
}

const NO_INBOX = 'the handler has no guard with transactions. Give one: @Idempotent({ guard: inbox })';
