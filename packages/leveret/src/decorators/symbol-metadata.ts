/**
 * Where compilers put the metadata of a class that has standard decorators. No engine has the symbol yet: TypeScript asks for
 * it when the class is defined, which is after this module was loaded; esbuild, swc and Babel fall back to this very symbol.
 * @see https://github.com/tc39/proposal-decorator-metadata
 */
const known = Symbol as { readonly metadata?: symbol };
const REGISTERED = Symbol.for('Symbol.metadata');
if (known.metadata === undefined) {
  // Others who define it, too, are not to fail.
  Object.defineProperty(Symbol, 'metadata', { value: REGISTERED, configurable: true, writable: true });
}

/** The metadata of the class with this prototype: its own, not that of its base class. */
export function metadataOf(prototype: object): object | undefined {
  const owner: unknown = Object.hasOwn(prototype, 'constructor') ? prototype.constructor : undefined;
  if (typeof owner !== 'function') return undefined;
  const key = [known.metadata, REGISTERED].find((each) => each !== undefined && Object.hasOwn(owner, each));
  const metadata = key === undefined ? undefined : (owner as unknown as Record<symbol, unknown>)[key];
  return typeof metadata === 'object' && metadata !== null ? metadata : undefined;
}
