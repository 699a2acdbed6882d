import type { DeliveryContext } from 'leveret';
import type { ContainerPort } from 'leveret/adapters';
import type { InjectableClass, Injector } from 'typed-inject';

/** What the scope of an attempt has besides what the injector has. */
export interface Scope {
  readonly delivery: DeliveryContext;
}

/**
 * An injector of typed-inject for `Leveret.start({ container })`. Classes say what they take: `static inject = ['orders',
 * 'tenant'] as const`. What the injector provides is made once; listeners, and what `provide` adds, for each attempt.
 * @param provide adds what belongs to an attempt, such as `(scope) => scope.provideClass('tenant', Tenant)`; it is disposed with it
 */
export function typedInjectPort<Services, Scoped extends Services & Scope>(
  injector: Injector<Services>,
  provide: (scope: Injector<Services & Scope>) => Injector<Scoped>,
): ContainerPort {
  return {
    resolve: (token) =>
      typeof token === 'function'
        ? injector.injectClass(token as unknown as InjectableClass<Services, unknown, readonly []>)
        : injector.resolve(token as keyof Services & string),
    createScope(context) {
      const scope = injector.provideValue('delivery', context) as unknown as Injector<Services & Scope>;
      const provided = provide(scope);
      return {
        resolve: (token) => provided.injectClass(token as unknown as InjectableClass<Scoped, unknown, readonly []>),
        dispose: () => scope.dispose(),
      };
    },
  };
}
