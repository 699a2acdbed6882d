import { DELIVERY_CONTEXT } from 'leveret';
import type { ContainerPort } from 'leveret/adapters';
import type { DependencyContainer, InjectionToken } from 'tsyringe';

/**
 * A container of tsyringe for `Leveret.start({ container })`. The delivery of an attempt is registered in its scope, a child
 * container: `@inject(DELIVERY_CONTEXT)`. What is `@scoped(Lifecycle.ContainerScoped)` is made once for each attempt.
 */
export function tsyringePort(container: DependencyContainer): ContainerPort {
  return {
    resolve: (token) => container.resolve(token as InjectionToken),
    createScope(context) {
      const scope = container.createChildContainer();
      scope.registerInstance(DELIVERY_CONTEXT, context);
      return { resolve: (token) => scope.resolve(token as InjectionToken), dispose: () => scope.dispose() };
    },
  };
}
