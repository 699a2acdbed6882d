import type { ReadOptions, ReplyAddress } from '@leveret/core';
import type { IdempotentOptions } from '../decorators/idempotent.js';
import type { LISTENER_OWN_OPTIONS, ListenerOptions } from '../decorators/listener-options.js';
import type { InterceptorLike } from '../interceptor/interceptor-like.js';
import { elementOf, type PayloadTarget } from '../payload/payload-target.js';
import type { AnyClass } from './class-kind.js';
import type { Named } from './class-name.js';
import type { ListenerHome } from './listener-home.js';
import type { DeclaredHeaders, HeaderPlan } from './read-headers.js';

/** A listener as its class declares it: read and checked, nothing made yet. */
export interface ListenerPlan {
  readonly id: string;
  /** The class, or the function, whose name the id is made of; `undefined` for an id that was given. */
  readonly idOf: AnyClass | ((...given: never[]) => unknown) | undefined;
  /** How faults name it, such as `listener Orders.onPaid`. */
  readonly place: string;
  readonly home: ListenerHome;
  readonly options: ListenerOptions;
  /** What it alone can say, read. */
  readonly own: ReadOptions<typeof LISTENER_OWN_OPTIONS>;
  readonly handler: HandlerPlan;
}

/** One method takes every message, or the type of a message chooses among several. */
export type HandlerPlan =
  | { readonly kind: 'single'; readonly route: RoutePlan }
  | {
      readonly kind: 'by-type';
      /** By the name that senders give the type. */
      readonly routes: ReadonlyMap<string, RoutePlan>;
      readonly defaultRoute: RoutePlan | undefined;
      /** Types that nobody gave: the names of classes. */
      readonly namedAfter: ReadonlyMap<string, Named>;
    };

/** One handler method: what it takes and what stands around it. */
export interface RoutePlan {
  /** Such as `Orders.onPaid`. */
  readonly name: string;
  readonly key: string | symbol;
  readonly parameters: readonly ParameterPlan[];
  readonly target: PayloadTarget | undefined;
  /** Of the class, then of the method. */
  readonly interceptors: readonly InterceptorLike[];
  readonly sendTo: ReplyAddress | undefined;
  /** Of the method over those of the class; `undefined` when it may take effect twice. */
  readonly idempotent: IdempotentOptions | undefined;
}

/** Where the value of one parameter comes from. */
export type ParameterPlan =
  | { readonly kind: 'payload' }
  | { readonly kind: 'headers' | 'message' | 'transaction' }
  /** With `headers`, the context also has these. */
  | { readonly kind: 'context'; readonly headers?: DeclaredHeaders | undefined }
  | HeaderPlan;

/** All handler methods of a listener. */
export function routesOf(handler: HandlerPlan): readonly RoutePlan[] {
  if (handler.kind === 'single') return [handler.route];
  const routes = new Set(handler.routes.values());
  if (handler.defaultRoute !== undefined) routes.add(handler.defaultRoute);
  return [...routes];
}

/** Whether a payload becomes an instance of a class, by the decorators of class-transformer and class-validator. */
export function readsClasses(plans: readonly ListenerPlan[]): boolean {
  const routes = plans.flatMap(({ handler }) => routesOf(handler));
  return routes.some(({ target }) => target !== undefined && elementOf(target).kind === 'class');
}
