import { checkOptions, describeValue, type Problems, QueueBuilder, readOptions } from '@leveret/core';
import type { HandlerOptions } from '../decorators/handler.js';
import { LISTENER_OPTIONS, LISTENER_OWN_OPTIONS, type ListenerOptions } from '../decorators/listener-options.js';
import { type FunctionRecord, functionRecordOf } from '../functions/declared-function.js';
import type { HandlerFunctionOptions } from '../functions/handler.js';
import type { HandlerSurroundings } from '../functions/handler-surroundings.js';
import type { InterceptorLike } from '../interceptor/interceptor-like.js';
import type { ListenerHome } from './listener-home.js';
import type { HandlerPlan, ListenerPlan, RoutePlan } from './listener-plan.js';
import { HandlersByType, readTypes } from './read-handlers.js';
import { readHeaders } from './read-headers.js';
import { readIdempotent } from './read-idempotent.js';
import { readPositional } from './read-parameters.js';
import { readGivenType } from './read-payload-type.js';
import { readSendTo } from './read-send-to.js';

const SURROUNDINGS = Object.keys({ interceptors: true, sendTo: true, idempotent: true } satisfies Record<
  keyof HandlerSurroundings,
  true
>);
const HANDLER_OPTIONS = [
  ...Object.keys({ payload: true, type: true, isDefault: true, headers: true } satisfies Record<
    Exclude<keyof HandlerFunctionOptions, keyof HandlerSurroundings>,
    true
  >),
  ...SURROUNDINGS,
];

/** What has been read of options may hold `undefined`. */
type Surroundings = { readonly [Name in keyof HandlerSurroundings]?: HandlerSurroundings[Name] | undefined };

type Functions = Record<string, (...given: unknown[]) => unknown>;

/** Reads what `listener(...)` made. Every fault is noted in `problems`. */
export function readListenerFunction(
  given: unknown,
  { options, call }: FunctionRecord,
  problems: Problems,
): readonly ListenerPlan[] {
  const { id, idOf } = identityOf(options, call);
  const place = `listener ${id ?? 'without a name'}`;
  const faults = problems.at(place);
  const known = [...Object.keys(LISTENER_OPTIONS), ...SURROUNDINGS, 'handlers'];
  if (!checkOptions(options, known, 'listener(...)', faults)) return [];
  if (id === undefined) {
    faults.add(
      "neither its queue nor its function has a name that an id could be made of. Give it one: { id: 'on-paid' }",
    );
  }
  const { interceptors, sendTo, idempotent, handlers, ...rest } = options as Partial<Mixed>;
  const listening = rest as ListenerOptions;
  const surroundings = { interceptors, sendTo, idempotent };
  // Without a prototype: the names of types are keys, whatever they are.
  const functions = Object.create(null) as Functions;
  const handler =
    handlers === undefined
      ? readCall(listening, surroundings, call, functions, id ?? '', faults)
      : readHandlerFunctions(handlers, { listening, surroundings, call, id: id ?? '' }, functions, faults);
  if (handler === undefined) return [];
  const own = readOptions(LISTENER_OWN_OPTIONS, listening, faults);
  return [{ id: id ?? '', idOf, place, home: homeOfFunctions(given, functions), options: listening, own, handler }];
}

type Mixed = ListenerOptions & HandlerSurroundings & { readonly handlers: unknown };

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** What is given, else the name of its queue, else that of its function. */
function identityOf(options: unknown, call: unknown): { readonly id: string | undefined } & Pick<ListenerPlan, 'idOf'> {
  const { id: given, queue } = (typeof options === 'object' && options !== null ? options : {}) as Partial<Mixed>;
  const named: unknown = queue instanceof QueueBuilder ? queue.build() : queue;
  const name = typeof named === 'object' && named !== null ? (named as { name?: unknown }).name : named;
  const ofCall = typeof call === 'function' ? call.name : undefined;
  const id = [given, name].find(isName);
  return id === undefined && isName(ofCall)
    ? { id: ofCall, idOf: call as NonNullable<ListenerPlan['idOf']> }
    : { id, idOf: undefined };
}

/** Functions as the methods of an object: what handles messages is always one. */
function homeOfFunctions(given: unknown, functions: Functions): ListenerHome {
  return { given, class: undefined, instance: Object.create(functions) as object };
}

const CALL = 'handle';

