import {
  type AcknowledgeMode,
  brokerPatienceFor,
  type CrashLoopPolicy,
  checkCrashLoop,
  checkKillSwitch,
  checkPatience,
  checkReadHints,
  checkRedeliver,
  checkSharedChannel,
  checkStream,
  contentTypeConverter,
  givenHints,
  type HandlerIdempotency,
  type HandlerRoute,
  hasDeadLetterPolicy,
  type InterceptorFunction,
  type ListenerDefinition,
  type ListenerPolicyOptions,
  type MessageConverter,
  mergeTopologies,
  type Problems,
  type Recoverer,
  type ResolvedListenerPolicies,
  rejectAndDontRequeue,
  resolveListenerPolicies,
  resolveListenerTopology,
  resolveOrder,
  type SourcedTopology,
  type Topology,
  type TopologyWarning,
  topologyWarnings,
  withDelayedRetries,
} from '@leveret/core';
import type { InstanceHooks } from '../container/instance-hooks.js';
import type { InstanceResolver } from '../container/instance-resolver.js';
import { resolveConverter, resolveHome, resolveInterceptor, resolveRecoverer } from '../container/resolve-parts.js';
import type { HandlerFramework } from '../handler/handler-framework.js';
import { listenerHandler } from '../handler/listener-handler.js';
import { methodRoute } from '../handler/method-route.js';
import type { InterceptorLike } from '../interceptor/interceptor-like.js';
import type { ReadingPolicy } from '../payload/payload-reader.js';
import type { PayloadValidation } from '../payload/payload-validation.js';
import type { ListenerHome } from '../reading/listener-home.js';
import { type ListenerPlan, type RoutePlan, routesOf } from '../reading/listener-plan.js';
import { type ListenerWarning, listenerWarnings } from '../reading/listener-warnings.js';

import { checkLastingId } from './lasting-id.js';
import type { GuardMaker } from './resolve-idempotency.js';

/** What all listeners of an application have in common. */
export interface ListenerSettings {
  readonly defaults: ListenerPolicyOptions;
  readonly interceptors: readonly InterceptorLike[];
  readonly converter: unknown;
  readonly validation: PayloadValidation | false | undefined;
  readonly guards: GuardMaker;
  readonly onInstance: InstanceHooks['onInstance'];
  /** Declared without listeners. */
  readonly topology: Topology;
}

/** The listeners of an application, ready to be started, and all that is declared for them. */
export interface ResolvedListeners {
  readonly definitions: readonly ListenerDefinition[];
  readonly topology: Topology;
  readonly warnings: readonly (TopologyWarning | ListenerWarning)[];
  /** How the publisher writes payloads, and reads replies. */
  readonly reading: ReadingPolicy;
}

/**
 * Makes definitions of plans: options resolved, classes resolved from the container, topologies merged. Every fault of
 * every listener is noted in `problems`.
 */
