import type { DeliveryContext } from '../delivery/delivery-context.js';

/** Goes on to the next interceptor, or to the handler; resolves to what the handler returned. Call it at most once. */
export type Next = () => Promise<unknown>;

/**
 * Advice around a handler: runs once for each attempt, may look, wait, replace the result, or throw. What it throws
 * counts as thrown by the handler.
 */
export type InterceptorFunction = (context: DeliveryContext, next: Next) => unknown;

/** An interceptor as a class, resolved from the container. */
export interface Interceptor {
  intercept(context: DeliveryContext, next: Next): unknown;
}
