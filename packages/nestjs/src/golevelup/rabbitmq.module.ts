import { ConfigurationError } from '@leveret/core';
import {
  type DynamicModule,
  Global,
  type InjectionToken,
  Module,
  type ModuleMetadata,
  type OptionalFactoryDependency,
  type Type,
} from '@nestjs/common';
import type { LeveretConnection } from '../connection/leveret-connection.js';
import { getConnectionToken } from '../connection/tokens.js';
import { rootModule } from '../module/leveret.module.js';
import { DEFAULT_CONNECTION } from '../options/connection-name.js';
import { AmqpConnection, AmqpConnectionManager } from './amqp-connection.js';
import { connectionOptions } from './connection-options.js';
import { RABBIT_CONFIG_TOKEN } from './rabbit-decorators.js';
import { RabbitSource } from './rabbit-source.js';
import type { RabbitMQConfig } from './rabbit-types.js';

/** What makes the options of `RabbitMQModule.forRootAsync({ useClass })`. */
export interface RabbitMQOptionsFactory {
  create(): RabbitMQConfig | Promise<RabbitMQConfig>;
}

/** Options of `RabbitMQModule.forRootAsync`. */
export interface RabbitMQModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** Name of the connection, where it is not the default one: tokens are made of it before the factory is asked. */
  readonly name?: string;
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  // biome-ignore lint/suspicious/noExplicitAny: what is injected is known by `inject`
  readonly useFactory?: (...injected: any[]) => RabbitMQConfig | Promise<RabbitMQConfig>;
  readonly useClass?: Type<RabbitMQOptionsFactory>;
  readonly useExisting?: InjectionToken<RabbitMQOptionsFactory>;
}

/** What there is once in an application. */
@Global()
@Module({ providers: [AmqpConnectionManager], exports: [AmqpConnectionManager] })
export class RabbitMQCommonModule {}

/** golevelup's `RabbitMQModule`, on leveret. */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows modules by their classes
export class RabbitMQModule {
  static forRoot(config: RabbitMQConfig): DynamicModule {
    return module(config.name ?? DEFAULT_CONNECTION, { useFactory: () => config });
  }

  static forRootAsync(options: RabbitMQModuleAsyncOptions): DynamicModule {
    const { name = DEFAULT_CONNECTION, useFactory, useClass, useExisting, ...rest } = options;
    if (useFactory !== undefined) return module(name, { ...rest, useFactory });
    const factory = useClass ?? useExisting;
    return module(
      name,
      {
        ...rest,
        inject: [factory as Type<RabbitMQOptionsFactory>],
        useFactory: (made: RabbitMQOptionsFactory) => made.create(),
      },
      useClass,
    );
  }
}

type Source = Pick<RabbitMQModuleAsyncOptions, 'imports' | 'inject' | 'useFactory'>;

function module(name: string, source: Source, factory?: Type<RabbitMQOptionsFactory>): DynamicModule {
  const isDefault = name === DEFAULT_CONNECTION;
  const config: InjectionToken = isDefault ? RABBIT_CONFIG_TOKEN : Symbol(`rabbitmq options ${name}`);
  const listeners = Symbol(`rabbitmq handlers ${name}`);
  const connection: InjectionToken = isDefault ? AmqpConnection : `rabbitmq connection ${name}`;
  const { imports = [], inject = [], useFactory } = source;
  return {
    module: RabbitMQModule,
    imports: [
      rootModule(
        name,
        { imports: [RabbitMQCommonModule, ...imports], inject: [config], useFactory: connectionOptions },
        {
          sources: [listeners],
          providers: [
            ...(factory === undefined ? [] : [factory]),
            {
              provide: config,
              inject,
              useFactory: async (...injected: unknown[]) => named(name, await useFactory?.(...injected)),
            },
            {
              provide: listeners,
              inject: [config],
              useFactory: (given: RabbitMQConfig) => new RabbitSource(given),
            },
            {
              provide: connection,
              inject: [getConnectionToken(name), config, AmqpConnectionManager],
              useFactory: (made: LeveretConnection, given: RabbitMQConfig, manager: AmqpConnectionManager) => {
                const amqp = new AmqpConnection(made, given);
                manager.addConnection(amqp);
                return amqp;
              },
            },
          ],
          exports: [connection, config],
        },
      ),
    ],
  };
}

/** @throws {ConfigurationError} when the options have a name that the module does not have */
function named(name: string, config: RabbitMQConfig | undefined): RabbitMQConfig {
  if (config === undefined) throw new ConfigurationError(['RabbitMQModule got no options']);
  if (config.name === undefined || config.name === name) return { ...config, name };
  throw new ConfigurationError([
    `RabbitMQModule.forRootAsync made options of the name ${JSON.stringify(config.name)}; tokens are made of a name before that: say it beside the factory, as in { name: ${JSON.stringify(config.name)}, useFactory }`,
  ]);
}
