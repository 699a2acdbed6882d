import { type DeliveryContext, type Logger, logSafely } from '@leveret/core';
import type { HandlerFramework } from '../handler/handler-framework.js';
import type { InstanceSource } from '../handler/instance-source.js';
import type { AnyClass } from '../reading/class-kind.js';
import { AttemptScopes } from './attempt-scopes.js';
import { type ContainerPort, describeToken, hasMethods, type ServiceToken } from './container-port.js';
import type { InstanceResolver } from './instance-resolver.js';
import { sampleContext } from './sample-context.js';

/** Resolves from any container by its port. Nothing is bound in it, and it is not disposed: it is its owner's. */
export class PortResolver implements InstanceResolver {
  readonly attemptEnded: ((context: DeliveryContext) => void) | undefined;
  readonly framework: HandlerFramework | undefined;
  readonly #port: ContainerPort;
  readonly #scopes: AttemptScopes | undefined;
  readonly #replaced = new Map<ServiceToken, unknown>();
  readonly #sources = new Map<AnyClass, Promise<InstanceSource>>();
  readonly #singles = new Map<ServiceToken, Promise<unknown>>();

  constructor(port: ContainerPort, logger: Logger) {
    this.#port = port;
    this.framework = port.framework;
    if (!hasMethods(port, ['createScope'])) return;
    const scopes = new AttemptScopes(
      (context) => port.createScope?.(context),
      (err) => logSafely(logger, 'warn', { err }, 'the scope of an attempt would not be disposed'),
    );
    this.#scopes = scopes;
    this.attemptEnded = (context) => scopes.ended(context);
  }

  source<T extends object>(service: AnyClass<T>): Promise<InstanceSource<T>> {
    const found = this.#sources.get(service) ?? this.#source(service);
    this.#sources.set(service, found);
    return found as Promise<InstanceSource<T>>;
  }

  async single<T extends object>(service: AnyClass<T>): Promise<T> {
    return requireInstance(service, await this.#single(service)) as T;
  }

  async token(token: string | symbol): Promise<{ readonly instance: unknown } | undefined> {
    const instance = await this.#single(token);
    return instance === undefined || instance === null ? undefined : { instance };
  }

  provide(): void {
    // The container is its owner's, who can give it app.publisher.
  }

  async replace(service: ServiceToken, value: unknown): Promise<void> {
    this.#replaced.set(service, value);
  }

  async release(): Promise<void> {
    this.#sources.clear();
    this.#singles.clear();
    await this.#scopes?.allDisposed();
  }

  #single(token: ServiceToken): Promise<unknown> {
    const found = this.#singles.get(token) ?? this.#resolve(token);
    this.#singles.set(token, found);
    return found;
  }

  async #resolve(token: ServiceToken): Promise<unknown> {
    return this.#replaced.has(token) ? this.#replaced.get(token) : this.#port.resolve(token);
  }

  async #source<T extends object>(service: AnyClass<T>): Promise<InstanceSource<T>> {
    const scopes = this.#scopes;
    if (scopes === undefined || this.#replaced.has(service)) {
      return { kind: 'shared', instance: await this.single(service) };
    }
    const make = (context: DeliveryContext): T | Promise<T> => {
      const made = scopes.resolve(service, context);
      return made instanceof Promise
        ? made.then((instance) => requireInstance(service, instance) as T)
        : (requireInstance(service, made) as T);
    };
    const sample = sampleContext();
    try {
      await make(sample);
    } finally {
      scopes.ended(sample);
    }
    return { kind: 'per-attempt', make };
  }
}

/** A `Map` as a container. Classes that it does not hold are made here when nothing has to be given to them. */
export function mapPort(map: ReadonlyMap<unknown, unknown>): ContainerPort {
  return {
    resolve(token) {
      if (map.has(token)) return map.get(token);
      if (typeof token !== 'function') return undefined;
      if (token.length === 0) return new (token as AnyClass)();
      throw new Error(
        `the Map has no instance of it, and its constructor takes parameters. Put one in: [${token.name}, new ${token.name}(...)]`,
      );
    },
  };
}

function requireInstance(token: ServiceToken, instance: unknown): object {
  if (typeof instance === 'object' && instance !== null) return instance;
  throw new Error(
    `resolve(${describeToken(token)}) of the container answered ${String(instance)}, which is no instance`,
  );
}
