import { checkKnown, describeValue, type Problems, readOptions } from '@leveret/core';
import type { ListenerDeclaration } from '../decorators/class-record.js';
import { LISTENER_OPTIONS, LISTENER_OWN_OPTIONS, type ListenerOptions } from '../decorators/listener-options.js';
import { type FunctionRecord, functionRecordOf } from '../functions/declared-function.js';
import type { AnyClass } from './class-kind.js';
import { checkName, type Named } from './class-name.js';
import { type ClassHome, homeOf } from './listener-home.js';
import type { HandlerPlan, ListenerPlan, RoutePlan } from './listener-plan.js';
import { type MergedClass, mergedRecord } from './merged-record.js';
import { readHandlers, readRoute, twoOfOneName } from './read-handlers.js';
import { readHeaders } from './read-headers.js';
import { readListenerFunction } from './read-listener-function.js';
import { readGivenType } from './read-payload-type.js';

/**
 * Reads the listeners of all classes. Adds every fault of every class to `problems`; what is answered is complete only
 * when there are none.
 */
export function readListeners(classes: unknown, problems: Problems): readonly ListenerPlan[] {
  if (!Array.isArray(classes)) {
    problems.add(`listeners must be an array of classes; got ${describeValue(classes)}`);
    return [];
  }
  const plans = [...new Set<unknown>(classes)].flatMap((each) => readOne(each, problems));
  const repeated = classes.filter((each, index) => classes.indexOf(each) !== index);
  for (const each of new Set<unknown>(repeated)) problems.add(`listeners holds ${describeValue(each)} more than once`);
  checkIds(plans, problems);
  checkTypes(plans, problems);
  return plans;
}

function readOne(given: unknown, problems: Problems): readonly ListenerPlan[] {
  const declared = functionRecordOf(given);
  if (declared?.kind === 'listener') return readListenerFunction(given, declared, problems);
  const home = homeOf(given);
  if (home === undefined) {
    problems.add(
      `listeners holds ${describeValue(given)}; expected a class${given === undefined ? ' (undefined comes of a circular import)' : `, an instance of one, or what listener(...) makes${insteadOf(declared)}`}`,
    );
    return [];
  }
  const listenerClass = home.class;
  const { name } = listenerClass;
  const merged = mergedRecord(listenerClass);
  const place = problems.at(`class ${name}`);
  for (const fault of merged?.misplaced ?? []) place.add(fault);
  if (merged === undefined || !declaresListeners(merged)) {
    const misplaced = merged !== undefined && merged.misplaced.length > 0;
    const handlers = merged?.methods.some(({ handlers }) => handlers.length > 0) === true;
    if (handlers) place.add('a method has @Handler, but the class has no @Listener that says from which queue');
    else if (!misplaced) place.add(`has no @Listener, neither on the class nor on a method${scheduledOnly(merged)}`);
    return [];
  }
  return [...readClassListeners(home, merged, problems), ...readMethodListeners(home, merged, problems)];
}

function insteadOf(declared: FunctionRecord | undefined): string {
  if (declared?.kind === 'schedule') return '. What schedule(...) makes belongs in schedules';
  return declared?.kind === 'handler' ? '. What handler(...) makes belongs in listener({ queue, handlers })' : '';
}

function scheduledOnly(merged: MergedClass | undefined): string {
  const scheduled = merged?.methods.some(({ schedules }) => schedules.length > 0) === true;
  return scheduled ? '. It has @Scheduled, and belongs in schedules' : '';
}

function declaresListeners(merged: MergedClass): boolean {
  return merged.listeners.length > 0 || merged.methods.some(({ listeners }) => listeners.length > 0);
}

function readClassListeners(home: ClassHome, merged: MergedClass, problems: Problems): readonly ListenerPlan[] {
  const listenerClass = home.class;
  if (merged.listeners.length === 0) {
    for (const { key, handlers } of merged.methods) {
      if (handlers.length > 0) {
        problems
          .at(`class ${listenerClass.name}`)
          .add(`${String(key)} has @Handler, but the class has no @Listener that says from which queue`);
      }
    }
    return [];
  }
  const handler = readHandlers(listenerClass, merged, problems.at(`listener ${listenerClass.name}`));
  if (merged.listeners.some((declaration) => payloadOptionOf(declaration) !== NOT_GIVEN)) {
    problems
      .at(`listener ${listenerClass.name}`)
      .add(
        'payload is an option of methods: on a class, each handler says which it takes, as in @Handler(PaySucceeded)',
      );
  }
  if (merged.listeners.some((declaration) => optionOf(declaration, 'headers') !== undefined)) {
    problems
      .at(`listener ${listenerClass.name}`)
      .add(
        "headers is an option of methods: on a class, each handler says which it takes, as in @Handler(PaySucceeded, { headers: { tenant: 'x-tenant' } })",
      );
  }
  return merged.listeners.map((declaration, index) =>
    readListener(home, numbered(listenerClass.name, index), declaration, handler, problems),
  );
}

