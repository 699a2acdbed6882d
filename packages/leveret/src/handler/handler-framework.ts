import type { DeliveryContext, PayloadClass } from '@leveret/core';
import type { ParameterPlan } from '../reading/listener-plan.js';

/** What a parameter of a handler method takes. */
export interface HandlerParameter {
  readonly kind: ParameterPlan['kind'];
  /** Of a header: its name. */
  readonly name?: string | undefined;
  /** Of a payload: its class, `Array` where it is an array of one. Nothing is known of what a schema makes. */
  readonly type?: PayloadClass | undefined;
}

/** A call of a handler method that is due. */
export interface HandlerInvocation {
  /** What the container made. */
  readonly instance: object;
  /** Of the method, such as `onPaySucceeded`. */
  readonly key: string | symbol;
  /** What the method is to be called with. */
  readonly args: readonly unknown[];
  /** What each of them is. */
  readonly parameters: readonly HandlerParameter[];
  /** Of the attempt. */
  readonly context: DeliveryContext;
}

/**
 * A framework that runs something of its own around handler methods, inside the interceptors of leveret and inside the attempt.
 * Where there is one, nothing warns of decorators that leveret does not look at: they are the framework's.
 */
export interface HandlerFramework {
  /**
   * Calls the method. What it answers, or throws, is the result of the attempt.
   * @param call names the method by its key; `instance[key](...args)` is what is done without a framework
   */
  invoke(call: HandlerInvocation): unknown;
  /**
   * Whether the framework makes the instance of the payload, and checks it: then the body is read (JSON, text, bytes), and handed
   * over as it is. Asked once for each method whose
   * payload is of a class, at start. Default: it does not.
   */
  makesPayload?(listenerClass: abstract new (...args: never) => unknown, key: string | symbol): boolean;
}
