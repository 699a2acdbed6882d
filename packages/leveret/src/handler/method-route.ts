import {
  composeInterceptors,
  type DeliveryContext,
  type HandlerRoute,
  type InterceptorFunction,
  type Message,
  type PayloadClass,
} from '@leveret/core';
import { type PayloadReader, payloadReader, type ReadingPolicy } from '../payload/payload-reader.js';
import type { PayloadTarget } from '../payload/payload-target.js';
import type { ParameterPlan, RoutePlan } from '../reading/listener-plan.js';
import type { HeaderPlan } from '../reading/read-headers.js';
import { ContextWithHeaders } from './context-with-headers.js';
import { tellingTheEnd } from './end-of-attempt.js';
import type { HandlerFramework, HandlerParameter } from './handler-framework.js';
import { headerValue } from './header-value.js';
import { type InstanceSource, withInstance } from './instance-source.js';

/** What a route needs besides its plan. */
export interface RouteParts extends ReadingPolicy {
  readonly source: InstanceSource;
  /** Outermost first: global, of the class, of the method. */
  readonly interceptors: readonly InterceptorFunction[];
  /** What calls the method, when a framework does. */
  readonly framework?: HandlerFramework | undefined;
  /** The framework makes the instance of the payload: the body is only read. */
  readonly payloadIsMade?: boolean;
  /** Told the end of each attempt, when something is made for attempts that has to be let go. */
  readonly attemptEnded?: ((context: DeliveryContext) => void) | undefined;
}

/** Makes a method of a listener class a route: all that can be worked out beforehand is. */
export function methodRoute(plan: RoutePlan, parts: RouteParts): HandlerRoute {
  const read = payloadReader(parts.payloadIsMade === true ? AS_READ : plan.target, parts);
  const callOn = parts.framework === undefined ? directCall(plan) : frameworkCall(plan, parts.framework);
  const call = (context: DeliveryContext): unknown =>
    withInstance(parts.source, context, (instance) => callOn(instance, context));
  const invoke = composeInterceptors(parts.interceptors, call);
  return {
    name: plan.name,
    convert: withHeadersChecked(plan.parameters, read),
    invoke: parts.attemptEnded === undefined ? invoke : tellingTheEnd(invoke, parts.attemptEnded),
    reply: { sendTo: plan.sendTo, encode: (value) => parts.converter.toMessage(value, {}) },
  };
}

type CallOn = (instance: object, context: DeliveryContext) => unknown;

function directCall(plan: RoutePlan): CallOn {
  const argumentsOf = argumentsBuilder(plan.parameters);
  return (instance, context) => {
    const method = (instance as Record<string | symbol, (...args: unknown[]) => unknown>)[plan.key];
    return method?.apply(instance, argumentsOf(context));
  };
}

function frameworkCall({ key, parameters: plans, target }: RoutePlan, framework: HandlerFramework): CallOn {
  const argumentsOf = argumentsBuilder(plans);
  const parameters = plans.map((plan) => describeParameter(plan, target));
  return (instance, context) => framework.invoke({ instance, key, args: argumentsOf(context), parameters, context });
}

const AS_READ: PayloadTarget = { kind: 'as-read', type: Object };

function describeParameter(plan: ParameterPlan, target: PayloadTarget | undefined): HandlerParameter {
  if (plan.kind === 'header') return { kind: plan.kind, name: plan.name };
  if (plan.kind !== 'payload' || target === undefined) return { kind: plan.kind };
  if (target.kind === 'array') return { kind: plan.kind, type: Array };
  return typeof target.type === 'function'
    ? { kind: plan.kind, type: target.type as PayloadClass }
    : { kind: plan.kind };
}

/** A message without a required header is refused before any interceptor runs, as one with a bad body is. */
function withHeadersChecked(parameters: readonly ParameterPlan[], read: PayloadReader): PayloadReader {
  const headers = parameters.flatMap(headersOf).filter((plan) => plan.required || plan.as);
  if (headers.length === 0) return read;
  return (message: Message) => {
    for (const plan of headers) headerValue(plan, message);
    return read(message);
  };
}

function headersOf(plan: ParameterPlan): readonly HeaderPlan[] {
  if (plan.kind === 'header') return [plan];
  return plan.kind === 'context' ? [...(plan.headers?.values() ?? [])] : [];
}

function argumentsBuilder(plans: readonly ParameterPlan[]): (context: DeliveryContext) => unknown[] {
  const [first, second] = plans;
  if (first?.kind === 'payload' && plans.length === 1) return (context) => [context.payload];
  if (first?.kind === 'payload' && second?.kind === 'context' && second.headers === undefined && plans.length === 2) {
    return (context) => [context.payload, context];
  }
  return (context) => plans.map((plan) => argument(plan, context));
}

function argument(plan: ParameterPlan, context: DeliveryContext): unknown {
  switch (plan.kind) {
    case 'payload':
      return context.payload;
    case 'header':
      return headerValue(plan, context.message);
    case 'headers':
      return context.message.headers;
    case 'message':
      return context.message;
    case 'context':
      return plan.headers === undefined ? context : new ContextWithHeaders(context, plan.headers);
    case 'transaction':
      return context.transaction;
    default:
      return plan satisfies never;
  }
}
