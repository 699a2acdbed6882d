import { type PipeTransform, type Type, ValidationPipe } from '@nestjs/common';
import { type ContextId, ExternalContextCreator } from '@nestjs/core';
import type { DeliveryContext } from 'leveret';
import type { HandlerFramework, HandlerInvocation } from 'leveret/adapters';
import type { ListenerHost } from '../discovery/listener-host.js';
import type { ContextParts } from './context-parts.js';
import { argumentsFactory, describeParameters, type NumberedParameter, PARAMETERS } from './handler-parameters.js';
import type { Origins } from './origins.js';
import { isOutcome, outcomeOf } from './outcomes.js';
import { type Pipe, parameterPipes } from './parameter-pipes.js';

/** What `context.getType()` answers in guards, pipes, interceptors and filters of a message. */
export const LEVERET_CONTEXT = 'leveret';

/** Where Nest keeps what `@UsePipes` was given. */
const PIPES = '__pipes__';

/** A handler with everything that Nest runs around it. */
type Target = (...surface: unknown[]) => Promise<unknown>;

/** A call as it looks to guards and the like. */
export interface SurfacedInvocation extends Omit<HandlerInvocation, 'parameters'> {
  readonly parameters: readonly NumberedParameter[];
  /** What `getType()` answers, and what `getArgs()` begins with: `switchToRpc()` takes its data and its context from it. */
  readonly surface?: { readonly type: string; readonly args: readonly unknown[] };
}

type Methods = Readonly<Record<string | symbol, (...args: unknown[]) => unknown>>;

/** What the framework stands on. */
export interface FrameworkParts {
  readonly context: ContextParts;
  readonly origins: Origins;
  /** Context ids of attempts that have one. */
  readonly contextIds: WeakMap<DeliveryContext, ContextId>;
  /** Pipes that run for messages although no handler names them. */
  readonly globalPipes: () => readonly unknown[];
}

/**
 * Calls handlers through Nest's external context: guards, pipes, interceptors and filters of the class, the method and its
 * parameters run inside the attempt.
 */
export class NestFramework implements HandlerFramework {
  readonly #parts: FrameworkParts;
  readonly #hosts = new Map<unknown, ListenerHost>();
  /** By the parameters of the handler, of which there is one list for each way to a method. */
  readonly #routes = new WeakMap<object, HandlerRoute>();

  constructor(parts: FrameworkParts) {
    this.#parts = parts;
  }

  /** The listeners, which are known only when the application has been made. */
  use(hosts: readonly ListenerHost[]): void {
    for (const host of hosts) this.#hosts.set(host.listenerClass, host);
  }

  /** Nest's `ValidationPipe` makes instances of classes itself. What it is to make must not have been made before: rules of class-transformer would run twice. */
  makesPayload(listenerClass: abstract new (...args: never) => unknown, key: string | symbol): boolean {
    const prototype = listenerClass.prototype as Readonly<Record<string | symbol, unknown>>;
    const ofParameters = [...parameterPipes(prototype, key).values()].flat();
    const pipes = [pipesOn(listenerClass), pipesOn(prototype[key]), ofParameters, this.#parts.globalPipes()].flat();
    return pipes.some((pipe) => pipe instanceof ValidationPipe || isClassOf(pipe, ValidationPipe));
  }

  async invoke(call: HandlerInvocation): Promise<unknown> {
    const { instance, key, args } = call;
    const host = this.#hostOf(instance);
    // Nobody's provider: an instance that the options name.
    if (host === undefined) return (instance as Methods)[key]?.(...args);
    return this.invokeOn(host, call);
  }

  /** The same for a provider that is found otherwise. */
  async invokeOn(host: ListenerHost, call: SurfacedInvocation): Promise<unknown> {
    const { context, args } = call;
    const { origins } = this.#parts;
    const surface = call.surface?.args ?? [context.payload, context];
    let answer: unknown;
    try {
      answer = await this.#targetOf(host, call)(...surface, args);
    } catch (error) {
      throw outcomeOf(error, origins.of(error));
    }
    // Answered by a filter, or by the handler itself.
    if (isOutcome(answer)) throw answer;
    return answer;
  }

  #targetOf(host: ListenerHost, call: SurfacedInvocation): Target {
    let route = this.#routes.get(call.parameters);
    if (route === undefined) {
      route = new HandlerRoute(call, host, this.#parts);
      this.#routes.set(call.parameters, route);
    }
    return route.target(call);
  }

  #hostOf(instance: object): ListenerHost | undefined {
    let prototype = Object.getPrototypeOf(instance) as object | null;
    for (; prototype !== null; prototype = Object.getPrototypeOf(prototype) as object | null) {
      const host = this.#hosts.get(prototype.constructor);
      if (host !== undefined) return host;
    }
    return undefined;
  }
}

