import { createRequire } from 'node:module';
import { sep } from 'node:path';

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
  cached ??= transformerInCache();
  return cached();
}

let cached: (() => boolean) | undefined;

/**
 * What `import` loads of CommonJS is in the cache of `require`: in Node, unless hooks of the program load it otherwise, and in no
 * bundle. Whether it is so here, amqplib tells, which was imported with leveret.
 */
function transformerInCache(): () => boolean {
  const mayBe = () => true;
  try {
    const { cache, resolve } = createRequire(import.meta.url);
    const isIn = (name: string) => Object.keys(cache).some((path) => path.includes(`${sep}${name}${sep}`));
    if (!isIn('amqplib')) return mayBe;
    let path: string | undefined;
    let isFirst = true;
    return () => {
      // To find out where it is takes a millisecond, which a start need not wait for.
      if (isFirst && !isIn('class-transformer')) {
        isFirst = false;
        return false;
      }
      path ??= whereIs('class-transformer', resolve);
      return path === undefined || cache[path] !== undefined;
    };
  } catch {
    return mayBe;
  }
}

function whereIs(name: string, resolve: NodeJS.RequireResolve): string | undefined {
  try {
    return resolve(name);
  } catch {
    return undefined;
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
