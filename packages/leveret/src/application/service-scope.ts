import {
  describeValue,
  type IdempotencyGuard,
  type IdempotencyStore,
  isServiceName,
  MemoryIdempotencyStore,
  type Problems,
  type StoreCheck,
  serviceKey,
  serviceNameFault,
} from '@leveret/core';

type Part = IdempotencyStore | IdempotencyGuard;

/**
 * Sees to it that every key that outlives the process is the service's own: stores and guards that keep services apart
 * have to be this service's, and the keys of others get its name in front.
 */
export class ServiceScope {
  readonly #given: string | undefined;
  /** The service of each part that has one. */
  readonly #named = new Map<Part, string>();

  /** @param given the option `service` */
  constructor(given: unknown, problems: Problems) {
    if (given !== undefined && !isServiceName(given)) problems.add(serviceNameFault(given, 'service'));
    this.#given = isServiceName(given) ? given : undefined;
  }

  /** The name of the service, if it has one. */
  get name(): string | undefined {
    return this.#given ?? [...this.#named.values()][0];
  }

  /** What can be asked whether it is safe. */
  get checks(): readonly StoreCheck[] {
    return [...this.#named.keys()].filter((part): part is Part & StoreCheck => typeof part.check === 'function');
  }

  store(store: IdempotencyStore, problems: Problems): IdempotencyStore {
    // What one process forgets at its end is nobody else's.
    if (store instanceof MemoryIdempotencyStore || this.#keepsApart(store, 'store', problems)) return store;
    const service = this.#required('a store without a service of its own', problems);
    const scoped = <C extends { readonly key: string }>(claim: C) => ({
      ...claim,
      key: serviceKey(service, claim.key),
    });
    return {
      claim: (key, options) => store.claim(serviceKey(service, key), options),
      complete: (claim, options) => store.complete(scoped(claim), options),
      release: (claim) => store.release(scoped(claim)),
      renew: (claim, options) => store.renew(scoped(claim), options),
    };
  }

  guard(guard: IdempotencyGuard, problems: Problems): IdempotencyGuard {
    if (this.#keepsApart(guard, 'guard', problems)) return guard;
    const service = this.#required('a guard without a service of its own', problems);
    return {
      run: (listenerId, ...rest) => guard.run(`${service}::${listenerId}`, ...rest),
      flush: async () => guard.flush?.(),
    };
  }

  #keepsApart(part: Part, what: string, problems: Problems): boolean {
    const { service } = part;
    if (service === undefined) return false;
    if (!isServiceName(service)) problems.add(serviceNameFault(service, `the ${what}`));
    else {
      const { name } = this;
      if (name !== undefined && name !== service) {
        problems.add(
          `the ${what} belongs to the service ${describeValue(service)}, but the application is ${describeValue(name)}. Everything that one application keeps has to bear one name`,
        );
      }
      this.#named.set(part, service);
    }
    return true;
  }

  #required(what: string, problems: Problems): string {
    if (this.#given === undefined) problems.add(serviceNameFault(undefined, `${what} is used: Leveret.start`));
    return this.#given ?? 'unnamed';
  }
}
