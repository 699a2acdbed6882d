import { Publisher } from '@leveret/core';
import type { InversifyContainer } from '../container/container-port.js';
import { Leveret } from './leveret.js';
import type { LeveretOptions } from './leveret-options.js';

/** Options of {@link leveretModule}: the container that loads it must be named. */
export interface LeveretModuleOptions<C extends InversifyContainer = InversifyContainer> extends LeveretOptions {
  readonly container: C;
}

/** The `ContainerModule` of the inversify that a container comes from. */
// biome-ignore lint/suspicious/noExplicitAny: what a container loads is its own matter
export type ModuleOf<C> = C extends { load(...modules: (infer Module)[]): any } ? Module : never;

/**
 * Binds `Leveret` and `Publisher` for those who live in inversify. Nothing is opened until it is started:
 *
 * ```ts
 * container.load(leveretModule({ container, listeners: [PayStatusListener] }));
 * await container.get(Leveret).start();
 * ```
 */
export function leveretModule<C extends InversifyContainer>(options: LeveretModuleOptions<C>): ModuleOf<C> {
  const id = nextId--;
  // A ContainerModule by its shape: inversify itself is loaded by who has the container.
  return {
    id,
    load({ bind }: { readonly bind: Bind }): void {
      const app = new Leveret(options);
      bind(Leveret).toConstantValue(app);
      bind(Publisher).toConstantValue(app.publisher);
    },
  } as ModuleOf<C>;
}

type Bind = (service: unknown) => { toConstantValue(value: unknown): unknown };

/** inversify numbers its modules from 0 upwards. */
let nextId = -1;
