import { describeValue, type Problems } from '@leveret/core';
import type { ParameterDeclaration } from '../decorators/class-record.js';
import { reflectedTypes } from '../decorators/reflect-on-demand.js';
import { describeTarget, elementOf, type PayloadTarget, scalarOf } from '../payload/payload-target.js';
import { contradictedPayload, contradictedType } from './contradicted-type.js';
import type { ParameterPlan } from './listener-plan.js';
import type { MergedMethod } from './merged-record.js';
import { type DeclaredHeaders, type HeaderPlan, readHeader } from './read-headers.js';
import { readGivenType, readReflectedType } from './read-payload-type.js';

/** The parameters of a handler method. */
export interface ParametersPlan {
  readonly parameters: readonly ParameterPlan[];
  /** What the payload parameter is declared as; `undefined` when there is none. */
  readonly target: PayloadTarget | undefined;
}

/** What is said of the payload elsewhere than at its parameter. */
export interface DeclaredTarget {
  readonly by: '@Handler' | 'payload of @Listener' | 'payload';
  readonly target: PayloadTarget;
}

/** What is said of parameters elsewhere than at them. */
export interface DeclaredParameters {
  readonly target?: DeclaredTarget | undefined;
  readonly headers?: DeclaredHeaders | undefined;
}

/**
 * Reads the parameters of a method. One parameter without a decorator is the payload. A method whose parameters have no
 * decorators at all, because standard decorators know none or because everything is said elsewhere, gets payload and context.
 * @param prototype of the class: its methods know how many parameters they have
 * @param declared what `@Handler` or `@Listener` say of payload and headers
 */
export function readParameters(
  prototype: object,
  method: MergedMethod,
  { target: declared, headers }: DeclaredParameters,
  problems: Problems,
): ParametersPlan {
  const types = reflectedTypes(prototype, method.key);
  const count = parameterCount(prototype, method, types);
  const isBare = method.parameters.size === 0;
  if (isBare && (method.standard || headers !== undefined || (declared !== undefined && takesContext(count, types)))) {
    return readPositional({ standard: method.standard, count, types }, { target: declared, headers }, problems);
  }
  if (headers !== undefined) {
    problems.add(
      'headers is for methods that are called with payload and context, but this one has decorated parameters. Take the header with @Header, or leave the decorators out',
    );
  }
  const plans: ParameterPlan[] = [];
  let payload: { readonly index: number; readonly declaration: PayloadDeclaration | undefined } | undefined;
  for (let index = 0; index < count; index++) {
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

/** Whether a second parameter without a decorator can be the context. */
function takesContext(count: number, types: readonly unknown[] | undefined): boolean {
  return count === 2 && contradictedType({ kind: 'context' }, types?.[1]) === undefined;
}

/** What is known of something that is called with payload and context. */
export interface PositionalCall {
  /** Nothing but what is declared tells the type of its payload. */
  readonly standard: boolean;
  readonly count: number;
  readonly types: readonly unknown[] | undefined;
}

/** Reads what is called with payload and context, whatever its parameters are called. */
export function readPositional(
  { standard, count, types }: PositionalCall,
  { target: declared, headers }: DeclaredParameters,
  problems: Problems,
): ParametersPlan {
  if (count > 2) {
    problems.add(
      `takes ${count} parameters, but is called with two: the payload and the context. Headers are in the context, as headers: { tenant: 'x-tenant' } declares them`,
    );
  }
  const context = { kind: 'context', headers } as const;
  let target = declared?.target;
  if (target === undefined && declared === undefined && count > 0) {
    if (standard) problems.add(NO_TYPE);
    else target = readReflectedType(types, 0, problems);
  }
  const faults = [target && contradictedPayload(target, types?.[0]), contradictedType(context, types?.[1])];
  for (const [index, fault] of faults.entries()) {
    if (fault !== undefined) problems.add(`parameter ${index + 1}: ${fault}`);
  }
  return { parameters: [{ kind: 'payload' }, context], target };
}

const NO_TYPE =
  'the payload has no type: nothing of it is left at run time. Give it, as in { queue, payload: PaySucceeded }, or payload: Object for whatever is sent; what takes no payload takes no parameter';

type PayloadDeclaration = Extract<ParameterDeclaration, { readonly kind: 'payload' }>;

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
    return `${places} have no decorator; only one can be the payload. Say what the others take: @Header('name'), @Headers(), @Message() or @Context(). Or say all of it in @Listener({ payload, headers }): the method is called with payload and context then`;
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
  { name, options }: Extract<ParameterDeclaration, { readonly kind: 'header' }>,
  type: unknown,
  problems: Problems,
): HeaderPlan {
  if (typeof name !== 'string' || name === '') {
    problems.add(`@Header takes the name of a header; got ${describeValue(name)}`);
  }
  return readHeader(name, options ?? {}, scalarOf(type), `@Header(${describeValue(name)})`, problems);
}

function nameOf(kind: ParameterDeclaration['kind']): string {
  return `@${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
}