export async function resolveListeners(
  plans: readonly ListenerPlan[],
  settings: ListenerSettings,
  resolver: InstanceResolver,
  problems: Problems,
): Promise<ResolvedListeners> {
  const common: Common = {
    settings,
    resolver,
    interceptors: await interceptorsOf(settings.interceptors, resolver, problems),
    converter: await converterOf(settings.converter, resolver, problems),
    routes: new Map(),
  };
  const parts: ListenerPart[] = [];
  for (const plan of plans) parts.push(await resolveListener(plan, common, problems.at(plan.place)));
  const sources: SourcedTopology[] = [
    { source: 'topology', topology: settings.topology },
    ...parts.flatMap(({ sources: own }) => own),
  ];
  const definitionsSoFar = parts.map(({ definition }) => definition);
  const topology = withDelayedRetries(mergeTopologies(sources, problems), definitionsSoFar);
  const timeouts: TopologyWarning[] = [];
  const definitions = parts.map(({ definition, place }) => {
    const patience = brokerPatienceFor(definition.queue, definition.consumerTimeoutMs, topology);
    // The declaration that will be made: another listener, or the application, may say more about the queue.
    const queueDeclaration = topology.queues.find(({ name }) => name === definition.queue);
    const order = resolveOrder(definition, definition.concurrency, queueDeclaration, problems.at(place));
    const consumerTimeoutMs = patience.timeoutMs;
    const named = { name: definition.queue, type: queueDeclaration?.type };
    const deadLetterPolicy = hasDeadLetterPolicy(named, topology);
    const complete = Object.freeze({ ...definition, ...order, consumerTimeoutMs, queueDeclaration, deadLetterPolicy });
    checkStream(complete, problems.at(place));
    checkRedeliver(complete, problems.at(place));
    checkSharedChannel(complete, problems.at(place));
    timeouts.push(...checkPatience(complete, patience.source, problems.at(place)), ...checkKillSwitch(complete));
    timeouts.push(...checkCrashLoop(complete, problems.at(place)));
    return complete;
  });
  const uses = plans.map((plan, index) => {
    const { definition, bindings } = parts[index] as ListenerPart;
    const validation = plan.own.validation ?? settings.validation ?? {};
    return { plan, queue: definition.queue, bindings, validation };
  });
  const warnings = [
    ...topologyWarnings(topology, usesOf(definitions)),
    ...timeouts,
    ...(problems.list.length === 0 ? listenerWarnings(uses, { foreign: resolver.framework === undefined }) : []),
  ];
  const reading = {
    converter: common.converter,
    validation: settings.validation ?? {},
    hints: checkReadHints(settings.defaults, problems),
  };
  return { definitions, topology, warnings, reading };
}

interface Common {
  readonly settings: ListenerSettings;
  readonly resolver: InstanceResolver;
  readonly interceptors: readonly InterceptorFunction[];
  readonly converter: MessageConverter;
  /** Faults of a route that several listeners share are told once. */
  readonly routes: Map<RoutePlan, Promise<readonly InterceptorFunction[]>>;
}

/** What depends on the queue. */
type OpenPolicies = 'consumerTimeoutMs' | 'ordered' | 'prefetch';
/** What depends on the whole topology. */
type OpenFacts = 'deadLetterPolicy';

interface ListenerPart {
  readonly place: string;
  /** Without what other listeners, and the application, say about its queue. */
  readonly definition: Omit<ListenerDefinition, OpenPolicies | OpenFacts> &
    Pick<ResolvedListenerPolicies, OpenPolicies>;
  readonly sources: readonly SourcedTopology[];
  /** Which messages it asks for itself. */
  readonly bindings: Topology['bindings'];
}

async function resolveListener(plan: ListenerPlan, common: Common, problems: Problems): Promise<ListenerPart> {
  const { settings, resolver } = common;
  const { options } = plan;
  const policies = resolveListenerPolicies(options, settings.defaults, problems);
  const { queue, queueDeclaration, topology } = resolveListenerTopology(options, problems);
  const recoverer =
    policies.recoverer === undefined ? undefined : await resolveRecoverer(policies.recoverer, resolver, problems);
  for (const problem of recoverer?.problems ?? []) problems.add(problem);
  const converter =
    policies.converter === undefined ? undefined : await resolveConverter(policies.converter, resolver, problems);
  const crashLoop =
    policies.crashLoop === undefined ? undefined : await crashLoopOf(policies.crashLoop, common, problems);
  const source = await resolveHome(plan, { resolver, onInstance: settings.onInstance }, problems);
  const around = new Map<RoutePlan, readonly InterceptorFunction[]>();
  for (const route of routesOf(plan.handler)) around.set(route, await routeInterceptors(route, common, problems));
  const guarded = await guardedRoutes(plan, policies.acknowledge, settings.guards, problems);
  checkLastingId(plan, { guarded: guarded.size > 0, crashLoop, streamOffsets: policies.streamOffsets }, problems);
  const idempotency = new Map<HandlerRoute, HandlerIdempotency>();
  // Functions belong to no framework.
  const framework = plan.home.class === undefined ? undefined : resolver.framework;
  const handler = listenerHandler(plan.handler, (route) => {
    const made = methodRoute(route, {
      source: source ?? { kind: 'shared', instance: {} },
      framework,
      payloadIsMade: route.target?.kind === 'class' && isMadeBy(framework, plan.home, route.key),
      interceptors: [...common.interceptors, ...(around.get(route) ?? [])],
      attemptEnded: resolver.attemptEnded,
      converter: converter ?? common.converter,
      validation: plan.own.validation ?? settings.validation ?? {},
      hints: givenHints(policies),
    });
    const once = guarded.get(route);
    if (once !== undefined) idempotency.set(made, once);
    return made;
  });
  return {
    place: plan.place,
    definition: Object.freeze({
      ...policies,
      id: plan.id,
      queue,
      queueDeclaration,
      recoverer: recoverer ?? rejectAndDontRequeue(),
      crashLoop,
      handler,
      idempotency: idempotency.size > 0 ? idempotency : undefined,
    }),
    bindings: topology.bindings.filter(({ destination }) => destination === queue),
    sources: [
      { source: plan.place, topology },
      ...topologyOfRecoverer(plan.place, recoverer),
      ...topologyOfRecoverer(plan.place, crashLoop?.quarantine),
    ],
  };
}

