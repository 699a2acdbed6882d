import { checkOptions, describeValue, type Problems } from '@leveret/core';
import { type Scalar, scalarOf } from '../payload/payload-target.js';

/** How a handler takes one header. */
export interface HeaderPlan {
  readonly kind: 'header';
  readonly name: string;
  readonly required: boolean;
  readonly default: unknown;
  /** The scalar that the header is converted to; `undefined` takes it as it came. */
  readonly as: Scalar | undefined;
}

/** Headers by the names under which `context.headers` has them. */
export type DeclaredHeaders = ReadonlyMap<string, HeaderPlan>;

/** Reads a header with its options `required` and `default`. */
export function readHeader(
  name: unknown,
  options: unknown,
  as: Scalar | undefined,
  what: string,
  problems: Problems,
): HeaderPlan {
  const plan = { kind: 'header', name: String(name), required: true, default: undefined, as } as const;
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

/** Reads the option `headers`, such as `{ tenant: 'x-tenant' }`; `undefined` when it is not given. */
export function readHeaders(given: unknown, problems: Problems): DeclaredHeaders | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    problems.add(`headers must be an object such as { tenant: 'x-tenant' }; got ${describeValue(given)}`);
    return undefined;
  }
  const plans = new Map<string, HeaderPlan>();
  for (const [key, declaration] of Object.entries(given)) {
    const plan = readDeclaration(key, declaration, problems);
    if (plan !== undefined) plans.set(key, plan);
  }
  return plans;
}

const TYPES: readonly unknown[] = [String, Number, Boolean, Object];

function readDeclaration(key: string, declaration: unknown, problems: Problems): HeaderPlan | undefined {
  const what = `headers.${key}`;
  if (typeof declaration === 'string') {
    if (declaration !== '') return readHeader(declaration, {}, 'string', what, problems);
    problems.add(`${what} must be the name of a header; got ""`);
    return undefined;
  }
  if (typeof declaration !== 'object' || declaration === null || Array.isArray(declaration)) {
    problems.add(
      `${what} must be the name of a header, or options such as { name: 'x-version', type: Number, default: 1 }; got ${describeValue(declaration)}`,
    );
    return undefined;
  }
  const { name, type, ...options } = declaration as { name?: unknown; type?: unknown };
  if (typeof name !== 'string' || name === '') {
    problems.add(`name of ${what} must be the name of a header; got ${describeValue(name)}`);
  }
  if (type !== undefined && !TYPES.includes(type)) {
    problems.add(
      `type of ${what} must be String, Number, Boolean, or Object for the header as it came; got ${describeValue(type)}`,
    );
  }
  return readHeader(name, options, type === undefined ? 'string' : scalarOf(type), what, problems);
}
