import { checkOptions, describeValue, type Problems } from '@leveret/core';
import type { HandlerDeclaration } from '../decorators/class-record.js';
import type { HandlerOptions } from '../decorators/handler.js';
import type { ElementTarget, PayloadTarget } from '../payload/payload-target.js';
import type { AnyClass } from './class-kind.js';
import { type Named, passingNameFault, sourceNameOf } from './class-name.js';
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

const BY_DECORATOR: HowToSay = {
  any: "@Handler(PaySucceeded), @Handler({ type: 'pay.succeeded' }), or @Handler({ isDefault: true })",
  type: (type) => `@Handler(${type}, { type: '${type}' })`,
};

/** Reads the `@Handler` methods of a class listener into the map from type to route. */
export function readHandlers(listenerClass: AnyClass, merged: MergedClass, problems: Problems): HandlerPlan {
  const byType = new HandlersByType(BY_DECORATOR);
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
  readonly #howToSay: HowToSay;
  readonly #namedAfter = new Map<string, Named>();
  #defaultRoute: RoutePlan | undefined;

  /** @param howToSay which type a handler takes, for the text of a fault */
  constructor(howToSay: HowToSay) {
    this.#howToSay = howToSay;
  }

  get plan(): HandlerPlan {
    const [routes, defaultRoute, namedAfter] = [this.#routes, this.#defaultRoute, this.#namedAfter];
    return { kind: 'by-type', routes, defaultRoute, namedAfter };
  }

  /** The names of the types that a handler takes: its own, else those of its class. */
  namesOf(
    { types, isDefault }: Pick<HandlerReading, 'types' | 'isDefault'>,
    route: RoutePlan,
    problems: Problems,
  ): readonly string[] {
    if (types.length > 0) return types;
    const { target } = route;
    if (target === undefined || !isNamed(target)) {
      // With no target at all the payload parameter has been reported already, or there is none.
      if (!isDefault)
        problems.add(`it is not known which type of message it takes. Say so: ${this.#howToSay.any} for all others`);
      return [];
    }
    const published = publishAddressOf(target.type.prototype as object | null)?.type;
    if (published !== undefined) return [published];
    return [this.#nameOf(target.type, problems)];
  }

  /** Messages of this type outlive the build that sent them. */
  #nameOf(type: Named, problems: Problems): string {
    const { name } = type;
    const known = this.#namedAfter.get(name);
    if (known !== undefined && known !== type) problems.add(twoOfOneName(name, type));
    else this.#namedAfter.set(name, type);
    const line = this.#howToSay.type(sourceNameOf(type));
    const kept = 'Messages of any other type are rejected.';
    const fault = passingNameFault(type, `its type ${describeValue(name)}`, kept, line);
    if (fault !== undefined) problems.add(fault);
    return name;
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

/** How a handler says which type it takes, for the text of a fault. */
export interface HowToSay {
  readonly any: string;
  /** @param type the one to be said */
  readonly type: (type: string) => string;
}

/** The fault of a type that two classes bear by their name. */
export function twoOfOneName(name: string, type: Named): string {
  return `two classes are called ${name}, so that both have the type ${describeValue(name)}, and a bundler may rename one of them. Say in both places which type they take: ${BY_DECORATOR.type(sourceNameOf(type))}`;
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
