import type { PayloadClass } from '@leveret/core';

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
  | { readonly kind: 'class'; readonly type: PayloadClass };

/** JavaScript's scalars that a body can hold. */
export type Scalar = 'string' | 'number' | 'boolean';

const AS_READ: ReadonlySet<unknown> = new Set([Object, Buffer, Uint8Array]);

/** The target that a class, or one of the built-in functions that stand for types, declares. */
export function targetOf(type: PayloadClass): ElementTarget;
/** @param each whether arrays of it are declared */
export function targetOf(type: PayloadClass, each: boolean): PayloadTarget;
export function targetOf(type: PayloadClass, each = false): PayloadTarget {
  return each ? { kind: 'array', of: elementTarget(type) } : elementTarget(type);
}

function elementTarget(type: PayloadClass): ElementTarget {
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

/** How a target is written in texts: `PaySucceeded`, `[PaySucceeded]`. */
export function describeTarget(target: PayloadTarget): string {
  return target.kind === 'array' ? `[${describeTarget(target.of)}]` : target.type.name;
}
