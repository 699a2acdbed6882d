import type { DeliveryContext } from '@leveret/core';
import type { Container, ServiceIdentifier } from 'inversify';
import type { InstanceSource } from '../handler/instance-source.js';
import type { AnyClass } from '../reading/class-kind.js';
import { boundScope, declaredScope } from './binding-scope.js';
import type { InversifyContainer } from './container-port.js';
import type { InstanceResolver } from './instance-resolver.js';
import type { Inversify } from './load-inversify.js';
import { sampleContext } from './sample-context.js';
import { DELIVERY_CONTEXT } from './tokens.js';

/**
 * Resolves listeners, interceptors, recoverers and converters from an inversify container. Classes that are not bound
 * are bound to themselves: in the scope they ask for, else as singletons.
 *
 * | scope | instance |
 * |---|---|
 * | singleton | made once, at start |
 * | transient | made for each attempt (and once at start, to see that it can be) |
 * | request | made for each attempt, in a child container that also has its `DELIVERY_CONTEXT` |
 */
export class InversifyResolver implements InstanceResolver {
  /** A container makes all that belongs to an attempt, and keeps nothing of it. */
  readonly attemptEnded = undefined;
  readonly #container: Container;
  readonly #inversify: Inversify;
  readonly #bound: ServiceIdentifier[] = [];
  readonly #sources = new Map<AnyClass, Promise<InstanceSource>>();

  constructor(container: InversifyContainer, inversify: Inversify) {
    this.#container = container as Container;
    this.#inversify = inversify;
  }

  /** Where instances of a class come from. Rejects with what inversify says when one cannot be made. */
  source<T extends object>(service: AnyClass<T>): Promise<InstanceSource<T>> {
    const found = this.#sources.get(service) ?? this.#resolve(service);
    this.#sources.set(service, found);
    return found as Promise<InstanceSource<T>>;
  }

  /** The one instance of a class that must not be made anew, such as a recoverer. */
  async single<T extends object>(service: AnyClass<T>): Promise<T> {
    this.#bind(service);
    return this.#container.getAsync(service);
  }

  async token(token: string | symbol): Promise<{ readonly instance: unknown } | undefined> {
    if (!this.#container.isBound(token)) return undefined;
    return { instance: await this.#container.getAsync(token) };
  }

  /** Binds a value to be injected, unless the container has one already. */
  provide(service: ServiceIdentifier, value: unknown): void {
    // Not isBound: a container with autobind would bind the class itself to answer that.
    if (this.#container.isCurrentBound(service)) return;
    this.#container.bind<unknown>(service).toConstantValue(value);
    this.#bound.push(service);
  }

  async replace(service: ServiceIdentifier, value: unknown): Promise<void> {
    if (this.#container.isCurrentBound(service)) await this.#container.unbindAsync(service);
    this.#container.bind<unknown>(service).toConstantValue(value);
  }

  /**
   * Takes back the bindings that were made here, so that the user's container is as it was. What one of them fails at, or
   * takes its time for, as in its `@preDestroy`, keeps no other from being let go. Rejects with what they failed with.
   */
  async release(): Promise<void> {
    this.#sources.clear();
    const services = this.#bound.splice(0).filter((service) => this.#container.isCurrentBound(service));
    const released = await Promise.allSettled(services.map(async (service) => this.#container.unbindAsync(service)));
    const failures = released.flatMap((each): unknown[] => (each.status === 'rejected' ? [each.reason] : []));
    if (failures.length > 1) throw new AggregateError(failures, `${failures.length} services would not be let go`);
    if (failures.length === 1) throw failures[0];
  }

  async #resolve<T extends object>(service: AnyClass<T>): Promise<InstanceSource<T>> {
    this.#bind(service);
    switch (boundScope(this.#container, service)) {
      case 'Singleton':
        return { kind: 'shared', instance: await this.#container.getAsync(service) };
      case 'Request':
        return perRequest(this.#container, service, this.#inversify);
      default:
        return perAttempt(this.#container, service);
    }
  }

  #bind(service: AnyClass): void {
    if (this.#container.isBound(service)) return;
    const scope = declaredScope(service, this.#inversify);
    const binding = this.#container.bind(service).toSelf();
    if (scope === undefined) binding.inSingletonScope();
    this.#bound.push(service);
  }
}

async function perAttempt<T extends object>(container: Container, service: AnyClass<T>): Promise<InstanceSource<T>> {
  await container.getAsync(service);
  return { kind: 'per-attempt', make: () => container.getAsync(service) };
}

async function perRequest<T extends object>(
  parent: Container,
  service: AnyClass<T>,
  { Container }: Inversify,
): Promise<InstanceSource<T>> {
  const childFor = (context: DeliveryContext): Container => {
    // Compiling a plan pays for plans that are used again: this one is used once.
    const child = new Container({ parent, jitless: true });
    child.bind(DELIVERY_CONTEXT).toConstantValue(context);
    return child;
  };
  await childFor(sampleContext()).getAsync(service);
  // One child serves every attempt as long as all is made at once, for then "the attempt" is whichever is making. A
  // container for each costs a thousand times as much, so only what must wait while it is made gets its own.
  let making = sampleContext();
  const child = new Container({ parent });
  child
    .bind(DELIVERY_CONTEXT)
    .toDynamicValue(() => making)
    .inTransientScope();
  if (!madeAtOnce(child, service)) {
    return { kind: 'per-attempt', make: (context) => childFor(context).getAsync(service) };
  }
  return {
    kind: 'per-attempt',
    make(context) {
      making = context;
      return child.get(service);
    },
  };
}

function madeAtOnce(container: Container, service: AnyClass): boolean {
  try {
    container.get(service);
    return true;
  } catch {
    return false;
  }
}