function isMadeBy(framework: HandlerFramework | undefined, home: ListenerHome, key: string | symbol): boolean {
  return home.class !== undefined && framework?.makesPayload?.(home.class, key) === true;
}

/** With what the container makes of its parts. A store of this process's memory remembers nothing that matters here. */
async function crashLoopOf(
  { quarantine, store, ...rest }: NonNullable<ResolvedListenerPolicies['crashLoop']>,
  { settings, resolver }: Common,
  problems: Problems,
): Promise<CrashLoopPolicy> {
  const recoverer = quarantine === undefined ? undefined : await resolveRecoverer(quarantine, resolver, problems);
  for (const problem of recoverer?.problems ?? []) problems.add(problem);
  return { ...rest, quarantine: recoverer, store: await settings.guards.lastingStore(store, problems) };
}

async function guardedRoutes(
  { id, handler }: ListenerPlan,
  acknowledge: AcknowledgeMode,
  guards: GuardMaker,
  problems: Problems,
): Promise<ReadonlyMap<RoutePlan, HandlerIdempotency>> {
  const guarded = new Map<RoutePlan, HandlerIdempotency>();
  for (const route of routesOf(handler)) {
    const once = await guards.guardOf(route, problems);
    if (once === undefined) continue;
    const scope = handler.kind === 'single' ? id : `${id}/${String(route.key)}`;
    guarded.set(route, { scope, ...once });
  }
  if (guarded.size > 0 && acknowledge === 'none') {
    problems.add(
      "@Idempotent does not go with acknowledge: 'none': the broker forgets a message when it sends it, so that one that has to wait would be lost. Use 'auto'",
    );
  }
  return guarded;
}

function topologyOfRecoverer(place: string, recoverer: Recoverer | undefined): readonly SourcedTopology[] {
  const topology = recoverer?.topology;
  return topology === undefined ? [] : [{ source: `the recoverer of ${place}`, topology }];
}

function routeInterceptors(
  route: RoutePlan,
  { routes, resolver }: Common,
  problems: Problems,
): Promise<readonly InterceptorFunction[]> {
  const resolved = routes.get(route) ?? interceptorsOf(route.interceptors, resolver, problems);
  routes.set(route, resolved);
  return resolved;
}

async function interceptorsOf(
  given: readonly InterceptorLike[],
  resolver: InstanceResolver,
  problems: Problems,
): Promise<readonly InterceptorFunction[]> {
  const resolved: InterceptorFunction[] = [];
  for (const each of given) {
    const interceptor = await resolveInterceptor(each, resolver, problems);
    if (interceptor !== undefined) resolved.push(interceptor);
  }
  return resolved;
}

async function converterOf(given: unknown, resolver: InstanceResolver, problems: Problems): Promise<MessageConverter> {
  const converter = given === undefined ? undefined : await resolveConverter(given, resolver, problems);
  return converter ?? contentTypeConverter();
}

function usesOf(definitions: readonly ListenerDefinition[]) {
  return {
    recoverers: definitions.flatMap(({ id, recoverer }) =>
      recoverer.exchange === undefined ? [] : [{ listenerId: id, exchange: recoverer.exchange }],
    ),
    rejecting: definitions
      .filter(({ acknowledge }) => acknowledge !== 'none')
      .map(({ id, queue }) => ({ listenerId: id, queue })),
  };
}
