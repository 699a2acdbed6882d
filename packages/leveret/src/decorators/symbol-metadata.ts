/**
 * Where compilers put the metadata of a class that has standard decorators. No engine has the symbol yet: TypeScript asks for
 * it when the class is defined, which is after this module was loaded; esbuild, swc and Babel fall back to this very symbol.
 * @see https://github.com/tc39/proposal-decorator-metadata
 */
const known = Symbol as { readonly metadata?: symbol };
if (known.metadata === undefined) {
  Object.defineProperty(Symbol, 'metadata', { value: Symbol.for('Symbol.metadata') });
}
const METADATA = known.metadata as symbol;

/** The metadata of the class with this prototype: its own, not that of its base class. */
export function metadataOf(prototype: object): object | undefined {
  const owner: unknown = Object.hasOwn(prototype, 'constructor') ? prototype.constructor : undefined;
  if (typeof owner !== 'function' || !Object.hasOwn(owner, METADATA)) return undefined;
  const metadata = (owner as unknown as Record<symbol, unknown>)[METADATA];
  return typeof metadata === 'object' && metadata !== null ? metadata : undefined;
}
