import type { ServiceToken } from './container-port.js';

/** How a test takes part in the making of instances, whatever container makes them. */
export interface InstanceHooks {
  /** What is injected instead of what the container has. In a container known by its port alone: what leveret asks it for. */
  readonly replaced?: Iterable<readonly [service: ServiceToken, value: unknown]>;
  /**
   * Told of each instance whose methods are listeners, before one is called.
   * @param listener what stood in `listeners` or `schedules`: the class, the instance, or the declared function
   * @param id of the listener or schedule; told of each that the instance has
   */
  readonly onInstance?: ((listener: unknown, instance: object, id: string) => void) | undefined;
}
