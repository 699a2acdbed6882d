import type { AttemptParts } from '../delivery/attempt-parts.js';
import type { DeliveryContext } from '../delivery/delivery-context.js';
import { LeveretError } from '../errors/leveret-error.js';
import type { InterceptorFunction } from './interceptor.js';

/**
 * Puts interceptors around a handler, the first outermost. With none, the handler itself is the result.
 *
 * An interceptor that returns without waiting for `next()` neither ends the attempt early nor hides a failure: the
 * attempt lasts until what `next()` started has ended, and fails when that fails. One that throws gives the attempt its
 * result at once, as a time limit of its own has to; `parts` hears when what it left behind has ended. A second `next()`
 * throws `LEV_NEXT_CALLED_TWICE`, one behind the result `LEV_ATTEMPT_OVER`.
 */
export function composeInterceptors(
  interceptors: readonly InterceptorFunction[],
  handler: (context: DeliveryContext) => unknown,
): Composed {
  return interceptors.reduceRight<Composed>(
    (inner, interceptor) => (context, parts) => runInterceptor(interceptor, context, parts, inner),
    handler,
  );
}

type Composed = (context: DeliveryContext, parts?: AttemptParts) => unknown;

async function runInterceptor(
  interceptor: InterceptorFunction,
  context: DeliveryContext,
  parts: AttemptParts | undefined,
  inner: Composed,
): Promise<unknown> {
  let started: InnerCall | undefined;
  const next = (): Promise<unknown> => {
    if (started !== undefined) {
      throw new LeveretError(
        'LEV_NEXT_CALLED_TWICE',
        `An interceptor of listener ${context.listenerId} called next() a second time; one attempt runs its handler once. Use retry for further attempts.`,
      );
    }
    started = InnerCall.start(() => inner(context, parts), parts);
    return started;
  };
  const result = await interceptor(context, next);
  // What the interceptor did not wait for is still part of the attempt: acknowledging before it ends, or although it
  // failed, could lose the message.
  if (started !== undefined && !(started.ended && started.awaited)) await started;
  return result;
}

/** What `next()` started: a promise that knows whether it has ended, and whether anybody asked how. */
class InnerCall extends Promise<unknown> {
  awaited = false;
  ended = false;

  static start(call: () => unknown, parts: AttemptParts | undefined): InnerCall {
    parts?.began();
    const started = new InnerCall((resolve) => resolve(callInner(call)));
    const ended = () => {
      started.ended = true;
      parts?.ended();
    };
    // Not through the own then(): this look does not count. It also keeps a failure from being an unhandled one.
    Promise.prototype.then.call(started, ended, ended);
    return started;
  }

  // biome-ignore lint/suspicious/noThenProperty: await, catch() and finally() all come through here
  override then<A = unknown, B = never>(
    onFulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.awaited = true;
    return super.then(onFulfilled, onRejected);
  }
}

async function callInner(call: () => unknown): Promise<unknown> {
  return call();
}
