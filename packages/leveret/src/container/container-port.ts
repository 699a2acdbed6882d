import type { DeliveryContext } from '@leveret/core';
import type { HandlerFramework } from '../handler/handler-framework.js';

/** What a container knows a service by: its class, a text, or a symbol. */
export type ServiceToken = string | symbol | ServiceClass;

// biome-ignore lint/suspicious/noExplicitAny: a class is known by any constructor arguments
type ServiceClass = abstract new (...args: any[]) => unknown;

/**
 * Any container: what makes listeners, interceptors, recoverers, converters and stores that are given as classes or tokens.
 *
 * | the container has | instances |
 * |---|---|
 * | `resolve` alone | resolved once, at start |
 * | `createScope`, too | listeners and interceptors are resolved in a scope for each attempt (and once at start, to see that they can be); all else once |
 */
export interface ContainerPort {
  /**
   * The instance for a token, or a promise of it. Throws, rejects or answers nothing when there is none.
   * @param context of the attempt, in a scope
   */
  resolve(token: ServiceToken, context?: DeliveryContext): unknown;
  /**
   * Opens a scope for one attempt: its listener and its interceptors are resolved there. It is disposed when the attempt has
   * ended, which may be long after a time-out has decided it: as soon as the handler and all interceptors have settled.
   * @param context of the attempt; at start, and for a run of a schedule, of no real delivery
   */
  createScope?(context: DeliveryContext): AttemptScope | Promise<AttemptScope>;
  /** What the framework of the container runs around handlers by decorators of its own. Default: nothing does. */
  readonly framework?: HandlerFramework | undefined;
}

/** A scope of a {@link ContainerPort}: what is made for one attempt. */
export interface AttemptScope {
  resolve(token: ServiceToken, context?: DeliveryContext): unknown;
  /** Lets go of what was made in it. A failure is logged, and changes nothing about the delivery. */
  dispose?(): unknown;
}

/** A `Container` of inversify, known by what leveret needs of it, so that nobody needs its types who does not use it. */
export interface InversifyContainer {
  // biome-ignore lint/suspicious/noExplicitAny: the methods are inversify's, whose types are not loaded here
  get(service: any, options?: any): any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  getAsync(service: any, options?: any): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  bind(service: any): any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  isCurrentBound(service: any): boolean;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  unbindAsync(service: any): Promise<void>;
}

/** What `Leveret.start({ container })` takes: one of inversify, any other by its port, or a `Map` from token to instance. */
export type LeveretContainer = InversifyContainer | ContainerPort | ReadonlyMap<unknown, unknown>;

/** Whether it is a container of inversify, from whichever copy of it. */
export function isInversifyContainer(given: unknown): given is InversifyContainer {
  return hasMethods(given, ['get', 'getAsync', 'bind', 'isBound', 'isCurrentBound', 'unbindAsync', 'register']);
}

/** Whether a value has all these methods. */
export function hasMethods(value: unknown, names: readonly string[]): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

/** How a token is written in texts. */
export function describeToken(token: unknown): string {
  return typeof token === 'function' ? token.name || 'a class without a name' : String(token);
}
