import { checkDuration, describeValue, joinDeclarables, Problems } from '@leveret/core';
import type { ContextId, DiscoveryService, ExternalContextCreator, ModuleRef, ModulesContainer } from '@nestjs/core';
import type { DeliveryContext } from 'leveret';
import { type FoundListeners, findListeners } from '../discovery/find-listeners.js';
import { contextParts, globalPipesOf } from '../execution/context-parts.js';
import { NestFramework } from '../execution/nest-framework.js';
import { Origins } from '../execution/origins.js';
import { nestLogger } from '../logger/nest-logger.js';
import { DEFAULT_CONNECTION } from '../options/connection-name.js';
import { LeveretFeature } from '../options/leveret-feature.js';
import type { EnhancerKind, LeveretConnectionOptions } from '../options/module-options.js';
import type { ApplicationMaker } from './application-maker.js';
import { LeveretConnection } from './leveret-connection.js';
import type { ListenerSource } from './listener-source.js';
import { NestContainer } from './nest-container.js';

/** What Nest has to give. */
export interface NestParts {
  readonly discovery: DiscoveryService;
  readonly modules: ModulesContainer;
  readonly moduleRef: ModuleRef;
  readonly externalContext: ExternalContextCreator;
  readonly maker: ApplicationMaker;
  /** Other ways to declare listeners. */
  readonly sources: readonly ListenerSource[];
}

/**
 * Makes a connection out of its options, and what the modules declare for it. Nothing is opened.
 * @throws {ConfigurationError} when an option of the module is wrong; those of leveret are told by the start
 */
export async function makeConnection(
  name: string,
  given: LeveretConnectionOptions,
  nest: NestParts,
): Promise<LeveretConnection> {
  const { own, options } = readOptions(given);
  const { discovery, modules, moduleRef, externalContext, maker } = nest;
  const [listeners, schedules] = [[...(options.listeners ?? [])], [...(options.schedules ?? [])]];
  const contextIds = new WeakMap<DeliveryContext, ContextId>();
  const origins = new Origins();
  const framework = new NestFramework({
    context: contextParts(externalContext, modules, own.globals, origins),
    origins,
    contextIds,
    globalPipes: () => (own.globals.has('pipes') ? globalPipesOf(externalContext) : []),
  });
  const container = new NestContainer(moduleRef, framework, contextIds);
  const problems = new Problems();
  const topology = joinDeclarables([options.topology ?? {}, ...featuresOf(name, discovery)], problems);
  problems.throwIfAny();
  const logger = options.logger ?? maker.logger ?? nestLogger(labelOf(name));
  const made = await maker.make(name, { ...options, logger, topology, container, listeners, schedules });
  return new LeveretConnection({
    made,
    startOnBootstrap: own.startOnBootstrap,
    shutdownTimeoutMs: own.shutdownTimeoutMs,
    logger: typeof logger === 'string' ? nestLogger(labelOf(name)) : logger,
    find(): readonly string[] {
      const search = { discovery, modules, connection: name, controllers: own.controllers };
      const found = findListeners(search);
      container.use(found.hosts);
      framework.use(found.hosts);
      listeners.push(...added(found.listeners, listeners));
      schedules.push(...added(found.schedules, [...listeners, ...schedules]));
      const warnings = [...found.warnings, ...shutdownWarnings(given)];
      for (const source of nest.sources) {
        const further = source.find({ ...search, framework, contextIds, publisher: made.app.publisher });
        listeners.push(...further.listeners);
        warnings.push(...further.warnings);
      }
      return warnings;
    },
  });
}

function added(found: FoundListeners['listeners'], known: readonly unknown[]): FoundListeners['listeners'] {
  return found.filter((each) => !known.includes(each));
}

function featuresOf(name: string, discovery: DiscoveryService): LeveretFeature['topology'][] {
  return discovery.getProviders().flatMap(({ isAlias, instance }) => {
    const feature: unknown = isAlias ? undefined : instance;
    return feature instanceof LeveretFeature && feature.connection === name ? [feature.topology] : [];
  });
}

function labelOf(name: string): string {
  return name === DEFAULT_CONNECTION ? 'Leveret' : `Leveret ${name}`;
}

/** It closes leveret, and its handling of the signal keeps the process alive for an HTTP server that nobody closes. */
function shutdownWarnings({ shutdownHooks }: LeveretConnectionOptions): readonly string[] {
  if (shutdownHooks === undefined || shutdownHooks === false) return [];
  return [
    'shutdownHooks of leveret closes leveret only, and not the application of Nest around it: call app.enableShutdownHooks(). With both, each waits for the other',
  ];
}

const KINDS: readonly EnhancerKind[] = ['guards', 'pipes', 'interceptors', 'filters'];
const SHUTDOWN_TIMEOUT_MS = 25_000;

function readOptions(given: LeveretConnectionOptions) {
  const problems = new Problems('LeveretModule');
  const isObject = typeof given === 'object' && given !== null;
  if (!isObject) problems.add(`takes options; got ${describeValue(given)}`);
  const { controllers = false, globalEnhancers = false, startOnBootstrap = true, ...options } = isObject ? given : {};
  if (typeof controllers !== 'boolean') {
    problems.add(`controllers must be true or false; got ${describeValue(controllers)}`);
  }
  if (typeof startOnBootstrap !== 'boolean' && startOnBootstrap !== 'background') {
    problems.add(`startOnBootstrap must be true, false or 'background'; got ${describeValue(startOnBootstrap)}`);
  }
  if ('container' in options) problems.add('container is Nest itself here. Leave it out');
  const globals = globalsOf(globalEnhancers, problems);
  const { shutdownTimeout } = options;
  const shutdownTimeoutMs =
    shutdownTimeout === undefined
      ? SHUTDOWN_TIMEOUT_MS
      : checkDuration(shutdownTimeout, 'shutdownTimeout', SHUTDOWN_TIMEOUT_MS, problems);
  problems.throwIfAny();
  return { own: { controllers, globals, startOnBootstrap, shutdownTimeoutMs }, options };
}

function globalsOf(given: unknown, problems: Problems): ReadonlySet<EnhancerKind> {
  if (given === true) return new Set(KINDS);
  if (given === false) return new Set();
  const known: readonly unknown[] = KINDS;
  if (Array.isArray(given) && given.every((kind) => known.includes(kind))) return new Set(given as EnhancerKind[]);
  problems.add(`globalEnhancers must be true, false, or an array of ${KINDS.join(', ')}; got ${describeValue(given)}`);
  return new Set();
}
