import {
  ConfigurationError,
  describeValue,
  type IdempotencyGuard,
  type IdempotencyStore,
  type Interceptor,
  type InterceptorFunction,
  type MessageConverter,
  type Problems,
  type Recoverer,
  type RecovererFunction,
} from '@leveret/core';
import type { InstanceSource } from '../handler/instance-source.js';
import { interceptorFunction } from '../handler/interceptor-function.js';
import type { InterceptorLike } from '../interceptor/interceptor-like.js';
import { type AnyClass, isClass } from '../reading/class-kind.js';
import type { ListenerHome } from '../reading/listener-home.js';
import type { ListenerPlan } from '../reading/listener-plan.js';
import type { InstanceHooks } from './instance-hooks.js';
import type { InstanceResolver } from './instance-resolver.js';
import { wordsOfInversify } from './words-of-inversify.js';

/** What makes listeners. */
export interface ListenerMaking extends Pick<InstanceHooks, 'onInstance'> {
  readonly resolver: InstanceResolver;
}

/** Where the instances of a home come from; `undefined` (and a fault) when none can be made. */
export async function resolveHome(
  { home, id }: Pick<ListenerPlan, 'home' | 'id'>,
  { resolver, onInstance }: ListenerMaking,
  problems: Problems,
): Promise<InstanceSource | undefined> {
  const source = await sourceOf(home, resolver, problems);
  if (source === undefined || onInstance === undefined) return source;
  const told = (instance: object): object => {
    onInstance(home.given, instance, id);
    return instance;
  };
  if (source.kind === 'shared') return { kind: 'shared', instance: told(source.instance) };
  return {
    kind: 'per-attempt',
    make(context) {
      const made = source.make(context);
      return made instanceof Promise ? made.then(told) : told(made);
    },
  };
}

async function sourceOf(
  home: ListenerHome,
  resolver: InstanceResolver,
  problems: Problems,
): Promise<InstanceSource | undefined> {
  if (home.class === undefined) return { kind: 'shared', instance: home.instance };
  if (home.instance !== undefined) return { kind: 'shared', instance: home.instance };
  const listenerClass = home.class;
  return attempt(listenerClass, () => resolver.source(listenerClass), problems);
}

/** An interceptor as a function, whatever it was given as. */
export async function resolveInterceptor(
  given: InterceptorLike,
  resolver: InstanceResolver,
  problems: Problems,
): Promise<InterceptorFunction | undefined> {
  if (isClass(given)) {
    const source = await attempt(given, () => resolver.source(given as AnyClass<Interceptor>), problems);
    if (source === undefined) return undefined;
    // What is made anew for each attempt is known by its class only.
    const known: unknown = source.kind === 'shared' ? source.instance : given.prototype;
    if (has(known, 'intercept')) return interceptorFunction(source);
  } else if (typeof given === 'function') {
    return given as InterceptorFunction;
  } else if (has(given, 'intercept')) {
    return interceptorFunction({ kind: 'shared', instance: given });
  }
  problems.add(
    `an interceptor must be a function (context, next), an object with intercept(context, next), or a class of such; got ${describeValue(given)}`,
  );
  return undefined;
}

/** A recoverer as an object. A class is made once. */
export async function resolveRecoverer(
  given: unknown,
  resolver: InstanceResolver,
  problems: Problems,
): Promise<Recoverer | undefined> {
  const made = isClass(given) ? await attempt(given, () => resolver.single(given), problems) : given;
  if (isClass(given) && made === undefined) return undefined;
  if (typeof made === 'function') return { recover: made as RecovererFunction };
  if (has(made, 'recover')) return made as Recoverer;
  problems.add(
    `recoverer must be a function, an object with recover(failure) such as republish('error.direct') makes, or a class of such; got ${describeValue(given)}`,
  );
  return undefined;
}

/** A converter as an object. A class is made once. */
export async function resolveConverter(
  given: unknown,
  resolver: InstanceResolver,
  problems: Problems,
): Promise<MessageConverter | undefined> {
  const made = isClass(given) ? await attempt(given, () => resolver.single(given), problems) : given;
  if (isClass(given) && made === undefined) return undefined;
  if (has(made, 'fromMessage') && has(made, 'toMessage')) return made as MessageConverter;
  problems.add(
    `converter must be an object with fromMessage and toMessage, or a class of such; got ${describeValue(given)}`,
  );
  return undefined;
}

/** An idempotency store as an object. A class is made once; a token stands for what the container has. */
export async function resolveStore(
  given: unknown,
  resolver: InstanceResolver,
  problems: Problems,
): Promise<IdempotencyStore | undefined> {
  const made = await instanceOf(given, resolver, problems);
  if (made === undefined) return undefined;
  const methods = ['claim', 'complete', 'release', 'renew'];
  if (methods.every((method) => has(made.instance, method))) return made.instance as IdempotencyStore;
  problems.add(
    `store must be an object with ${methods.join(', ')}, a class of such, or a token of the container; got ${describeValue(given)}`,
  );
  return undefined;
}

/** A guard as an object. A class is made once; a token stands for what the container has. */
export async function resolveGuard(
  given: unknown,
  resolver: InstanceResolver,
  problems: Problems,
): Promise<IdempotencyGuard | undefined> {
  const made = await instanceOf(given, resolver, problems);
  if (made === undefined) return undefined;
  if (has(made.instance, 'run')) return made.instance as IdempotencyGuard;
  problems.add(
    `guard must be an object with run(listenerId, key, attempt), a class of such, or a token of the container; got ${describeValue(given)}`,
  );
  return undefined;
}

/** `undefined` (and a fault) when the container has none, or cannot make one. */
async function instanceOf(
  given: unknown,
  resolver: InstanceResolver,
  problems: Problems,
): Promise<{ readonly instance: unknown } | undefined> {
  if (isClass(given)) {
    const instance = await attempt(given, () => resolver.single(given), problems);
    return instance === undefined ? undefined : { instance };
  }
  if (typeof given !== 'string' && typeof given !== 'symbol') return { instance: given };
  const found = await attempt({ name: String(given) }, async () => (await resolver.token(given)) ?? NOTHING, problems);
  if (found === NOTHING) problems.add(`the container has nothing bound to ${describeValue(given)}`);
  return found === NOTHING ? undefined : found;
}

const NOTHING: { readonly instance: unknown } = { instance: undefined };

async function attempt<T>(
  service: { readonly name: string },
  make: () => Promise<T>,
  problems: Problems,
): Promise<T | undefined> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof ConfigurationError) {
      for (const problem of error.problems) problems.add(problem);
      return undefined;
    }
    const reason = error instanceof Error ? error.message : String(error);
    problems.add(`the container cannot make ${service.name}: ${wordsOfInversify(reason)}`);
    return undefined;
  }
}

function has(value: unknown, method: string): value is object {
  return (
    typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[method] === 'function'
  );
}
