import { createRequire } from 'node:module';

/**
 * class-transformer and class-validator, loaded when they are asked for: together they take longer to load than all of leveret,
 * and a program whose payloads are plain objects or schemas has no use for them.
 * @see docs/decisions/0027-libraries-of-payload-classes-when-they-are-asked-for.md
 */
export type ClassTransformer = typeof import('class-transformer');
export type ClassValidator = typeof import('class-validator');

let transformer: ClassTransformer | undefined;
let validator: ClassValidator | undefined;

/**
 * Imports what is in use, for a start. That gives the copies that the program itself imports its decorators from, whatever loads or
 * bundles it.
 */
export async function loadClassLibraries(): Promise<void> {
  if (isTransformerInUse()) transformer ??= await import('class-transformer');
  if (isValidatorInUse()) validator ??= await import('class-validator');
}

/** Unless a start has imported it, it is loaded at the first call. */
export function classTransformer(): ClassTransformer {
  transformer ??= loadTransformer();
  return transformer;
}

/** Unless a start has imported it, it is loaded at the first call. */
export function classValidator(): ClassValidator {
  validator ??= loadValidator();
  return validator;
}

/**
 * Whether anybody has called a decorator of class-validator: it keeps the rules of all its copies in one global, made at the
 * first rule. Until then no class has any.
 */
export function isValidatorInUse(): boolean {
  return (globalThis as { classValidatorMetadataStorage?: object }).classValidatorMetadataStorage !== undefined;
}

/** Whether anybody has loaded class-transformer, or may have. Until then no class has any of its decorators. */
export function isTransformerInUse(): boolean {
  if (transformer !== undefined) return true;
  lookup ??= makeLookup();
  return lookup.isLoaded();
}

interface Lookup {
  isLoaded(): boolean;
}
let lookup: Lookup | undefined;
const UNKNOWN: Lookup = { isLoaded: () => true };

/**
 * What `import` loads of CommonJS is in the cache of `require`: in Node, unless hooks of the program load it otherwise, and in no
 * bundle. Whether it is so here, amqplib tells, which was imported with leveret.
 */
function makeLookup(): Lookup {
  try {
    const { cache, resolve } = createRequire(import.meta.url);
    if (!Object.keys(cache).some((path) => /[\\/]amqplib[\\/]/.test(path))) return UNKNOWN;
    const path = resolve('class-transformer');
    return { isLoaded: () => cache[path] !== undefined };
  } catch {
    return UNKNOWN;
  }
}

// `require` with a literal, for bundlers put in what they see. Node's modules have no `require`.
function loadTransformer(): ClassTransformer {
  try {
    return require('class-transformer');
  } catch {
    return createRequire(import.meta.url)('class-transformer');
  }
}

function loadValidator(): ClassValidator {
  try {
    return require('class-validator');
  } catch {
    return createRequire(import.meta.url)('class-validator');
  }
}
