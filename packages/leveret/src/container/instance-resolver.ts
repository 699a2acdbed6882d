import type { DeliveryContext } from '@leveret/core';
import type { HandlerFramework } from '../handler/handler-framework.js';
import type { InstanceSource } from '../handler/instance-source.js';
import type { AnyClass } from '../reading/class-kind.js';
import type { ServiceToken } from './container-port.js';

/** Where instances of listeners, interceptors, recoverers, converters and stores come from. */
export interface InstanceResolver {
  /** Where instances of a class come from. Rejects with the reason when one cannot be made. */
  source<T extends object>(service: AnyClass<T>): Promise<InstanceSource<T>>;
  /** The one instance of a class that must not be made anew, such as a recoverer. */
  single<T extends object>(service: AnyClass<T>): Promise<T>;
  /** What the container has for a text or a symbol; `undefined` when it knows that it has nothing. */
  token(token: string | symbol): Promise<{ readonly instance: unknown } | undefined>;
  /** Has a value injected, unless the container has one already. */
  provide(service: ServiceToken, value: unknown): void;
  /** Has a value injected instead of whatever the container has. */
  replace(service: ServiceToken, value: unknown): Promise<void>;
  /** What runs around the methods of what it makes; `undefined` when nothing does. */
  readonly framework?: HandlerFramework | undefined;
  /** An attempt has ended: what was made for it alone can be let go. `undefined` when nothing is. */
  readonly attemptEnded: ((context: DeliveryContext) => void) | undefined;
  /** Lets go of what was made here. What fails at it keeps nothing else from being let go. */
  release(): Promise<void>;
}
