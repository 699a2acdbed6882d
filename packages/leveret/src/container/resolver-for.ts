import { describeValue, type Logger, type Problems } from '@leveret/core';
import { type ContainerPort, hasMethods, isInversifyContainer } from './container-port.js';
import type { InstanceResolver } from './instance-resolver.js';
import { InversifyResolver } from './inversify-resolver.js';
import { loadInversify } from './load-inversify.js';
import { PlainResolver } from './plain-resolver.js';
import { mapPort, PortResolver } from './port-resolver.js';

/** The resolver for what `Leveret.start({ container })` was given. Adds a fault when that is no container. */
export async function resolverFor(given: unknown, logger: Logger, problems: Problems): Promise<InstanceResolver> {
  if (given === undefined) return new PlainResolver();
  if (isInversifyContainer(given)) return new InversifyResolver(given, await loadInversify());
  if (given instanceof Map) return new PortResolver(mapPort(given), logger);
  if (hasMethods(given, ['resolve'])) return new PortResolver(given as ContainerPort, logger);
  problems.add(
    `container must be a Container of inversify, an object with resolve(token), or a Map from tokens to instances; got ${describeValue(given)}`,
  );
  return new PlainResolver();
}
