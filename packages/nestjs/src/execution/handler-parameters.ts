import type { Type } from '@nestjs/common';
import type { HandlerParameter } from 'leveret/adapters';
import { parameterPipes } from './parameter-pipes.js';

/** A parameter, and how Nest numbers it where that is not by its kind. */
export interface NumberedParameter extends HandlerParameter {
  /** As in `RouteParamtypes`: 3 is a body, 4 a query, 5 a parameter of the path. */
  readonly number?: number;
}

/** What Nest is told of a parameter as its `data`. */
export interface DescribedParameter extends HandlerParameter {
  /** Where it stands. */
  readonly index: number;
}

/** Where Nest finds what is said of the parameters of a handler. */
export const PARAMETERS = 'leveret:parameters';

/** How Nest numbers parameters; what it has no number for is `custom`. */
const BODY = 3;
const CUSTOM = 100;

/** Pipes are for what the sender wrote. */
export function isPiped(kind: HandlerParameter['kind']): boolean {
  return kind === 'payload' || kind === 'header';
}

/** Tells Nest of the parameters of a method, in its own way: on the class, and on the class that declares the method. */
export function describeParameters(
  instance: object,
  listenerClass: Type<object>,
  key: string | symbol,
  methodName: string,
  parameters: readonly NumberedParameter[],
): void {
  const pipes = parameterPipes(listenerClass.prototype as object, key);
  const described = Object.fromEntries(
    parameters.map(({ number, ...parameter }, index) => [
      `${number ?? (parameter.kind === 'payload' ? BODY : CUSTOM)}:${index}`,
      { index, data: { ...parameter, index } satisfies DescribedParameter, pipes: pipes.get(index) ?? [] },
    ]),
  );
  const hosts = new Set<unknown>([listenerClass, instance.constructor, declaringClass(listenerClass, key)]);
  for (const host of hosts) Reflect.defineMetadata(PARAMETERS, described, host as object, methodName);
}

function declaringClass(listenerClass: Type<object>, key: string | symbol): unknown {
  let prototype = listenerClass.prototype as object | null;
  while (prototype !== null && !Object.hasOwn(prototype, key)) {
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return prototype?.constructor ?? listenerClass;
}

/** Takes an argument of a handler from what Nest is called with, of which the last are all arguments. */
export const argumentsFactory = {
  exchangeKeyForValue: (_type: number, data: unknown, args: unknown[]): unknown =>
    (args.at(-1) as readonly unknown[])[(data as DescribedParameter).index],
};
