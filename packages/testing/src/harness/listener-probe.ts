import type { DeliveryEvent } from '@leveret/core';
import type { DeliveryOutcome, DeliveryRecord, HandlerCall } from '../watch/delivery-record.js';

/** One delivery as a test sees it. */
export interface ObservedDelivery<Arguments extends readonly unknown[] = readonly unknown[], Result = unknown> {
  readonly message: DeliveryRecord['message'];
  readonly queue: string;
  /** `undefined` as long as nothing has been decided. */
  readonly outcome: DeliveryOutcome | undefined;
  readonly calls: readonly HandlerCall<Arguments, Result>[];
  /** What leveret reported of it, in order. */
  readonly events: readonly DeliveryEvent[];
}

/** What happened to a listener. Everything is a picture of the moment in which it is asked for. */
export class ListenerProbe<Arguments extends readonly unknown[] = readonly unknown[], Result = unknown> {
  readonly #select: () => readonly DeliveryRecord[];

  constructor(select: () => readonly DeliveryRecord[]) {
    this.#select = select;
  }

  /** Every call of the handler, retries included, in the order in which the deliveries arrived. */
  get calls(): readonly HandlerCall<Arguments, Result>[] {
    return this.deliveries.flatMap(({ calls }) => calls);
  }

  /** The payload of each delivery that reached the handler, once however often it was tried. */
  get payloads(): readonly unknown[] {
    return this.#select().flatMap(({ calls: [first] }) => (first === undefined ? [] : [first.payload]));
  }

  /** What became of each delivery, in the order in which they arrived. What is not decided is left out. */
  get outcomes(): readonly DeliveryOutcome[] {
    return this.#select().flatMap(({ outcome }) => outcome ?? []);
  }

  /** Everything about each delivery, in the order in which they arrived. */
  get deliveries(): readonly ObservedDelivery<Arguments, Result>[] {
    return this.#select().map(({ message, queue, outcome, calls, events }) => ({
      message,
      queue,
      outcome,
      calls: calls.map((call) => ({ ...call }) as HandlerCall<Arguments, Result>),
      events: [...events],
    }));
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the methods of a class take anything
type Method = (...args: any[]) => unknown;
/** The names of the methods of a listener. */
export type MethodName<T> = { [Key in keyof T]: T[Key] extends Method ? Key : never }[keyof T] & string;
/** The probe of a method, with the types of its parameters and its result. */
export type ProbeOf<T> = T extends Method ? ListenerProbe<Parameters<T>, Awaited<ReturnType<T>>> : never;
