import { type AwilixContainer, asValue } from 'awilix';
import type { ContainerPort, ServiceToken } from 'leveret/adapters';

/**
 * A container of awilix for `Leveret.start({ container })`. awilix knows services by names: a class `PayListener` is the
 * registration `payListener`. The delivery of an attempt is registered in its scope as `delivery`.
 */
export function awilixPort(container: AwilixContainer): ContainerPort {
  return {
    resolve: (token) => container.resolve(nameOf(token)),
    createScope(context) {
      const scope = container.createScope();
      scope.register({ delivery: asValue(context) });
      return { resolve: (token) => scope.resolve(nameOf(token)), dispose: () => scope.dispose() };
    },
  };
}

function nameOf(token: ServiceToken): string | symbol {
  return typeof token === 'function' ? token.name.charAt(0).toLowerCase() + token.name.slice(1) : token;
}
