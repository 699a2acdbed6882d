import type { PipeTransform, Type } from '@nestjs/common';

/** A pipe, or the class of one, which Nest makes. */
export type Pipe = PipeTransform | Type<PipeTransform>;

const KEY = 'leveret:pipes';
/** Where Nest looks for classes of pipes that it is to make (ROUTE_ARGS_METADATA). */
const NEST_ARGUMENTS = '__routeArguments__';

/**
 * Pipes of one parameter, behind those of the method: `@Payload() @Pipes(ParseOrderPipe) order: Order`.
 * What a pipe throws rejects the message without another attempt.
 */
export function Pipes(...pipes: Pipe[]): ParameterDecorator {
  return (target, key, index) => {
    if (key === undefined) throw new Error('@Pipes belongs on a parameter of a method, not of the constructor');
    const known = parameterPipes(target, key);
    Reflect.defineMetadata(KEY, new Map(known).set(index, [...pipes, ...(known.get(index) ?? [])]), target, key);
    const declared = (Reflect.getOwnMetadata(NEST_ARGUMENTS, target.constructor, key) ?? {}) as object;
    const entry = { [`leveret:${index}`]: { index, pipes } };
    Reflect.defineMetadata(NEST_ARGUMENTS, { ...declared, ...entry }, target.constructor, key);
  };
}

/** The pipes that parameters of a method have, by index. */
export function parameterPipes(prototype: object, key: string | symbol): ReadonlyMap<number, readonly Pipe[]> {
  const found = Reflect.getMetadata(KEY, prototype, key) as ReadonlyMap<number, readonly Pipe[]> | undefined;
  return found ?? new Map();
}
