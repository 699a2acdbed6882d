import { checkOptions, describeValue, type Problems } from '@leveret/core';
import type { ParameterDeclaration } from '../decorators/class-record.js';
import { describeTarget, elementOf, type PayloadTarget, type Scalar, scalarOf } from '../payload/payload-target.js';
import { contradictedPayload, contradictedType } from './contradicted-type.js';
import type { MergedMethod } from './merged-record.js';
import { readGivenType, readReflectedType } from './read-payload-type.js';

/** Where the value of one parameter comes from. */
export type ParameterPlan =
  | { readonly kind: 'payload' }
  | { readonly kind: 'headers' | 'message' | 'context' | 'transaction' }
  | {
      readonly kind: 'header';
      readonly name: string;
      readonly required: boolean;
      readonly default: unknown;
      /** The scalar that the header is converted to; `undefined` takes it as it came. */
      readonly as: Scalar | undefined;
    };

/** The parameters of a handler method. */
export interface ParametersPlan {
  readonly parameters: readonly ParameterPlan[];
  /** What the payload parameter is declared as; `undefined` when there is none. */
  readonly target: PayloadTarget | undefined;
}

/** What is said of the payload elsewhere than at its parameter. */
export interface DeclaredTarget {
  readonly by: '@Handler' | 'payload of @Listener';
  readonly target: PayloadTarget;
}

/**
 * Reads the parameters of a method. One parameter without a decorator is the payload.
 * @param prototype of the class: its methods know how many parameters they have
 * @param declared the type that `@Handler` or `@Listener` gave, which a payload parameter takes over
 */
export function readParameters(
  prototype: object,
  method: MergedMethod,
  declared: DeclaredTarget | undefined,
  problems: Problems,
): ParametersPlan {
  const types = reflectedTypes(prototype, method.key);
  const plans: ParameterPlan[] = [];
  let payload: { readonly index: number; readonly declaration: PayloadDeclaration | undefined } | undefined;
  for (let index = 0; index < parameterCount(prototype, method, types); index++) {
    const declaration = soleDeclaration(method.parameters.get(index), index, problems);
    if (declaration === undefined || declaration.kind === 'payload') {
      if (payload !== undefined) problems.add(secondPayload(payload, index, declaration));
      else payload = { index, declaration };
      plans.push({ kind: 'payload' });
    } else {
      const plan = planOf(declaration, types?.[index], problems);
      note(index, contradictedType(plan, types?.[index]));
      plans.push(plan);
    }
  }
  const target = payload === undefined ? declared?.target : payloadTarget(payload.declaration, payload.index);
  if (payload !== undefined && target !== undefined) {
    note(payload.index, contradictedPayload(target, types?.[payload.index]));
  }
  return { parameters: plans, target };

  function note(index: number, fault: string | undefined): void {
    if (fault !== undefined) problems.add(`parameter ${index + 1}: ${fault}`);
  }

  function payloadTarget(declaration: PayloadDeclaration | undefined, index: number): PayloadTarget | undefined {
    if (declaration?.typeGiven !== true) return declared?.target ?? readReflectedType(types, index, problems);
    const given = readGivenType(declaration.type, '@Payload', problems);
    if (given === undefined || declared === undefined) return given;
    if (!isSame(given, declared.target)) {
      const [one, other] = [describeTarget(declared.target), describeTarget(given)];
      problems.add(`${declared.by} says ${one}, but @Payload says ${other}. Leave one of them out.`);
    }
    return given;
  }
}

function isSame(one: PayloadTarget, other: PayloadTarget): boolean {
  return (one.kind === 'array') === (other.kind === 'array') && elementOf(one).type === elementOf(other).type;
}

type PayloadDeclaration = Extract<ParameterDeclaration, { readonly kind: 'payload' }>;

function reflectedTypes(prototype: object, key: string | symbol): readonly unknown[] | undefined {
  return Reflect.getMetadata('design:paramtypes', prototype, key) as readonly unknown[] | undefined;
}

// A function's length stops at the first default value, and reflection is missing in many builds: take what each knows.
function parameterCount(prototype: object, method: MergedMethod, types: readonly unknown[] | undefined): number {
  const implementation = (prototype as Record<string | symbol, unknown>)[method.key];
  const length = typeof implementation === 'function' ? implementation.length : 0;
  return Math.max(length, types?.length ?? 0, ...[...method.parameters.keys()].map((index) => index + 1));
}

function soleDeclaration(
  declarations: readonly ParameterDeclaration[] | undefined,
  index: number,
  problems: Problems,
): ParameterDeclaration | undefined {
  if (declarations !== undefined && declarations.length > 1) {
    const kinds = declarations.map(({ kind }) => nameOf(kind)).join(' and ');
    problems.add(`parameter ${index + 1} has ${kinds}; a parameter takes one value`);
  }
  return declarations?.[0];
}

function secondPayload(
  first: { readonly index: number; readonly declaration: PayloadDeclaration | undefined },
  index: number,
  declaration: PayloadDeclaration | undefined,
): string {
  const places = `parameters ${first.index + 1} and ${index + 1}`;
  if (first.declaration !== undefined && declaration !== undefined)
    return `${places} both have @Payload; only one can take the payload`;
  if (first.declaration === undefined && declaration === undefined) {
    return `${places} have no decorator; only one can be the payload. Say what the others take: @Header('name'), @Headers(), @Message() or @Context()`;
  }
  const bare = first.declaration === undefined ? first.index : index;
  return `parameter ${bare + 1} has no decorator beside @Payload. Say what it takes: @Header('name'), @Headers(), @Message() or @Context()`;
}

function planOf(
  declaration: Exclude<ParameterDeclaration, PayloadDeclaration>,
  type: unknown,
  problems: Problems,
): Exclude<ParameterPlan, { readonly kind: 'payload' }> {
  return declaration.kind === 'header' ? headerPlan(declaration, type, problems) : { kind: declaration.kind };
}

function headerPlan(
  declaration: Extract<ParameterDeclaration, { readonly kind: 'header' }>,
  type: unknown,
  problems: Problems,
): Extract<ParameterPlan, { readonly kind: 'header' }> {
  const { name } = declaration;
  const options = declaration.options ?? {};
  if (typeof name !== 'string' || name === '') {
    problems.add(`@Header takes the name of a header; got ${describeValue(name)}`);
  }
  const plan = { kind: 'header', name: String(name), required: true, default: undefined, as: scalarOf(type) } as const;
  const what = `@Header(${describeValue(name)})`;
  if (!checkOptions(options, ['required', 'default'], what, problems)) return plan;
  const { required, default: fallback } = options as { required?: unknown; default?: unknown };
  if (required !== undefined && typeof required !== 'boolean') {
    problems.add(`required of ${what} must be true or false; got ${describeValue(required)}`);
  }
  if (required === true && fallback !== undefined) {
    problems.add(`${what} is required and has a default, which would never be taken. Leave one of them out.`);
  }
  return { ...plan, required: typeof required === 'boolean' ? required : fallback === undefined, default: fallback };
}

function nameOf(kind: ParameterDeclaration['kind']): string {
  return `@${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
}
