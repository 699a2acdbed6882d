import type {
  DeliveryContext,
  Interceptor,
  InterceptorFunction,
  ListenerOptions,
  PayloadType,
  ScheduleOptions,
  ScheduleTimes,
} from 'leveret';

/** What a situation does with a message. */
// biome-ignore lint/suspicious/noExplicitAny: each situation knows its own payload
export type Call = (event: any, context: DeliveryContext) => unknown;

/** What goes into `listeners` or `schedules`. */
export type Declared = object;

export interface DeclaredHeaderValues {
  readonly tenant: string;
  readonly version: number;
  readonly trace: string | undefined;
}

/** A way of declaring listeners: with legacy decorators, with standard ones, or with functions. Situations are the same for all. */
export interface Way {
  readonly name: string;
  /** The payload is whatever is sent. */
  any(options: ListenerOptions, call: Call): Declared;
  payload(type: PayloadType, options: ListenerOptions, call: Call): Declared;
  /** The type is what the compiler left of the parameter; `undefined` where it leaves nothing. */
  reflected: ((options: ListenerOptions, call: Call) => Declared) | undefined;
  nothing(options: ListenerOptions, call: () => unknown): Declared;
  /** Takes `x-tenant` (required), `x-version` (a number, 1 by default) and `x-trace` (optional). */
  headers(options: ListenerOptions, call: (event: object, headers: DeclaredHeaderValues) => unknown): Declared;
  /** Once for each message, by `event.key`. */
  once(options: ListenerOptions, call: Call): Declared;
  /** Once for each message, by its id. */
  onceById(options: ListenerOptions, call: Call): Declared;
  replying(options: ListenerOptions, sendTo: string, call: Call): Declared;
  surrounded(options: ListenerOptions, around: readonly (InterceptorFunction | Interceptor)[], call: Call): Declared;
  byType(
    options: ListenerOptions,
    calls: { readonly paid: Call; readonly refunded: Call; readonly other: () => unknown },
  ): Declared;
  scheduled(times: ScheduleTimes, options: ScheduleOptions, call: (signal: AbortSignal) => unknown): Declared;
  /** An instance with a dependency, or what stands for it. */
  withDependency(options: ListenerOptions, dependency: { called(event: object): void }): Declared;
  /** Two listeners in one class, the second inherited from a base class; functions: two of them. */
  two(first: ListenerOptions, second: ListenerOptions, call: Call): readonly Declared[];
}
