import { ConfigurationError, type DeliveryContext } from '@leveret/core';
import type { Container } from 'inversify';
import { reflected } from '../decorators/reflect-on-demand.js';
import type { InstanceSource } from '../handler/instance-source.js';
import type { AnyClass } from '../reading/class-kind.js';
import type { ServiceToken } from './container-port.js';
import type { InstanceResolver } from './instance-resolver.js';
import { InversifyResolver } from './inversify-resolver.js';
import { loadInversify } from './load-inversify.js';

/** A container that was made here. */
interface OwnContainer {
  readonly container: Container;
  readonly resolver: InversifyResolver;
}

/**
 * Resolves where there is no container: classes are made once, with `new`. Where one is decorated for inversify, a container
 * of it is made, which then makes all others, too.
 */
export class PlainResolver implements InstanceResolver {
  readonly #values = new Map<ServiceToken, unknown>();
  #inversify: Promise<OwnContainer> | undefined;

  async source<T extends object>(service: AnyClass<T>): Promise<InstanceSource<T>> {
    if (await this.#isMadeHere(service)) return { kind: 'shared', instance: this.#made(service) };
    return (await this.#own()).resolver.source(service);
  }

  async single<T extends object>(service: AnyClass<T>): Promise<T> {
    if (await this.#isMadeHere(service)) return this.#made(service);
    return (await this.#own()).resolver.single(service);
  }

  async token(token: string | symbol): Promise<{ readonly instance: unknown } | undefined> {
    return this.#values.has(token) ? { instance: this.#values.get(token) } : undefined;
  }

  provide(service: ServiceToken, value: unknown): void {
    if (!this.#values.has(service)) this.#values.set(service, value);
  }

  async replace(service: ServiceToken, value: unknown): Promise<void> {
    this.#values.set(service, value);
  }

  get attemptEnded(): ((context: DeliveryContext) => void) | undefined {
    return undefined;
  }

  async release(): Promise<void> {
    const inversify = this.#inversify;
    this.#inversify = undefined;
    this.#values.clear();
    const own = await inversify?.catch(() => undefined);
    await own?.resolver.release();
    // What its container has bound by itself is nobody else's to end, such as by a `@preDestroy`.
    await own?.container.unbindAllAsync();
  }

  async #isMadeHere(service: AnyClass): Promise<boolean> {
    if (this.#values.has(service)) return true;
    if (isForInversify(service)) return false;
    if (service.length > 0) throw new ConfigurationError([noContainer(service)]);
    // What inversify makes may have been given one of these already.
    return this.#inversify === undefined;
  }

  #made<T extends object>(service: AnyClass<T>): T {
    if (!this.#values.has(service)) this.#values.set(service, new service());
    return this.#values.get(service) as T;
  }

  #own(): Promise<OwnContainer> {
    this.#inversify ??= this.#newContainer();
    return this.#inversify;
  }

  async #newContainer(): Promise<OwnContainer> {
    const inversify = await loadInversify();
    const container = new inversify.Container({ autobind: true, defaultScope: 'Singleton' });
    const resolver = new InversifyResolver(container, inversify);
    for (const [service, value] of this.#values) resolver.provide(service, value);
    return { container, resolver };
  }
}

/** Whether inversify has been told how to make a class, or a base class of it. */
function isForInversify(service: AnyClass): boolean {
  const keys = reflected().getMetadataKeys?.(service) ?? [];
  return keys.some((key) => typeof key === 'string' && key.startsWith('@inversifyjs/'));
}

function noContainer({ name, length }: AnyClass): string {
  const parameters = length === 1 ? 'a parameter' : `${length} parameters`;
  return `${name} cannot be made: its constructor takes ${parameters}, and there is no container that knows what to give it. Make it yourself: listeners: [new ${name}(...)]; or give a container (of inversify, an object with resolve(token), or a Map), as in container: new Map([[${name}, new ${name}(...)]]); or decorate it for inversify, with @injectable() and @inject(...)`;
}
