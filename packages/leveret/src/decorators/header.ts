import { declareParameter, parameter } from './decorator-place.js';
import type { ParameterTakingHeader } from './decorator-types.js';

/** Options of {@link Header}. */
export interface HeaderOptions {
  /** A message without the header is rejected. Default `true`, and `false` when a default is given. */
  readonly required?: boolean;
  /** Taken when the header is missing. Default `undefined`. */
  readonly default?: unknown;
}

/** What the parameter gets when the header is missing; `never` when the message is rejected then. */
type WithoutHeader<Options> = Options extends { readonly default: infer Default }
  ? Default
  : Options extends { readonly required: false }
    ? undefined
    : never;

/**
 * Marks a parameter that takes one application header. Names are case-sensitive.
 *
 * A parameter whose reflected type is `String`, `Number` or `Boolean` gets the header converted when that loses nothing
 * (`'42'` to 42, 42 to `'42'`, `'true'` to true); what cannot be converted so is a fault of the message, which is
 * rejected. Every other type takes the header as it came.
 * @param name such as `x-tenant`
 */
export function Header<Options extends HeaderOptions = Record<never, never>>(
  name: string,
  options?: Options,
): ParameterTakingHeader<WithoutHeader<Options>> {
  return parameter((target, key, index) =>
    declareParameter('@Header', target, key, index, { kind: 'header', name, options }),
  );
}
