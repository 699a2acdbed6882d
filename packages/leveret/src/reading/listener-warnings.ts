import type { BindingDeclaration } from '@leveret/core';
import { reflected } from '../decorators/reflect-on-demand.js';
import { hasRules } from '../payload/class-validation.js';
import { describeTarget, elementOf, type PayloadTarget } from '../payload/payload-target.js';
import type { PayloadValidation } from '../payload/payload-validation.js';
import { isClass } from './class-kind.js';
import { doubtOfName } from './class-name.js';
import { type HandlerPlan, type ListenerPlan, routesOf } from './listener-plan.js';

/** Something about listeners that is allowed, but probably not meant. */
export interface ListenerWarning {
  readonly kind:
    | 'queue-of-several-payloads'
    | 'queue-of-several-bindings'
    | 'whitelist-without-rules'
    | 'foreign-decorator'
    | 'passing-id';
  /** What is wrong and what to do, for the log. */
  readonly text: string;
}

/** A listener, as far as the warnings look at it. */
export interface ListenerUse {
  readonly plan: Pick<ListenerPlan, 'id' | 'idOf' | 'handler' | 'home'>;
  readonly queue: string;
  /** Which messages its queue is to get, by what it says itself. */
  readonly bindings: readonly BindingDeclaration[];
  readonly validation: PayloadValidation | false;
}

/**
 * What in all listeners together is probably not meant. Same input, same list; nothing is logged here.
 * @param looks.foreign `false` where a framework looks at the decorators that leveret does not. Default `true`
 */
export function listenerWarnings(
  uses: readonly ListenerUse[],
  looks: { readonly foreign: boolean } = { foreign: true },
): readonly ListenerWarning[] {
  return [
    ...sharedQueues(uses),
    ...bareClasses(uses),
    ...(looks.foreign ? foreignDecorators(uses) : []),
    ...passingIds(uses),
  ];
}

/** The broker gives each message of a queue to one of its listeners, whichever is next. */
function sharedQueues(uses: readonly ListenerUse[]): ListenerWarning[] {
  const byQueue = new Map<string, ListenerUse[]>();
  for (const use of uses) byQueue.set(use.queue, [...(byQueue.get(use.queue) ?? []), use]);
  return [...byQueue.values()].filter((sharing) => sharing.length > 1).flatMap(sharedQueue);
}

function sharedQueue(sharing: readonly ListenerUse[]): ListenerWarning[] {
  const { queue } = sharing[0] as ListenerUse;
  const names = sharing.map(({ plan }) => plan.id);
  const warnings: ListenerWarning[] = [];
  if (sharing.some(({ plan: one }) => sharing.some(({ plan: other }) => isOther(one.handler, other.handler)))) {
    const each = sharing.map(({ plan }) => `${plan.id} takes ${takenBy(plan.handler) ?? 'anything'}`).join(', ');
    warnings.push({
      kind: 'queue-of-several-payloads',
      text: `The listeners ${names.join(' and ')} share the queue ${queue}, and the broker gives each message to one of them, whichever is next: ${each}. What is meant for another is rejected. Give each a queue of its own, or one class @Listener(${JSON.stringify(queue)}) with a @Handler for each type.`,
    });
  }
  const bindings = sharing.map((use) => use.bindings.map(bindingText).sort().join(', ')).filter((text) => text !== '');
  if (new Set(bindings).size > 1) {
    warnings.push({
      kind: 'queue-of-several-bindings',
      text: `The listeners ${names.join(' and ')} share the queue ${queue}, but bind it differently (${[...new Set(bindings)].join(' / ')}). Bindings add up: the queue gets what any of them binds, and each listener gets some of all. Give each a queue of its own.`,
    });
  }
  return warnings;
}

function bindingText({ source, routingKey, arguments: args }: BindingDeclaration): string {
  const headers = Object.keys(args).length === 0 ? '' : ` ${JSON.stringify(args)}`;
  return `${source}/${routingKey}${headers}`;
}

