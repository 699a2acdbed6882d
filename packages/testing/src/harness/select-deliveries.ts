import { HarnessError } from '../errors/harness-error.js';
import type { DeliveryRecord } from '../watch/delivery-record.js';
import type { AnyClass } from './any-class.js';

/** What is known of the handler of a delivery. */
export interface Naming {
  /** Such as `PayStatusListener.onPaySucceeded`. */
  readonly nameOf: (record: DeliveryRecord) => string;
  /** The class of its listener, once that has been called. */
  readonly classOf: (record: DeliveryRecord) => AnyClass | undefined;
}

/** Chooses the deliveries of listeners. */
export function byIds(ids: ReadonlySet<string>): (record: DeliveryRecord) => boolean {
  return ({ listenerId }) => ids.has(listenerId);
}

/**
 * Chooses the deliveries of a class, or of one of its methods. A base class stands for those of the harness's listeners
 * that extend it.
 * @throws {HarnessError} when the class is none of the listeners, or has no such method
 */
export function byClass(
  listenerClass: AnyClass,
  method: string | undefined,
  listeners: readonly unknown[],
  { nameOf, classOf }: Naming,
): (record: DeliveryRecord) => boolean {
  const classes = listeners.flatMap(classOfListener);
  const chosen = classes.filter((each) => each === listenerClass || each.prototype instanceof listenerClass);
  if (chosen.length === 0) {
    const known = classes.map(({ name }) => name).join(', ') || 'none';
    throw new HarnessError(
      `expected one of the harness's listeners (${known}), received ${listenerClass.name || 'a function that is none'}`,
    );
  }
  if (method !== undefined && typeof (listenerClass.prototype as Record<string, unknown>)[method] !== 'function') {
    throw new HarnessError(`expected a method of ${listenerClass.name}, received ${JSON.stringify(method)}`);
  }
  return (record) => {
    const name = nameOf(record);
    const known = classOf(record);
    return chosen.some((each) => {
      // Classes may share a name; which is which is known once the listener has been called.
      if (known !== undefined && known !== each) return false;
      return method === undefined
        ? name === each.name || name.startsWith(`${each.name}.`)
        : name === `${each.name}.${method}`;
    });
  };
}

/** The class of what stands in `listeners`: a class, or an instance of one. */
function classOfListener(listener: unknown): readonly AnyClass[] {
  if (typeof listener === 'function') return listener.prototype === undefined ? [] : [listener as AnyClass];
  return typeof listener === 'object' && listener !== null ? [listener.constructor as AnyClass] : [];
}