function readCall(
  { payload, headers }: ListenerOptions,
  surroundings: Surroundings,
  call: unknown,
  functions: Functions,
  id: string,
  problems: Problems,
): HandlerPlan | undefined {
  if (typeof call !== 'function') {
    problems.add(
      `listener(options, call) takes a function that handles the messages, or options with handlers; got ${describeValue(call)}`,
    );
    return undefined;
  }
  functions[CALL] = call as Functions[string];
  const route = readRoute(
    { name: id, key: CALL, call },
    { payload, headers: readHeaders(headers, problems) },
    [surroundings],
    problems,
  );
  return { kind: 'single', route };
}

interface TypedListener {
  readonly listening: ListenerOptions;
  readonly surroundings: Surroundings;
  readonly call: unknown;
  readonly id: string;
}

function readHandlerFunctions(
  handlers: unknown,
  { listening, surroundings, call, id }: TypedListener,
  functions: Functions,
  problems: Problems,
): HandlerPlan | undefined {
  if (call !== undefined) problems.add('has a function and handlers, too. Leave one of them out');
  for (const name of ['payload', 'headers'] as const) {
    if (listening[name] !== undefined) problems.add(`${name} is said by each handler: handler({ ${name}: ... }, ...)`);
  }
  if (!Array.isArray(handlers) || handlers.length === 0) {
    problems.add(`handlers must be an array of what handler(options, call) makes; got ${describeValue(handlers)}`);
    return undefined;
  }
  const byType = new HandlersByType({
    any: "handler({ payload: PaySucceeded }, ...), handler({ type: 'pay.succeeded', ... }, ...), or handler({ isDefault: true }, ...)",
    type: (type) => `handler({ payload: ${type}, type: '${type}' }, ...)`,
  });
  for (const [index, each] of handlers.entries()) {
    const record = functionRecordOf(each);
    const place = problems.at(`handlers[${index}]`);
    if (record?.kind !== 'handler') {
      place.add(`expected what handler(options, call) makes; got ${describeValue(each)}`);
      continue;
    }
    if (!checkOptions(record.options, HANDLER_OPTIONS, 'handler(...)', place)) continue;
    if (typeof record.call !== 'function') {
      place.add(`handler(options, call) takes a function that handles the messages; got ${describeValue(record.call)}`);
      continue;
    }
    const { payload, type, isDefault, headers, ...own } = record.options as HandlerFunctionOptions;
    const said = readTypes({ type, isDefault, headers } as HandlerOptions, 'handler(...)', place);
    const target = { payload, headers: said.headers };
    // The key is part of what an idempotency store remembers: it comes from the type, not from the order.
    const route = readRoute({ name: id, key: '', call: record.call }, target, [surroundings, own], place);
    const names = byType.namesOf(said, route, place);
    const key = names[0] ?? 'default';
    const named = { ...route, key, name: `${id} ${key}` };
    functions[key] = record.call as Functions[string];
    byType.add(named, names, said.isDefault, place);
  }
  return byType.plan;
}

function readRoute(
  { name, key, call }: { readonly name: string; readonly key: string; readonly call: object },
  { payload, headers }: { readonly payload: unknown; readonly headers: ReturnType<typeof readHeaders> },
  surroundings: readonly Surroundings[],
  problems: Problems,
): RoutePlan {
  const given = payload === undefined ? undefined : readGivenType(payload, 'payload', problems);
  const target = given && ({ by: 'payload', target: given } as const);
  const count = (call as { readonly length: number }).length;
  const [common, own] = surroundings.length > 1 ? surroundings : [{}, surroundings[0] ?? {}];
  const address = own?.sendTo ?? common?.sendTo;
  return {
    name,
    key,
    ...(payload !== undefined && given === undefined
      ? { parameters: [], target: undefined }
      : readPositional({ standard: true, count, types: undefined }, { target, headers }, problems)),
    interceptors: [
      ...readInterceptors(common?.interceptors, problems),
      ...readInterceptors(own?.interceptors, problems),
    ],
    sendTo: readSendTo(address === undefined ? [] : [address], problems),
    idempotent: readIdempotent(idempotentOf(common), idempotentOf(own), problems),
  };
}

function idempotentOf(surroundings: Surroundings | undefined): readonly unknown[] {
  const idempotent = surroundings?.idempotent;
  if (idempotent === undefined) return [];
  return [idempotent === true ? {} : idempotent];
}

function readInterceptors(given: unknown, problems: Problems): readonly InterceptorLike[] {
  if (given === undefined) return [];
  if (Array.isArray(given)) return given;
  problems.add(`interceptors must be an array; got ${describeValue(given)}`);
  return [];
}
