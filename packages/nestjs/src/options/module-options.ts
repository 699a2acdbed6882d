import type { InjectionToken, ModuleMetadata, OptionalFactoryDependency, Type } from '@nestjs/common';
import type { LeveretOptions } from 'leveret';

/** What runs around handlers in Nest. */
export type EnhancerKind = 'guards' | 'pipes' | 'interceptors' | 'filters';

/**
 * Options of a connection: those of `Leveret.start`, without what Nest is for. The container is Nest's, and listeners are found
 * among its providers.
 */
export interface LeveretConnectionOptions extends Omit<LeveretOptions, 'container'> {
  /** Looks for listeners among controllers, too. Default `false`: a controller belongs to HTTP. */
  readonly controllers?: boolean;
  /**
   * Global guards, pipes, interceptors and filters (`app.useGlobalGuards`, `APP_GUARD`, ...) run for messages, too: all of them, or
   * the kinds that are named. Default `false`: they were written for HTTP.
   */
  readonly globalEnhancers?: boolean | readonly EnhancerKind[];
  /**
   * Starts in `onApplicationBootstrap`, which fails when the start does. `'background'`: begins there, and is not waited for: the
   * rest of the application is there without the broker; a failure is logged, and shows in the health. `false`: nothing is opened
   * until `connection.start()` of an injected `LeveretConnection`. Default `true`.
   */
  readonly startOnBootstrap?: boolean | 'background';
}

/** Options of `LeveretModule.forRoot`. */
export interface LeveretModuleOptions extends LeveretConnectionOptions {
  /** Name of the connection, for `@InjectPublisher(name)` and `@UseConnection(name)`. Default `'default'`. */
  readonly name?: string;
}

/** What makes options, for `useClass` and `useExisting`. */
export interface LeveretOptionsFactory {
  createLeveretOptions(): LeveretConnectionOptions | Promise<LeveretConnectionOptions>;
}

/** Options of `LeveretModule.forRootAsync`: one of `useFactory`, `useClass` and `useExisting`. */
export interface LeveretModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** Name of the connection. It cannot come of the factory: tokens are made of it. Default `'default'`. */
  readonly name?: string;
  /** What the factory is given. */
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  // biome-ignore lint/suspicious/noExplicitAny: what is injected is known by `inject`
  readonly useFactory?: (...injected: any[]) => LeveretConnectionOptions | Promise<LeveretConnectionOptions>;
  /** Made by the module. */
  readonly useClass?: Type<LeveretOptionsFactory>;
  /** A provider of `imports`, or a global one. */
  readonly useExisting?: InjectionToken<LeveretOptionsFactory>;
}
