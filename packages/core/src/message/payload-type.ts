import type { PayloadClass } from './message-converter.js';
import type { StandardSchema } from './standard-schema.js';

/**
 * What a payload can be declared as.
 *
 * | declared | the payload |
 * |---|---|
 * | a class | an instance of it, validated by class-validator |
 * | a schema of zod, valibot, arktype, ... | what the schema makes of the body |
 * | `String`, `Number`, `Boolean` | that value |
 * | `Buffer` | the bytes of the body |
 * | `Object` | whatever the converter reads, unchecked |
 * | one of them in an array, `[PaySucceeded]` | an array of such |
 */
export type PayloadType = OnePayloadType | readonly [OnePayloadType];

/** What one value can be declared as. */
export type OnePayloadType = PayloadClass | StandardSchema;

/** The payload that a handler gets for what it declared: `PayloadOf<typeof PaySucceeded>`. Of a schema, its output. */
export type PayloadOf<Declared> = Declared extends readonly [infer Each]
  ? OneOf<Each, 'output'>[]
  : OneOf<Declared, 'output'>;

/** What is published as a payload that was declared so: of a schema, its input. */
export type PublishedPayloadOf<Declared> = Declared extends readonly [infer Each]
  ? readonly OneOf<Each, 'input'>[]
  : OneOf<Declared, 'input'>;

type OneOf<Declared, End extends 'input' | 'output'> = Declared extends {
  readonly '~standard': { readonly types?: infer Types };
}
  ? NonNullable<Types>[End & keyof NonNullable<Types>]
  : Declared extends BuiltIn
    ? OfBuiltIn<Declared>
    : Declared extends PayloadClass<infer Instance>
      ? Instance
      : never;

type BuiltIn = StringConstructor | NumberConstructor | BooleanConstructor | ObjectConstructor | BytesConstructor;
type BytesConstructor = typeof Buffer | typeof Uint8Array;

type OfBuiltIn<Declared> = Declared extends StringConstructor
  ? string
  : Declared extends NumberConstructor
    ? number
    : Declared extends BooleanConstructor
      ? boolean
      : Declared extends BytesConstructor
        ? Buffer
        : // biome-ignore lint/suspicious/noExplicitAny: nothing was declared of it, and nothing is checked
          any;