function readMethodListeners(home: ClassHome, merged: MergedClass, problems: Problems): readonly ListenerPlan[] {
  const listenerClass = home.class;
  return merged.methods.flatMap((method) => {
    if (method.listeners.length === 0) return undeclaredMethod(listenerClass, method, merged, problems);
    const name = `${listenerClass.name}.${String(method.key)}`;
    // What is wrong with a method is told once, however many listeners it is.
    const routes: { readonly payload: unknown; readonly headers: unknown; readonly route: RoutePlan }[] = [];
    return method.listeners.map((declaration, index) => {
      const id = numbered(name, index);
      const [payload, headers] = [payloadOptionOf(declaration), optionOf(declaration, 'headers')];
      const known = routes.find((each) => each.payload === payload && each.headers === headers);
      const route = known?.route ?? readRouteOf(payload, headers, problems.at(`listener ${id}`));
      if (known === undefined) routes.push({ payload, headers, route });
      return readListener(home, id, declaration, { kind: 'single', route }, problems);
    });

    function readRouteOf(payload: unknown, headers: unknown, faults: Problems): RoutePlan {
      const given = payload === NOT_GIVEN ? undefined : readGivenType(payload, 'payload of @Listener', faults);
      const target = given && ({ by: 'payload of @Listener', target: given } as const);
      return readRoute(listenerClass, merged, method, { target, headers: readHeaders(headers, faults) }, faults);
    }
  });
}

const NOT_GIVEN = Symbol('not given');

/** What the option `payload` was given: an `undefined` there is a circular import. */
function payloadOptionOf(declaration: ListenerDeclaration): unknown {
  const isGiven = typeof declaration === 'object' && declaration !== null && 'payload' in declaration;
  return isGiven ? declaration.payload : NOT_GIVEN;
}

function optionOf(declaration: ListenerDeclaration, name: 'headers'): unknown {
  return typeof declaration === 'object' && declaration !== null ? (declaration as ListenerOptions)[name] : undefined;
}

/** A method with decorators of ours that nothing calls is a mistake worth telling. */
function undeclaredMethod(
  listenerClass: AnyClass,
  method: MergedClass['methods'][number],
  merged: MergedClass,
  problems: Problems,
): readonly ListenerPlan[] {
  // What is wrong with schedules is told where they are read.
  if (method.handlers.length > 0 || method.schedules.length > 0) return [];
  const needed = merged.listeners.length > 0 ? '@Handler (or @Listener)' : '@Listener';
  problems
    .at(`class ${listenerClass.name}`)
    .add(`${String(method.key)} has decorators of leveret but no ${needed}, so nothing calls it`);
  return [];
}

function readListener(
  home: ClassHome,
  defaultId: string,
  declaration: ListenerDeclaration,
  handler: HandlerPlan,
  problems: Problems,
): ListenerPlan {
  const place = `listener ${defaultId}`;
  const options = optionsOf(declaration, problems.at(place));
  const own = readOptions(LISTENER_OWN_OPTIONS, options, problems.at(place));
  if (options.id === undefined) checkName(home.class, "@Listener({ id: 'on-paid', ... })", problems.at(place));
  const idOf = own.id === undefined ? home.class : undefined;
  return { id: own.id ?? defaultId, idOf, place, home, options, own, handler };
}

function optionsOf(declaration: ListenerDeclaration, problems: Problems): ListenerOptions {
  if (typeof declaration === 'string') return { queue: declaration };
  if (typeof declaration !== 'object' || declaration === null) {
    problems.add(`@Listener takes the name of a queue, or options; got ${describeValue(declaration)}`);
    return NO_OPTIONS;
  }
  checkKnown(declaration, Object.keys(LISTENER_OPTIONS), '@Listener', problems);
  return declaration as ListenerOptions;
}

/** In place of options that are none: what follows finds that the queue is missing. */
const NO_OPTIONS = {} as ListenerOptions;

function numbered(name: string, index: number): string {
  return index === 0 ? name : `${name}#${index + 1}`;
}

function checkIds(plans: readonly ListenerPlan[], problems: Problems): void {
  const byId = new Map<string, ListenerPlan>();
  for (const plan of plans) {
    const other = byId.get(plan.id);
    if (other === undefined) byId.set(plan.id, plan);
    else if (plan.home.class !== undefined && other.home !== plan.home && other.home.class === plan.home.class) {
      problems
        .at(plan.place)
        .add(
          'its class is there twice, as a class or as instances: what it listens to would be consumed twice under one name. Leave one of them out',
        );
    } else {
      problems
        .at(plan.place)
        .add(
          `the id ${JSON.stringify(plan.id)} is taken by ${other.place} of another @Listener. Give one of them an id of its own`,
        );
    }
  }
}

/** The type of a message is a name that senders write: two classes of one name would have one type. */
function checkTypes(plans: readonly ListenerPlan[], problems: Problems): void {
  const byType = new Map<string, { readonly type: Named; readonly place: string }>();
  for (const { place, handler } of plans) {
    if (handler.kind === 'single') continue;
    for (const [name, type] of handler.namedAfter) {
      const other = byType.get(name);
      if (other === undefined) byType.set(name, { type, place });
      else if (other.type !== type)
        problems.at(place).add(`${twoOfOneName(name, type)}. The other is of ${other.place}`);
    }
  }
}
