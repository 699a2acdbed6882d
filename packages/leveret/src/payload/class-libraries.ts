import { createRequire } from 'node:module';

/**
 * class-transformer and class-validator, loaded when they are asked for: together they take longer to load than all of leveret,
 * and a program whose payloads are plain objects or schemas has no use for them.
 */
export type ClassTransformer = typeof import('class-transformer');
export type ClassValidator = typeof import('class-validator');

let transformer: ClassTransformer | undefined;
let validator: ClassValidator | undefined;

/**
 * Loads what an application will need. What is imported here are the copies that the program itself imports its decorators
 * from, whatever loads or bundles it.
 */
export async function loadClassLibraries(): Promise<void> {
  const importValidator = async () => {
    if (isValidatorInUse()) validator ??= await import('class-validator');
  };
  const importTransformer = async () => {
    transformer ??= await import('class-transformer');
  };
  await Promise.all([importTransformer(), importValidator()]);
}

/** Before an application was started it is loaded at the first call. */
export function classTransformer(): ClassTransformer {
  transformer ??= loadTransformer();
  return transformer;
}

/** Before an application was started it is loaded at the first call. */
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
