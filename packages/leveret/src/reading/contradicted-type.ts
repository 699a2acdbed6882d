import { describeTarget, type PayloadTarget } from '../payload/payload-target.js';
import type { ParameterPlan } from './listener-plan.js';

/** What a header can hold. Those of other classes a message cannot bring. */
const OF_HEADERS: ReadonlySet<unknown> = new Set([String, Number, Boolean, BigInt, Array, Buffer, Uint8Array]);

/**
 * What is wrong with the reflected type of a parameter (`design:paramtypes`), which is all that legacy decorators leave of it;
 * `undefined` when it is right, or tells nothing: an interface, a union, a type alias, `any` and a class that was imported as a
 * type reflect as `Object`, `Function` or nothing.
 */
export function contradictedType(plan: Exclude<ParameterPlan, { kind: 'payload' }>, type: unknown): string | undefined {
  if (!tells(type)) return undefined;
  switch (plan.kind) {
    case 'header':
      if (OF_HEADERS.has(type)) return undefined;
      return `@Header(${JSON.stringify(plan.name)}) is on a parameter of the class ${type.name}, but headers hold text, numbers, booleans, bytes, arrays and tables. Declare what the sender writes, such as string`;
    case 'headers':
      return `@Headers() is on a parameter declared as ${type.name}, but all headers together are an object. Declare it as MessageHeaders`;
    case 'message':
      return `@Message() is on a parameter declared as ${type.name}, but the message is an object. Declare it as Message`;
    case 'context':
      return `@Context() is on a parameter declared as ${type.name}, but the context is an object. Declare it as DeliveryContext`;
    case 'transaction':
      return undefined;
    default:
      return plan satisfies never;
  }
}

/** The same of the payload, which is declared in two places: what is made of the body, and what the method says it takes. */
export function contradictedPayload(target: PayloadTarget, type: unknown): string | undefined {
  if (!tells(type) || isTaken(target, type)) return undefined;
  const made = target.kind === 'array' ? `an array of ${describeTarget(target.of)}` : describeTarget(target);
  return `the payload is declared as ${made}, but its parameter as ${type === Array ? 'an array' : type.name}. Say the same in both places`;
}

/** The same of the parameter of a scheduled method. */
export function contradictedSignal(type: unknown): string | undefined {
  if (!tells(type) || type === AbortSignal || AbortSignal.prototype instanceof type) return undefined;
  return `its parameter is declared as ${type.name}, but it is called with an AbortSignal and nothing else`;
}

/** Whether a parameter of this type can take what is made of the body. */
function isTaken(target: PayloadTarget, type: AnyFunction): boolean {
  switch (target.kind) {
    case 'array':
      return type === Array;
    case 'scalar':
      return type === target.type;
    case 'as-read':
      return target.type === Object || type === Buffer || type === Uint8Array;
    case 'class':
      return type === target.type || target.type.prototype instanceof type;
    case 'schema':
      // The compiler knows what it makes. Nothing of that is left at run time.
      return true;
    default:
      return target satisfies never;
  }
}

type AnyFunction = (abstract new (...args: never) => unknown) & { readonly name: string };

function tells(type: unknown): type is AnyFunction {
  if (typeof type !== 'function' || type === Object || type === Function) return false;
  // What is no class is something that a compiler put in the place of one.
  return typeof type.prototype === 'object' && type.prototype !== null;
}
