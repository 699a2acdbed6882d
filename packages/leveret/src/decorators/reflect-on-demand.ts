import { createRequire } from 'node:module';

/**
 * `reflect-metadata` for those who need it: it is loaded at the moment in which legacy decorators ask for it. What TypeScript,
 * swc and Bun emit for them looks at `Reflect.decorate` or `Reflect.metadata` before it applies any; what is emitted for
 * standard decorators looks at neither (decision 21).
 */
const NAMES = ['decorate', 'metadata'] as const;

type Reflecting = { -readonly [Name in (typeof NAMES)[number]]?: unknown };

const reflect = Reflect as Reflecting;
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

/** Loads `reflect-metadata`, unless it is there. Without it nothing is known of the types of parameters. */
export function loadReflectMetadata(): void {
  const isOurs = (name: string) => Object.getOwnPropertyDescriptor(Reflect, name)?.get !== undefined;
  const own = NAMES.filter(isOurs);
  if (own.length === 0) return;
  for (const name of own) delete reflect[name];
  try {
    // Bundlers see this call, and put the package in.
    require('reflect-metadata');
  } catch {
    loadFromHere();
  }
}

function loadFromHere(): void {
  try {
    createRequire(import.meta.url)('reflect-metadata');
  } catch {
    // Without it decorators work all the same: where a type is missing, the start says so.
  }
}

/** The types of a method's parameters, by `design:paramtypes`; `undefined` when the build emits none. */
export function reflectedTypes(prototype: object, key: string | symbol): readonly unknown[] | undefined {
  const { getMetadata } = Reflect as { getMetadata?: (name: string, target: object, key: string | symbol) => unknown };
  return getMetadata?.('design:paramtypes', prototype, key) as readonly unknown[] | undefined;
}
