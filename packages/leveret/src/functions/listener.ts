import type { PayloadType } from '@leveret/core';
import type { HeaderDeclarations } from '../decorators/header-declarations.js';
import type { ListenerOptions } from '../decorators/listener-options.js';
import { type Declared, declare } from './declared-function.js';
import type { DeclaredHandler } from './handler.js';
import type { HandlerCall, HandlerSurroundings } from './handler-surroundings.js';

/** Options of {@link listener}: those of `@Listener`, and what further decorators say of a method. */
export interface ListenerFunctionOptions<
  Payload extends PayloadType | undefined = PayloadType | undefined,
  Headers extends HeaderDeclarations = HeaderDeclarations,
> extends Omit<ListenerOptions, 'queue' | 'payload' | 'headers' | 'id'>,
    HandlerSurroundings {
  /** Queue to consume from. */
  readonly queue: NonNullable<ListenerOptions['queue']>;
  /**
   * Name of the listener: for look-up, logs, headers, and what was handled. Unique. Default: the name of the queue, else of the
   * function.
   */
  readonly id?: string;
  /**
   * What the payload is: a class, a schema (zod, valibot, arktype), `String`, `Number`, `Boolean`, `Buffer`, `Object` for
   * whatever is sent, or one of them in an array. Without it the body is not read.
   */
  readonly payload?: Payload;
  /** Headers for `context.headers`: `{ tenant: 'x-tenant' }`. A message without a required one is rejected. */
  readonly headers?: Headers;
}

/** Options of {@link listener} with handlers by type. What surrounds all of them is said here. */
export interface TypedListenerOptions
  extends Omit<ListenerFunctionOptions<undefined, Record<never, never>>, 'payload' | 'headers'> {
  /** What {@link handler} makes: the type of a message chooses among them. */
  readonly handlers: readonly DeclaredHandler[];
}

/** What {@link listener} makes: the function, which `Leveret.start({ listeners })` takes. */
export type DeclaredListener<Call = unknown> = Call & Declared<'listener'>;

/**
 * Makes a plain function handle the messages of a queue: `@Listener` for those who have no classes, or no decorators.
 *
 * ```ts
 * const onPaid = listener(
 *   { queue: 'trade.pay.success.queue', payload: PaySucceeded, headers: { tenant: 'x-tenant' }, retry: { maxAttempts: 3 } },
 *   async (event, { headers }) => orders.markPaid(event.orderId, headers.tenant),
 * );
 * await Leveret.start({ listeners: [onPaid] });
 * ```
 *
 * Nothing is checked here: `Leveret.start` reads all listeners, and reports every fault at once. What is returned can be called as
 * the function itself, as by a test.
 * @param options the queue, and all that `@Listener`, `@UseInterceptors`, `@SendTo` and `@Idempotent` can say
 * @param call gets the payload and the context; what it returns is the reply
 */
export function listener<
  const Payload extends PayloadType | undefined = undefined,
  const Headers extends HeaderDeclarations = Record<never, never>,
  Call extends HandlerCall<Payload, Headers> = HandlerCall<Payload, Headers>,
>(
  options: ListenerFunctionOptions<Payload, Headers>,
  call: Call & HandlerCall<Payload, Headers>,
): DeclaredListener<Call>;
/** The same with several handlers, among which the type of a message chooses. */
export function listener(options: TypedListenerOptions): DeclaredListener;
export function listener(options: object, call?: unknown): DeclaredListener {
  return declare({ kind: 'listener', options, call });
}
