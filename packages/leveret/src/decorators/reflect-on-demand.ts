import { createRequire } from 'node:module';

/**
 * `reflect-metadata` for those who need it: it is loaded at the moment in which somebody looks at one of its functions. What
 * TypeScript, swc and Bun emit for legacy decorators does, and so does class-transformer's `@Type`; what esbuild emits does not, nor
 * what is emitted for standard decorators (decision 21). `defineMetadata` is none of them: by it another copy of the package, such as
 * the one that inversify has, finds out whether there is one already, and would load a second while it is being loaded.
 */
const NAMES = [
  'decorate',
  'metadata',
  'deleteMetadata',
  'getMetadata',
  'getMetadataKeys',
  'getOwnMetadata',
  'getOwnMetadataKeys',
  'hasMetadata',
  'hasOwnMetadata',
] as const;

type Name = (typeof NAMES)[number];

const reflect = Reflect as { -readonly [Each in Name]?: unknown };
if (NAMES.every((name) => reflect[name] === undefined)) {
  for (const name of NAMES) {
    Object.defineProperty(Reflect, name, {
      configurable: true,
      get() {
        loadReflectMetadata();
        return reflect[name];
      },
      set(value: unknown) {
        Object.defineProperty(Reflect, name, { configurable: true, writable: true, value });
      },
    });
  }
}

/** Without it nothing is known of the types of parameters. */
function loadReflectMetadata(): void {
  for (const name of NAMES) if (isAwaited(name)) delete reflect[name];
  try {
    // Bundlers see this call, and put the package in.
    require('reflect-metadata');
  } catch {
    loadFromHere();
  }
}

function isAwaited(name: Name): boolean {
  return Object.getOwnPropertyDescriptor(Reflect, name)?.get !== undefined;
}

function loadFromHere(): void {
  try {
    createRequire(import.meta.url)('reflect-metadata');
  } catch {
    // Without it decorators work all the same: where a type is missing, the start says so.
  }
}

/** What it can be asked; nothing while it is not loaded, for then nobody has said anything. */
export interface Reflected {
  getMetadata?(name: string, target: object, key: string | symbol): unknown;
  getMetadataKeys?(target: object): readonly unknown[];
  hasMetadata?(name: string, target: object): boolean;
}

/** `Reflect` with what `reflect-metadata` adds, if that is there; to look at it here loads nothing. */
export function reflected(): Reflected {
  return isAwaited('getMetadata') ? {} : (Reflect as Reflected);
}

/** The types of a method's parameters, by `design:paramtypes`; `undefined` when the build emits none. */
export function reflectedTypes(prototype: object, key: string | symbol): readonly unknown[] | undefined {
  return reflected().getMetadata?.('design:paramtypes', prototype, key) as readonly unknown[] | undefined;
}
