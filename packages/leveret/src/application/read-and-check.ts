import type { ListenerDefinition } from '@leveret/core';
import type { InstanceHooks } from '../container/instance-hooks.js';
import type { InstanceResolver } from '../container/instance-resolver.js';
import { loadClassLibraries } from '../payload/class-libraries.js';
import { unknownLibrary } from '../payload/compiled/known-libraries.js';
import { readsClasses } from '../reading/listener-plan.js';
import { readListeners } from '../reading/read-listeners.js';
import { declaresSchedules, readSchedules } from '../reading/read-schedules.js';
import type { ScheduleDefinition } from '../schedule/schedule.js';
import { loadCron } from '../schedule/timing.js';
import { GuardMaker } from './resolve-idempotency.js';
import type { ResolvedLeveretOptions } from './resolve-leveret-options.js';
import { type ResolvedListeners, resolveListeners } from './resolve-listeners.js';
import { resolveSchedules } from './resolve-schedules.js';
import { ServiceScope } from './service-scope.js';
import { StoreWatch } from './store-watch.js';

/** Everything of an application that its classes declare, ready to be started. */
export interface ResolvedApplication extends ResolvedListeners {
  readonly schedules: readonly ScheduleDefinition[];
  readonly stores: StoreWatch;
  /** Its name, when it has one. */
  readonly service: string | undefined;
}

/**
 * Reads all classes, resolves what they need from the container, and says what is probably not meant.
 * @throws {ConfigurationError} with every fault of every class and option
 */
export async function readAndCheck(
  options: ResolvedLeveretOptions,
  resolver: InstanceResolver,
  { onInstance }: InstanceHooks,
): Promise<ResolvedApplication> {
  const { raw, problems, topology, idempotency, clock, logger } = options;
  const service = new ServiceScope(raw.service, problems);
  const guards = new GuardMaker({ options: idempotency, resolver, service, clock, logger });
  await guards.check(problems);
  const settings = {
    defaults: raw.defaults ?? {},
    interceptors: raw.interceptors ?? [],
    converter: raw.converter,
    validation: raw.validation,
    topology,
    guards,
    onInstance,
  };
  const plans = readListeners(raw.listeners ?? [], problems);
  const withClasses = readsClasses(plans);
  await loadClassLibraries();
  const listeners = await resolveListeners(plans, settings, resolver, problems);
  if (declaresSchedules(raw.listeners, raw.schedules)) await loadCron();
  const beats = readSchedules(raw.listeners, raw.schedules, clock.now(), problems);
  const schedules = await resolveSchedules(beats, { idempotency, guards, resolver, onInstance }, problems);
  problems.throwIfAny();
  for (const { kind, text } of listeners.warnings) logger.warn({ kind }, text);
  const unknown = withClasses ? unknownLibrary() : undefined;
  if (unknown !== undefined)
    logger.info({}, `payload classes are read by the libraries, which takes longer: ${unknown}`);
  if (guards.inMemory.length > 0) {
    logger.warn({ kind: 'memory-idempotency-store', handlers: guards.inMemory }, IN_MEMORY);
  }
  const application = { service: service.name ?? '', uses: usesOf(listeners.definitions, schedules) };
  const stores = new StoreWatch(service.checks, application, clock, logger);
  return { ...listeners, schedules, stores, service: service.name };
}

/** What is kept under the name of the service, and where it comes from. */
function usesOf(
  listeners: readonly ListenerDefinition[],
  schedules: readonly ScheduleDefinition[],
): ReadonlyMap<string, string> {
  const guarded = listeners.flatMap(({ idempotency, queue }) =>
    [...(idempotency?.values() ?? [])].map(({ scope }): [string, string] => [scope, queue]),
  );
  const alone = schedules.filter((schedule) => schedule.alone !== undefined);
  return new Map([...guarded, ...alone.map(({ id, timing }): [string, string] => [`schedule ${id}`, timing.text])]);
}

const IN_MEMORY =
  '@Idempotent remembers messages in the memory of this process: a restart forgets them, and other instances do not know them. Give Leveret.start a store: idempotency: { store }';
