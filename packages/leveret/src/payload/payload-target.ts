import type { PayloadClass } from '@leveret/core';

/** What a handler declared its payload to be. */
export interface PayloadTarget {
  readonly type: PayloadClass;
  /** An array of them: `@Payload([PaySucceeded])`. */
  readonly each: boolean;
}

/** Types that are read as they are, by the converter alone. */
const PLAIN: ReadonlySet<unknown> = new Set([Object, Buffer, Uint8Array]);

/** Whether the payload is whatever the converter reads: no instance is made and no rule applies. */
export function isPlainType(type: PayloadClass): boolean {
  return PLAIN.has(type);
}

/** The kind of value that a scalar type demands, or `undefined` when the type is none of JavaScript's scalars. */
export function scalarKind(type: PayloadClass): 'string' | 'number' | 'boolean' | undefined {
  const wide: unknown = type;
  if (wide === String) return 'string';
  if (wide === Number) return 'number';
  if (wide === Boolean) return 'boolean';
  return undefined;
}

/** How a target is written in texts: `PaySucceeded`, `[PaySucceeded]`. */
export function describeTarget(target: PayloadTarget): string {
  return target.each ? `[${target.type.name}]` : target.type.name;
}
