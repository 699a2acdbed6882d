import type { Type } from '@nestjs/common';
import { type DiscoveryService, ModuleRef, type ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper, ListenerHost } from './listener-host.js';

/** Where is looked. */
export interface HostSearch {
  readonly discovery: DiscoveryService;
  readonly modules: ModulesContainer;
  /** Among controllers, too. */
  readonly controllers: boolean;
}

/** Every provider whose class is known, and every controller when they are asked for. An alias is none. */
export function* eachHost({ discovery, modules, controllers }: HostSearch): Generator<ListenerHost> {
  const keys = new Map([...modules].map(([key, module]) => [module, key]));
  for (const wrapper of [...discovery.getProviders(), ...(controllers ? discovery.getControllers() : [])]) {
    const { host: module } = wrapper;
    const listenerClass = wrapper.isAlias ? undefined : classOf(wrapper);
    const moduleKey = module === undefined ? undefined : keys.get(module);
    if (module === undefined || moduleKey === undefined || listenerClass === undefined) continue;
    yield {
      listenerClass,
      wrapper,
      module,
      moduleKey,
      moduleRef: module.getProviderByKey(ModuleRef).instance as ModuleRef,
      kind: isShared(wrapper) ? 'shared' : 'per-attempt',
      isDurable: wrapper.isDependencyTreeDurable(),
    };
  }
}

/** Whether two are one provider, reached by two ways. */
export function isSameProvider(one: ListenerHost, other: ListenerHost): boolean {
  return one.wrapper === other.wrapper || (one.kind === 'shared' && one.wrapper.instance === other.wrapper.instance);
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
