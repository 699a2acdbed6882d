import type { Type } from '@nestjs/common';
import { type DiscoveryService, ModuleRef, type ModulesContainer } from '@nestjs/core';
import { type ClassDeclarations, declarationsOf } from 'leveret/adapters';
import { DEFAULT_CONNECTION } from '../options/connection-name.js';
import type { InstanceWrapper, ListenerHost } from './listener-host.js';
import { connectionOf } from './use-connection.js';

/** What is looked for. */
export interface ListenerSearch {
  readonly discovery: DiscoveryService;
  readonly modules: ModulesContainer;
  /** Name of the connection. */
  readonly connection: string;
  /** Look among controllers, too. */
  readonly controllers: boolean;
}

/** The listeners of one connection. */
export interface FoundListeners {
  readonly hosts: readonly ListenerHost[];
  readonly listeners: readonly Type<object>[];
  /** Classes that have schedules and no listener. */
  readonly schedules: readonly Type<object>[];
  /** What is probably not meant. */
  readonly warnings: readonly string[];
}

/** Looks through the providers of all modules for those with listeners or schedules that belong to a connection. */
export function findListeners({ discovery, modules, connection, controllers }: ListenerSearch): FoundListeners {
  const keys = new Map([...modules].map(([key, module]) => [module, key]));
  const hosts = new Map<Type<object>, ListenerHost>();
  const [listeners, schedules, warnings]: [Type<object>[], Type<object>[], string[]] = [[], [], []];
  const take = (wrapper: InstanceWrapper, declared: Declared) => {
    const { listenerClass } = declared;
    const { host: module } = wrapper;
    const moduleKey = module === undefined ? undefined : keys.get(module);
    if (module === undefined || moduleKey === undefined) return;
    const other = hosts.get(listenerClass);
    if (other !== undefined) {
      // Reached by two ways, it is the same provider.
      if (other.wrapper === wrapper || (other.kind === 'shared' && other.wrapper.instance === wrapper.instance)) return;
      warnings.push(
        `${listenerClass.name} is a provider of ${other.module.name} and of ${module.name}: its messages are handled by the one of ${other.module.name}. Provide it once, and export it`,
      );
      return;
    }
    hosts.set(listenerClass, {
      listenerClass,
      wrapper,
      module,
      moduleKey,
      moduleRef: module.getProviderByKey(ModuleRef).instance as ModuleRef,
      kind: isShared(wrapper) ? 'shared' : 'per-attempt',
      isDurable: wrapper.isDependencyTreeDurable(),
    });
    (declared.is.isListener ? listeners : schedules).push(listenerClass);
  };
  const belongs = (listenerClass: object) => (connectionOf(listenerClass) ?? DEFAULT_CONNECTION) === connection;
  for (const wrapper of discovery.getProviders()) {
    const declared = declaredBy(wrapper);
    if (declared !== undefined && belongs(declared.listenerClass)) take(wrapper, declared);
  }
  for (const wrapper of discovery.getControllers()) {
    const declared = declaredBy(wrapper);
    if (declared === undefined || !belongs(declared.listenerClass)) continue;
    if (controllers) take(wrapper, declared);
    else
      warnings.push(
        `${declared.listenerClass.name} is a controller with listeners, which nobody calls. Make it a provider, or say controllers: true`,
      );
  }
  return { hosts: [...hosts.values()], listeners, schedules, warnings };
}

interface Declared {
  readonly listenerClass: Type<object>;
  readonly is: ClassDeclarations;
}

function declaredBy(wrapper: InstanceWrapper): Declared | undefined {
  if (wrapper.isAlias) return undefined;
  const listenerClass = classOf(wrapper);
  const is = listenerClass === undefined ? undefined : declarationsOf(listenerClass);
  if (listenerClass === undefined || is === undefined || !(is.isListener || is.isSchedule)) return undefined;
  return { listenerClass, is };
}

/** The class of what a provider is: of its instance, where there is one that was made. */
function classOf(wrapper: InstanceWrapper): Type<object> | undefined {
  const { metatype, inject } = wrapper;
  // A factory is a function, too, but makes something else.
  if (isShared(wrapper) || inject != null || typeof metatype !== 'function') {
    const instance: unknown = wrapper.instance;
    if (typeof instance !== 'object' || instance === null) return undefined;
    const made: unknown = instance.constructor;
    return typeof made === 'function' && made !== Object ? (made as Type<object>) : undefined;
  }
  return metatype as Type<object>;
}

function isShared(wrapper: InstanceWrapper): boolean {
  return wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
}
