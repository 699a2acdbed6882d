import type { DeliveryContext } from '@leveret/core';

/** One application header that a handler takes: its name, or more about it. */
export type HeaderDeclaration = string | HeaderDeclarationOptions;

/** What can be said of a header in `headers`. */
export interface HeaderDeclarationOptions {
  /** Such as `x-tenant`. Case-sensitive. */
  readonly name: string;
  /**
   * `String` (the default), `Number` or `Boolean`: the header is converted when that loses nothing, else the message is rejected.
   * `Object` takes it as it came.
   */
  readonly type?: StringConstructor | NumberConstructor | BooleanConstructor | ObjectConstructor;
  /** A message without the header is rejected. Default `true`, and `false` when a default is given. */
  readonly required?: boolean;
  /** Taken when the header is missing. Default `undefined`. */
  readonly default?: unknown;
}

/** Headers that a handler takes, by the names that it uses: `{ tenant: 'x-tenant' }`. */
export type HeaderDeclarations = Readonly<Record<string, HeaderDeclaration>>;

/** What `context.headers` holds for declared headers: `{ tenant: 'x-tenant' }` gives `{ tenant: string }`. */
export type HeadersOf<Declared> = { readonly [Name in keyof Declared]: HeaderOf<Declared[Name]> };

type HeaderOf<Declared> = Declared extends string
  ? string
  : Declared extends { readonly default: infer Default }
    ? ValueOf<Declared> | Widened<Default>
    : Declared extends { readonly required: false }
      ? ValueOf<Declared> | undefined
      : ValueOf<Declared>;

type ValueOf<Declared> = Declared extends { readonly type: infer Type }
  ? Type extends StringConstructor
    ? string
    : Type extends NumberConstructor
      ? number
      : Type extends BooleanConstructor
        ? boolean
        : unknown
  : string;

type Widened<Value> = Value extends string
  ? string
  : Value extends number
    ? number
    : Value extends boolean
      ? boolean
      : Value;

/** What a handler gets beside the payload where headers are declared for it: the delivery, and these headers. */
export interface ListenerContext<Headers = unknown, Payload = unknown, Transaction = unknown>
  extends DeliveryContext<Payload, Transaction> {
  /** The declared headers, converted. All others are in `message.headers`. */
  readonly headers: Headers;
}
