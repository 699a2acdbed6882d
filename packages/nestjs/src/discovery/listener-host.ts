import type { Type } from '@nestjs/common';
import type { DiscoveryService, ModuleRef, ModulesContainer } from '@nestjs/core';

/** How Nest keeps a provider. Its type is exported under no path that all versions have. */
export type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];
/** How Nest keeps a module. */
export type Module = ModulesContainer extends ReadonlyMap<string, infer M> ? M : never;

/** A provider (or controller) that has listeners, and where Nest has it. */
export interface ListenerHost {
  readonly listenerClass: Type<object>;
  readonly wrapper: InstanceWrapper;
  readonly module: Module;
  /** The key of the module among all modules, by which guards and the like are looked up. */
  readonly moduleKey: string;
  readonly moduleRef: ModuleRef;
  /**
   * `shared`: one instance for all messages. `per-attempt`: made for each, because it, or something that is injected or runs
   * around it, is request-scoped or transient.
   */
  readonly kind: 'shared' | 'per-attempt';
  /** Scoped by what a `ContextIdStrategy` says: shared by messages of one tenant, say. */
  readonly isDurable: boolean;
}
