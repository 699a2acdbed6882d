import { checkOptions, describeValue, type Problems } from '@leveret/core';
import type { HandlerDeclaration } from '../decorators/class-record.js';
import type { HandlerOptions } from '../decorators/handler.js';
import type { ElementTarget, PayloadTarget } from '../payload/payload-target.js';
import type { AnyClass } from './class-kind.js';
import type { HandlerPlan, RoutePlan } from './listener-plan.js';
import type { MergedClass, MergedMethod } from './merged-record.js';
import { publishAddressOf } from './publish-address.js';
import { type DeclaredHeaders, readHeaders } from './read-headers.js';
import { readIdempotent } from './read-idempotent.js';
import { type DeclaredParameters, readParameters } from './read-parameters.js';
import { readGivenType } from './read-payload-type.js';
import { readSendTo } from './read-send-to.js';

/** Reads a method as the handler of a route. */
export function readRoute(
  listenerClass: AnyClass,
  merged: MergedClass,
  method: MergedMethod,
  declared: DeclaredParameters,
  problems: Problems,
): RoutePlan {
  return {
    name: `${listenerClass.name}.${String(method.key)}`,
    key: method.key,
    ...readParameters(listenerClass.prototype as object, method, declared, problems),
    interceptors: [...merged.interceptors, ...method.interceptors],
    sendTo: readSendTo(method.sendTo.length > 0 ? method.sendTo : merged.sendTo, problems),
    idempotent: readIdempotent(merged.idempotent, method.idempotent, problems),
  };
}

/** Reads the `@Handler` methods of a class listener into the map from type to route. */
export function readHandlers(listenerClass: AnyClass, merged: MergedClass, problems: Problems): HandlerPlan {
  const byType = new HandlersByType(
    "@Handler(PaySucceeded), @Handler({ type: 'pay.succeeded' }), or @Handler({ isDefault: true })",
  );
  const methods = merged.methods.filter(({ handlers }) => handlers.length > 0);
  if (methods.length === 0) {
    problems.add(
      'the class has @Listener but no method with @Handler. Put @Handler(PaySucceeded) on the methods that take messages, or @Listener on a method instead',
    );
  }
  for (const method of methods) {
    const place = problems.at(`@Handler ${String(method.key)}`);
    if (method.handlers.length > 1)
      place.add(`@Handler stands ${method.handlers.length} times; give one all names: { type: ['a', 'b'] }`);
    const declaration = method.handlers[0] as HandlerDeclaration;
    const given = declaration.typeGiven ? readGivenType(declaration.type, '@Handler', place) : undefined;
    const { types, isDefault, headers } = readHandlerOptions(declaration.options, place);
    const declared = { target: given && ({ by: '@Handler', target: given } as const), headers };
    const route = readRoute(listenerClass, merged, method, declared, place);
    byType.add(route, byType.namesOf({ types, isDefault }, route, place), isDefault, place);
  }
  return byType.plan;
}

/** The handlers of a listener, among which the type of a message chooses. */
export class HandlersByType {
  readonly #routes = new Map<string, RoutePlan>();
  readonly #howToSay: string;
  #defaultRoute: RoutePlan | undefined;

  /** @param howToSay which type a handler takes, for the text of a fault */
  constructor(howToSay: string) {
    this.#howToSay = howToSay;
  }

  get plan(): HandlerPlan {
    return { kind: 'by-type', routes: this.#routes, defaultRoute: this.#defaultRoute };
  }

  /** The names of the types that a handler takes: its own, else those of its class. */
  namesOf(
    { types, isDefault }: Pick<HandlerReading, 'types' | 'isDefault'>,
    route: RoutePlan,
    problems: Problems,
  ): readonly string[] {
    return types.length > 0 ? types : defaultNames(route, isDefault, this.#howToSay, problems);
  }

  add(route: RoutePlan, names: readonly string[], isDefault: boolean, problems: Problems): void {
    for (const name of names) {
      const other = this.#routes.get(name);
      if (other === undefined) this.#routes.set(name, route);
      else problems.add(`${other.name} takes messages of type ${JSON.stringify(name)} already; a type has one handler`);
    }
    if (!isDefault) return;
    if (this.#defaultRoute !== undefined)
      problems.add(`${this.#defaultRoute.name} is the default handler already; there is one at most`);
    this.#defaultRoute ??= route;
  }
}

/**
 * Without names of its own a handler takes what the class is published as, else the name of the class; nothing when it is the
 * default and no class is known.
 */
function defaultNames(route: RoutePlan, isDefault: boolean, howToSay: string, problems: Problems): readonly string[] {
  const { target } = route;
  if (target !== undefined && isNamed(target)) {
    return [publishAddressOf(target.type.prototype as object | null)?.type ?? target.type.name];
  }
  if (!isDefault) {
    // With no target at all the payload parameter has been reported already, or there is none.
    problems.add(`it is not known which type of message it takes. Say so: ${howToSay} for all others`);
  }
  return [];
}

/** A schema has no name that its messages could bear. */
function isNamed(target: PayloadTarget): target is Exclude<ElementTarget, { readonly kind: 'schema' }> {
  return target.kind !== 'array' && target.kind !== 'schema' && target.type !== Object;
}

/** What `@Handler` and `handler(...)` say besides the payload. */
export interface HandlerReading {
  readonly types: readonly string[];
  readonly isDefault: boolean;
  readonly headers: DeclaredHeaders | undefined;
}

const NOTHING_SAID: HandlerReading = { types: [], isDefault: false, headers: undefined };
const OPTION_NAMES = Object.keys({ type: true, isDefault: true, headers: true } satisfies Record<
  keyof HandlerOptions,
  true
>);

function readHandlerOptions(options: unknown, problems: Problems): HandlerReading {
  if (options === undefined) return NOTHING_SAID;
  if (!checkOptions(options, OPTION_NAMES, '@Handler', problems)) return NOTHING_SAID;
  return readTypes(options, '@Handler', problems);
}

/** @param what how faults name the options */
export function readTypes(options: HandlerOptions, what: string, problems: Problems): HandlerReading {
  const { type, isDefault, headers } = options;
  const types: readonly unknown[] = type === undefined ? [] : Array.isArray(type) ? type : [type];
  for (const name of types) {
    if (typeof name !== 'string' || name === '') {
      problems.add(`type of ${what} must be a name or an array of names; got ${describeValue(name)}`);
    }
  }
  if (isDefault !== undefined && typeof isDefault !== 'boolean') {
    problems.add(`isDefault of ${what} must be true or false; got ${describeValue(isDefault)}`);
  }
  return {
    types: types.filter((name): name is string => typeof name === 'string' && name !== ''),
    isDefault: isDefault === true,
    headers: readHeaders(headers, problems),
  };
}
