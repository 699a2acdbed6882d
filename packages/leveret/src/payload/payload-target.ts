import { isStandardSchema, type OnePayloadType, type PayloadClass, type StandardSchema } from '@leveret/core';

/** What a handler declared its payload to be. Each kind has a reader of its own. */
export type PayloadTarget =
  | ElementTarget
  /** `@Payload([PaySucceeded])`. */
  | { readonly kind: 'array'; readonly of: ElementTarget };

/** What one value is declared to be, alone or in an array. */
export type ElementTarget =
  /** Whatever the converter reads: no instance is made and no rule applies. */
  | { readonly kind: 'as-read'; readonly type: PayloadClass }
  | { readonly kind: 'scalar'; readonly type: PayloadClass; readonly scalar: Scalar }
  | { readonly kind: 'class'; readonly type: PayloadClass }
  /** What the schema makes of whatever the converter reads. */
  | { readonly kind: 'schema'; readonly type: StandardSchema };

/** JavaScript's scalars that a body can hold. */
export type Scalar = 'string' | 'number' | 'boolean';

const AS_READ: ReadonlySet<unknown> = new Set([Object, Buffer, Uint8Array]);

/** The target that a class, a schema, or one of the built-in functions that stand for types, declares. */
export function targetOf(type: OnePayloadType): ElementTarget;
/** @param each whether arrays of it are declared */
export function targetOf(type: OnePayloadType, each: boolean): PayloadTarget;
export function targetOf(type: OnePayloadType, each = false): PayloadTarget {
  return each ? { kind: 'array', of: elementTarget(type) } : elementTarget(type);
}

function elementTarget(type: OnePayloadType): ElementTarget {
  // Before classes: schemas of arktype are functions, and a class may be its own schema.
  if (isStandardSchema(type)) return { kind: 'schema', type };
  if (AS_READ.has(type)) return { kind: 'as-read', type };
  const scalar = scalarOf(type);
  return scalar === undefined ? { kind: 'class', type } : { kind: 'scalar', type, scalar };
}

/** The scalar that `String`, `Number` or `Boolean` stands for. */
export function scalarOf(type: unknown): Scalar | undefined {
  if (type === String) return 'string';
  if (type === Number) return 'number';
  return type === Boolean ? 'boolean' : undefined;
}

/** What is declared of each value. */
export function elementOf(target: PayloadTarget): ElementTarget {
  return target.kind === 'array' ? target.of : target;
}

/** How a target is written in texts: `PaySucceeded`, `[PaySucceeded]`, `the zod schema`. */
export function describeTarget(target: PayloadTarget): string {
  if (target.kind === 'array') return `[${describeTarget(target.of)}]`;
  return target.kind === 'schema' ? `the ${target.type['~standard'].vendor} schema` : target.type.name;
}
