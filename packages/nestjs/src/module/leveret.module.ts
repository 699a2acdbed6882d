import { ConfigurationError } from '@leveret/core';
import { type DynamicModule, Global, Module, type Provider, Scope, type Type } from '@nestjs/common';
import {
  DiscoveryModule,
  DiscoveryService,
  ExternalContextCreator,
  ModuleRef,
  ModulesContainer,
  REQUEST,
} from '@nestjs/core';
import { DELIVERY_CONTEXT, type Declarables } from 'leveret';
import { APPLICATION_MAKER, type ApplicationMaker, leveretMaker } from '../connection/application-maker.js';
import type { LeveretConnection } from '../connection/leveret-connection.js';
import type { ListenerSource } from '../connection/listener-source.js';
import { makeConnection } from '../connection/make-connection.js';
import { getConnectionToken, getLeveretToken, getPublisherToken } from '../connection/tokens.js';
import { LeveretHealthIndicator } from '../health/leveret-health-indicator.js';
import { DEFAULT_CONNECTION } from '../options/connection-name.js';
import { LeveretFeature } from '../options/leveret-feature.js';
import type {
  LeveretConnectionOptions,
  LeveretModuleAsyncOptions,
  LeveretModuleOptions,
  LeveretOptionsFactory,
} from '../options/module-options.js';

/**
 * leveret in Nest: `forRoot` or `forRootAsync` once for each connection, in the root module. Listeners are providers of any module;
 * what is exported here can be injected everywhere.
 *
 * ```ts
 * @Module({
 *   imports: [LeveretModule.forRoot({ connection: { urls: 'amqp://localhost' } })],
 *   providers: [PayStatusListener],
 * })
 * export class AppModule {}
 * ```
 */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows modules by their classes
export class LeveretModule {
  /** A connection by its options. */
  static forRoot(options: LeveretModuleOptions = {}): DynamicModule {
    const { name = DEFAULT_CONNECTION, ...connection } = options;
    return rootModule(name, { useFactory: () => connection });
  }

  /**
   * A connection whose options are made of what is injected, such as a `ConfigService`.
   * @throws {ConfigurationError} unless exactly one of `useFactory`, `useClass` and `useExisting` is given
   */
  static forRootAsync(options: LeveretModuleAsyncOptions): DynamicModule {
    const { name = DEFAULT_CONNECTION, ...source } = options;
    return rootModule(name, source);
  }

  /**
   * Exchanges, queues, bindings and policies that a module declares besides its listeners.
   * @param connection its name. Default: the one without
   */
  static forFeature(topology: Declarables, connection: string = DEFAULT_CONNECTION): DynamicModule {
    const provide = Symbol('leveret topology');
    return {
      module: LeveretModule,
      providers: [{ provide, useValue: new LeveretFeature(topology, connection) }],
    };
  }
}

/** What is there once, however many connections there are. */
@Global()
@Module({
  providers: [
    LeveretHealthIndicator,
    {
      provide: DELIVERY_CONTEXT,
      scope: Scope.REQUEST,
      inject: [REQUEST],
      // In an HTTP request there is no delivery.
      useFactory: (request: unknown) => (isDeliveryContext(request) ? request : undefined),
    },
  ],
  exports: [LeveretHealthIndicator, DELIVERY_CONTEXT],
})
export class LeveretCommonModule {}

/** What all modules of one connection see. */
@Global()
@Module({})
export class LeveretConnectionModule {}

/** Where options of a connection come from. */
export type OptionsSource = Omit<LeveretModuleAsyncOptions, 'name'>;

/** @param sources tokens of providers that are other ways to declare listeners */
export function rootModule(
  name: string,
  source: OptionsSource,
  further: {
    readonly sources?: readonly symbol[];
    readonly providers?: readonly Provider[];
    readonly exports?: readonly Exported[];
  } = {},
): DynamicModule {
  const options = Symbol(`leveret options ${name}`);
  const [connection, app, publisher] = [getConnectionToken(name), getLeveretToken(name), getPublisherToken(name)];
  const { sources = [], providers = [], exports = [] } = further;
  return {
    module: LeveretConnectionModule,
    imports: [DiscoveryModule, LeveretCommonModule, ...(source.imports ?? [])],
    providers: [
      ...optionsProviders(options, source),
      {
        provide: connection,
        inject: [
          options,
          DiscoveryService,
          ModulesContainer,
          ModuleRef,
          ExternalContextCreator,
          { token: APPLICATION_MAKER, optional: true },
          ...sources,
        ],
        useFactory: (
          given: LeveretConnectionOptions,
          discovery: DiscoveryService,
          modules: ModulesContainer,
          moduleRef: ModuleRef,
          externalContext: ExternalContextCreator,
          maker: ApplicationMaker | undefined,
          ...found: ListenerSource[]
        ): Promise<LeveretConnection> =>
          makeConnection(name, given, {
            discovery,
            modules,
            moduleRef,
            externalContext,
            maker: maker ?? leveretMaker,
            sources: found,
          }),
      },
      { provide: app, inject: [connection], useFactory: (made: LeveretConnection) => made.app },
      { provide: publisher, inject: [connection], useFactory: (made: LeveretConnection) => made.app.publisher },
      ...providers,
    ],
    exports: [connection, app, publisher, ...exports],
  };
}

/** What a module exports. */
type Exported = NonNullable<DynamicModule['exports']>[number];

function isDeliveryContext(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'listenerId' in value && 'deliveryTag' in value;
}

function optionsProviders(provide: symbol, source: OptionsSource): Provider[] {
  const { inject, useFactory, useClass, useExisting } = source;
  const given = [useFactory, useClass, useExisting].filter((each) => each !== undefined);
  if (given.length !== 1) {
    throw new ConfigurationError([
      `LeveretModule.forRootAsync takes one of useFactory, useClass and useExisting; got ${given.length}`,
    ]);
  }
  if (useFactory !== undefined) return [{ provide, inject: inject ?? [], useFactory }];
  const factory = useClass ?? useExisting;
  const asked: Provider = {
    provide,
    inject: [factory as Type<LeveretOptionsFactory>],
    useFactory: (made: LeveretOptionsFactory) => made.createLeveretOptions(),
  };
  return useClass === undefined ? [asked] : [{ provide: useClass, useClass }, asked];
}
