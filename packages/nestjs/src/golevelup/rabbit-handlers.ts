import { Problems } from '@leveret/core';
import { eachHost } from '../discovery/each-host.js';
import type { ListenerSearch } from '../discovery/find-listeners.js';
import type { ListenerHost } from '../discovery/listener-host.js';
import { defaultAssertQueueErrorHandler } from './error-behaviors.js';
import { RABBIT_HANDLER } from './rabbit-decorators.js';
import type { RabbitHandlerConfig, RabbitMQConfig } from './rabbit-types.js';

/** A method with `@RabbitSubscribe` or `@RabbitRPC`, and one of the ways in which it is to be called. */
export interface RabbitHandlerMethod {
  readonly id: string;
  readonly host: ListenerHost;
  readonly key: string | symbol;
  readonly options: RabbitHandlerConfig;
}

/**
 * The handlers of one connection, with what the module says of them by name.
 * @throws {ConfigurationError} with every option that leveret has nothing for
 */
export function rabbitHandlers(search: ListenerSearch, config: RabbitMQConfig): readonly RabbitHandlerMethod[] {
  const problems = new Problems('RabbitMQModule');
  const found: RabbitHandlerMethod[] = [];
  for (const host of eachHost(search)) {
    for (const [key, declared] of declarationsOn(host.listenerClass)) {
      if (declared.connection !== undefined && declared.connection !== search.connection) continue;
      if (declared.connection === undefined && search.connection !== 'default') continue;
      const all = configured(declared, config);
      all.forEach((options, index) => {
        const id = `${host.listenerClass.name}.${String(key)}${index === 0 ? '' : `#${index + 1}`}`;
        checkOptions(options, problems.at(id));
        found.push({ id, host, key, options });
      });
    }
  }
  problems.throwIfAny();
  return found;
}

/** By the name of a handler, the module may say several times what it is; one that it does not know is none. */
function configured(declared: RabbitHandlerConfig, config: RabbitMQConfig): readonly RabbitHandlerConfig[] {
  const name = declared.name || config.defaultHandler;
  if (name === undefined || name === '') return [declared];
  if (!Object.hasOwn(config.handlers ?? {}, name)) return [];
  const said = config.handlers?.[name] ?? [];
  return (Array.isArray(said) ? said : [said]).map((each: object) => ({ ...declared, ...each }));
}

function declarationsOn(listenerClass: {
  readonly prototype: object;
}): ReadonlyMap<string | symbol, RabbitHandlerConfig> {
  const found = new Map<string | symbol, RabbitHandlerConfig>();
  let prototype: object | null = listenerClass.prototype;
  for (
    ;
    prototype !== null && prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null
  ) {
    for (const key of Reflect.ownKeys(prototype)) {
      const method: unknown = Object.getOwnPropertyDescriptor(prototype, key)?.value;
      if (typeof method !== 'function' || key === 'constructor' || found.has(key)) continue;
      const declared = Reflect.getOwnMetadata(RABBIT_HANDLER, method) as RabbitHandlerConfig | undefined;
      if (declared !== undefined) found.set(key, declared);
    }
  }
  return found;
}

function checkOptions({ type, batchOptions, assertQueueErrorHandler }: RabbitHandlerConfig, problems: Problems): void {
  if (type !== 'rpc' && type !== 'subscribe') problems.add(`type must be 'rpc' or 'subscribe'; got ${String(type)}`);
  if (batchOptions !== undefined) {
    problems.add(
      'batchOptions: leveret hands over messages one by one, for each has an outcome of its own. Leave it out, and collect in the handler what is to be written together',
    );
  }
  if (assertQueueErrorHandler !== undefined && assertQueueErrorHandler !== defaultAssertQueueErrorHandler) {
    problems.add(
      'assertQueueErrorHandler: a queue that exists with other properties is reported at the start, and used as it is; leveret deletes none, for its messages would be lost. Leave it out',
    );
  }
}