/** Whether one rejects what is meant for the other. */
function isOther(one: HandlerPlan, other: HandlerPlan): boolean {
  const [taken, byOther] = [takenBy(one), takenBy(other)];
  if (taken === undefined || byOther === undefined) return false;
  return taken !== byOther || elementTypeOf(one) !== elementTypeOf(other);
}

/** Two schemas, or two classes of one name, read alike in a text. */
function elementTypeOf(handler: HandlerPlan): unknown {
  return handler.kind === 'single' && handler.route.target !== undefined
    ? elementOf(handler.route.target).type
    : undefined;
}

/** What a listener rejects everything else for; `undefined` when it takes whatever comes. */
function takenBy(handler: HandlerPlan): string | undefined {
  if (handler.kind === 'single') {
    const { target } = handler.route;
    return target === undefined || elementOf(target).kind === 'as-read' ? undefined : describeTarget(target);
  }
  if (handler.defaultRoute !== undefined) return undefined;
  return `the types ${[...handler.routes.keys()].sort().join(', ')}`;
}

/** class-validator strips what has no rule, unless nothing has: then it is not asked at all. */
function bareClasses(uses: readonly ListenerUse[]): ListenerWarning[] {
  const bare = new Map<unknown, string>();
  for (const { plan, validation } of uses) {
    if (validation === false || validation.whitelist !== true) continue;
    for (const target of targetsOf(plan.handler)) {
      const element = elementOf(target);
      if (element.kind === 'class' && !hasRules(element.type)) bare.set(element.type, element.type.name);
    }
  }
  if (bare.size === 0) return [];
  return [
    {
      kind: 'whitelist-without-rules',
      text: `whitelist is on, but class-validator knows no rule of ${[...bare.values()].join(', ')}: nothing of such a payload is checked, and nothing is stripped. Give its properties rules, such as @IsInt() or @Allow(). If it has some, two copies of class-validator are installed (npm ls class-validator).`,
    },
  ];
}

function targetsOf(handler: HandlerPlan): readonly PayloadTarget[] {
  return routesOf(handler).flatMap((route) => route.target ?? []);
}

/** Where NestJS keeps what its decorators say. */
const FOREIGN: Readonly<Record<string, string>> = {
  __guards__: '@UseGuards',
  __pipes__: '@UsePipes',
  __interceptors__: '@UseInterceptors of @nestjs/common',
  __exceptionFilters__: '@UseFilters',
};

function foreignDecorators(uses: readonly ListenerUse[]): ListenerWarning[] {
  const found = new Set<string>();
  for (const { plan } of uses) {
    const prototype = plan.home.class?.prototype as Readonly<Record<string | symbol, unknown>> | undefined;
    if (prototype === undefined) continue;
    note(plan.home.class, plan.home.class?.name);
    for (const route of routesOf(plan.handler)) note(prototype[route.key], route.name);
  }
  if (found.size === 0) return [];
  return [
    {
      kind: 'foreign-decorator',
      text: `leveret does not look at decorators of other frameworks, so these have no effect: ${[...found].join(', ')}. What is to run around a handler is an interceptor: @UseInterceptors of leveret.`,
    },
  ];

  function note(target: unknown, place: string | undefined): void {
    for (const [key, name] of Object.entries(FOREIGN)) {
      if (hasMetadata(key, target)) found.add(`${name} on ${place}`);
    }
  }
}

/** Where something is kept under the id, the start is refused. */
function passingIds(uses: readonly ListenerUse[]): ListenerWarning[] {
  // A name that only looks renamed may be the author's.
  const passing = uses.filter(({ plan: { idOf } }) => isClass(idOf) && doubtOfName(idOf) === 'minified');
  if (passing.length === 0) return [];
  const ids = passing.map(({ plan }) => plan.id).join(', ');
  return [
    {
      kind: 'passing-id',
      text: `The ids of these listeners are made of names of classes that the build has changed, and may change again: ${ids}. Logs, metrics and the headers of parked messages go by them. Say the id: @Listener({ id: 'on-paid', ... }), or let the build keep names (keepNames of esbuild).`,
    },
  ];
}

function hasMetadata(key: string, target: unknown): boolean {
  return typeof target === 'function' && reflected().hasMetadata?.(key, target) === true;
}
