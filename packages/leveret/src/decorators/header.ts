import { declareParameter } from './decorator-place.js';

/** Options of {@link Header}. */
export interface HeaderOptions {
  /** A message without the header is rejected. Default `true`, and `false` when a default is given. */
  readonly required?: boolean;
  /** Taken when the header is missing. Default `undefined`. */
  readonly default?: unknown;
}

/**
 * Marks a parameter that takes one application header. Names are case-sensitive.
 *
 * A parameter whose reflected type is `String`, `Number` or `Boolean` gets the header converted when that loses nothing
 * (`'42'` to 42, 42 to `'42'`, `'true'` to true); what cannot be converted so is a fault of the message, which is
 * rejected. Every other type takes the header as it came.
 * @param name such as `x-tenant`
 */
export function Header(name: string, options?: HeaderOptions): ParameterDecorator {
  return (target, key, index) => declareParameter('@Header', target, key, index, { kind: 'header', name, options });
}
