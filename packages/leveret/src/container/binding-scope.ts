import type { BindingScope, Container, ServiceIdentifier } from 'inversify';
import type { AnyClass } from '../reading/class-kind.js';
import type { Inversify } from './load-inversify.js';

/**
 * The scope that a service is bound in, or `undefined` when it is not bound, is bound more than once, or its binding has
 * none (an alias). Makes no instance.
 */
export function boundScope(container: Container, service: ServiceIdentifier): BindingScope | undefined {
  let scope: BindingScope | undefined;
  // A plugin is inversify's way to look at bindings; the container keeps nothing of it.
  // @see https://inversify.io/docs/ecosystem/plugin/
  class ScopeReader {
    readonly [IS_PLUGIN] = true;

    constructor(_container: Container, context: PluginContext) {
      const bindings = [...(context.bindingService.get(service) ?? [])];
      scope = bindings.length === 1 ? bindings[0]?.scope : undefined;
    }

    load(): void {}
  }
  container.register(ScopeReader);
  return scope;
}

/** The scope that a class asks for itself, as by `@injectable('Request')`; `undefined` when it leaves that open. */
export function declaredScope(service: AnyClass, { Container }: Inversify): BindingScope | undefined {
  const asSingleton = new Container({ defaultScope: 'Singleton' });
  asSingleton.bind(service).toSelf();
  const asTransient = new Container({ defaultScope: 'Transient' });
  asTransient.bind(service).toSelf();
  const scope = boundScope(asSingleton, service);
  return scope === boundScope(asTransient, service) ? scope : undefined;
}

const IS_PLUGIN = Symbol.for('@inversifyjs/plugin/isPlugin');

/** The part of a plugin's context that is looked at. */
interface PluginContext {
  readonly bindingService: {
    get(service: ServiceIdentifier): Iterable<{ readonly scope?: BindingScope }> | undefined;
  };
}
