import { Publisher } from '@leveret/core';
import { type Container, ContainerModule } from 'inversify';
import { Leveret } from './leveret.js';
import type { LeveretOptions } from './leveret-options.js';

/** Options of {@link leveretModule}: the container that loads it must be named. */
export interface LeveretModuleOptions extends LeveretOptions {
  readonly container: Container;
}

/**
 * Binds `Leveret` and `Publisher` for those who live in inversify. Nothing is opened until it is started:
 *
 * ```ts
 * container.load(leveretModule({ container, listeners: [PayStatusListener] }));
 * await container.get(Leveret).start();
 * ```
 */
export function leveretModule(options: LeveretModuleOptions): ContainerModule {
  return new ContainerModule(({ bind }) => {
    const app = new Leveret(options);
    bind(Leveret).toConstantValue(app);
    bind(Publisher).toConstantValue(app.publisher);
  });
}
