import { type ContextId, ContextIdFactory, type ModuleRef } from '@nestjs/core';
import type { DeliveryContext } from 'leveret';
import type { AttemptScope, ContainerPort, HandlerFramework, ServiceToken } from 'leveret/adapters';
import type { ListenerHost } from '../discovery/listener-host.js';

/** Contexts of Nest, by the attempt that they are for. */
export type AttemptContexts = WeakMap<DeliveryContext, ContextId>;

/**
 * Nest as the container of leveret: listeners come from the modules that provide them, each attempt has a context id for what is
 * request-scoped, with the delivery context as its `REQUEST`.
 */
export class NestContainer implements ContainerPort {
  readonly framework: HandlerFramework;
  /** Only where something is made for attempts. */
  createScope?: (context: DeliveryContext) => AttemptScope;
  readonly #moduleRef: ModuleRef;
  readonly #contexts: AttemptContexts;
  readonly #hosts = new Map<unknown, ListenerHost>();

  constructor(moduleRef: ModuleRef, framework: HandlerFramework, contexts: AttemptContexts) {
    this.#moduleRef = moduleRef;
    this.framework = framework;
    this.#contexts = contexts;
  }

  /** The listeners, which are known only when the application has been made. */
  use(hosts: readonly ListenerHost[]): void {
    for (const host of hosts) this.#hosts.set(host.listenerClass, host);
    if (hosts.some(({ kind }) => kind === 'per-attempt')) this.createScope = (context) => this.#scope(context);
  }

  resolve(token: ServiceToken): unknown {
    const host = this.#hosts.get(token);
    if (host !== undefined) return host.wrapper.instance;
    try {
      return this.#moduleRef.get(token as string, { strict: false });
    } catch (error) {
      if (typeof token === 'function' && token.length === 0) return new (token as new () => unknown)();
      // What leveret makes of it names the token.
      throw new Error(`${messageOf(error)} Make it a provider of a module, one for all messages`, { cause: error });
    }
  }

  #scope(context: DeliveryContext): AttemptScope {
    return { resolve: (token) => this.#resolveFor(token, context) };
  }

  #resolveFor(token: ServiceToken, context: DeliveryContext): unknown {
    const host = this.#hosts.get(token);
    if (host?.kind !== 'per-attempt') return this.resolve(token);
    // At start leveret asks whether all can be made. Nest has looked at that already, and a provider of a tenant that does
    // not exist should not be made.
    if (isSample(context)) return Object.create(host.listenerClass.prototype as object);
    return host.moduleRef.resolve(host.wrapper.token as string, this.#contextOf(context, host), { strict: true });
  }

  #contextOf(context: DeliveryContext, { isDurable }: ListenerHost): ContextId {
    const known = this.#contexts.get(context);
    if (known !== undefined) return known;
    const contextId = ContextIdFactory.getByRequest(context);
    // As Nest does for HTTP: what many share is not given the message of one.
    const request = isDurable ? contextId.payload : context;
    this.#moduleRef.registerRequestByContextId(request, contextId);
    this.#contexts.set(context, contextId);
    return contextId;
  }
}

/** Of no delivery. */
function isSample({ listenerId, consumerTag }: DeliveryContext): boolean {
  return listenerId === '' && consumerTag === '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
