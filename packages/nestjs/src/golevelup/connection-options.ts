import { ConfigurationError } from '@leveret/core';
import { nestLogger } from '../logger/nest-logger.js';
import type { LeveretConnectionOptions } from '../options/module-options.js';
import { moduleTopology } from './handler-topology.js';
import { jsonConverter } from './json-converter.js';
import type { AmqpUri, RabbitMQConfig } from './rabbit-types.js';

const INIT_TIMEOUT_MS = 5000;
const NO_LIMIT_MS = 2_147_483_647;

/**
 * The options of leveret, from those of golevelup. What `leveret` says wins.
 * @throws {ConfigurationError} when a URI cannot be used
 */
export function connectionOptions(config: RabbitMQConfig): LeveretConnectionOptions {
  const { connectionInitOptions: init = {}, connectionManagerOptions: manager = {}, leveret = {}, logger } = config;
  const waits = init.wait !== false && init.reject !== false;
  const { heartbeatIntervalInSeconds: heartbeat, connectionOptions } = manager;
  const clientProperties = (connectionOptions as { clientProperties?: object } | undefined)?.clientProperties;
  const { topology, connection, publisher, defaults, ...rest } = leveret;
  return {
    controllers: config.enableControllerDiscovery === true,
    startOnBootstrap: waits ? true : 'background',
    converter: jsonConverter(config),
    ...(logger !== undefined && { logger: nestLogger('Leveret', asTarget(logger)) }),
    ...rest,
    connection: {
      urls: [config.uri].flat().map(urlOf as never),
      startTimeout: waits ? (init.timeout ?? INIT_TIMEOUT_MS) : NO_LIMIT_MS,
      ...(typeof heartbeat === 'number' && { heartbeat: heartbeat * 1000 }),
      ...(clientProperties !== undefined && { clientProperties: clientProperties as Record<string, unknown> }),
      ...connection,
    },
    publisher: {
      ...(config.defaultRpcTimeout !== undefined && { requestTimeout: config.defaultRpcTimeout }),
      ...publisher,
    },
    // Of @Listener methods beside those of golevelup.
    defaults: { prefetch: 1, concurrency: Math.max(1, Math.min(config.prefetchCount ?? 10, 2047)), ...defaults },
    topology: joined(moduleTopology(config), topology),
  };
}

type Topology = NonNullable<LeveretConnectionOptions['topology']>;

function joined(own: ReturnType<typeof moduleTopology>, further: Topology | undefined): Topology {
  if (further === undefined) return own;
  if (Array.isArray(further)) {
    throw new ConfigurationError([
      'topology of leveret must be given by kind here: { queues, exchanges, bindings, policies }',
    ]);
  }
  const { exchanges = [], queues = [], bindings = [], policies = [] } = further as ReturnType<typeof moduleTopology>;
  return {
    exchanges: [...(own.exchanges ?? []), ...exchanges],
    queues: [...(own.queues ?? []), ...queues],
    bindings: [...(own.bindings ?? []), ...bindings],
    policies,
  };
}

function urlOf(uri: AmqpUri | string): string {
  if (typeof uri === 'string') return uri;
  const { protocol = 'amqp', hostname, port = 5672, username, password, vhost = '' } = uri;
  if (!hostname)
    throw new ConfigurationError(["uri must have a hostname when it is an object, as in { hostname: 'localhost' }"]);
  const user = username && password ? `${encodeURIComponent(username)}:${encodeURIComponent(password)}@` : '';
  const path = vhost === '' || vhost === '/' ? '' : `/${encodeURIComponent(vhost.replace(/^\//, ''))}`;
  return `${protocol}://${user}${hostname}:${port}${path}`;
}

function asTarget(logger: NonNullable<RabbitMQConfig['logger']>) {
  return {
    log: (message: string) => logger.log(message),
    warn: (message: string) => logger.warn(message),
    error: (message: string, stack?: string) => logger.error(message, stack),
    debug: (message: string) => logger.debug?.(message),
  };
}