/** One way to a handler method: made ready at its first message. */
class HandlerRoute {
  readonly #host: ListenerHost;
  readonly #creator: ExternalContextCreator;
  readonly #contextIds: FrameworkParts['contextIds'];
  readonly #key: string | symbol;
  readonly #methodName: string;
  readonly #type: string;
  #shared: { readonly instance: object; readonly target: Target } | undefined;

  constructor({ instance, key, parameters, surface }: SurfacedInvocation, host: ListenerHost, parts: FrameworkParts) {
    this.#host = host;
    this.#creator = new HostContextCreator(parts.context, host.moduleKey);
    this.#contextIds = parts.contextIds;
    this.#key = key;
    this.#type = surface?.type ?? LEVERET_CONTEXT;
    // Nest keeps methods by texts.
    this.#methodName = String(key);
    describeParameters(instance, host.listenerClass, key, this.#methodName, parameters);
  }

  target({ instance, context }: SurfacedInvocation): Target {
    if (this.#host.kind === 'per-attempt') return this.#make(instance, this.#contextIds.get(context));
    if (this.#shared?.instance !== instance) this.#shared = { instance, target: this.#make(instance, undefined) };
    return this.#shared.target;
  }

  #make(instance: object, contextId: ContextId | undefined): Target {
    return this.#creator.create(
      instance as never,
      this.#callback(instance),
      this.#methodName,
      PARAMETERS,
      argumentsFactory,
      contextId,
      contextId === undefined ? undefined : this.#host.wrapper.id,
      { guards: true, interceptors: true, filters: true },
      this.#type,
    ) as Target;
  }

  /** The method as its class declares it: what decorators say stands on it. One that was replaced, as by a spy, is called all the same. */
  #callback(instance: object): (...args: unknown[]) => unknown {
    const key = this.#key;
    const declared = (this.#host.listenerClass.prototype as Methods)[key];
    const actual = (instance as Methods)[key];
    if (declared === undefined || actual === declared) return actual as (...args: unknown[]) => unknown;
    const calling = function (this: Methods, ...args: unknown[]): unknown {
      return this[key]?.(...args);
    };
    Object.defineProperty(calling, 'name', { value: this.#methodName });
    // Metadata of a function is looked for along its prototypes.
    return Object.setPrototypeOf(calling, declared) as typeof calling;
  }
}

/** Knows the module of its listener: Nest looks among providers by class, and finds no controllers and no other tokens. */
class HostContextCreator extends ExternalContextCreator {
  readonly #moduleKey: string;

  constructor(parts: ContextParts, moduleKey: string) {
    super(...parts);
    this.#moduleKey = moduleKey;
  }

  override getContextModuleKey(): string {
    return this.#moduleKey;
  }
}

function pipesOn(target: unknown): readonly Pipe[] {
  if (typeof target !== 'function') return [];
  return (Reflect.getMetadata(PIPES, target) as readonly Pipe[] | undefined) ?? [];
}

function isClassOf(value: unknown, base: Type<PipeTransform>): boolean {
  return typeof value === 'function' && (value === base || value.prototype instanceof base);
}
