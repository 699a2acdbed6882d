import { createRequire } from 'node:module';
import type { ClassTransformOptions } from 'class-transformer';
import type { TypeMetadata } from 'class-transformer/types/interfaces/metadata/type-metadata.interface.js';
import type { MetadataStorage } from 'class-transformer/types/MetadataStorage.js';
import type { TransformOperationExecutor } from 'class-transformer/types/TransformOperationExecutor.js';
import { classTransformer } from './class-libraries.js';

// biome-ignore lint/suspicious/noExplicitAny: a class is known by any constructor arguments
export type AnyClass = abstract new (...args: any[]) => unknown;

/** Of the class as a whole under `undefined`. */
type ByProperty = ReadonlyMap<string | undefined, unknown>;

/** What class-transformer knows of classes, by class and property. Its types call these maps private. */
export interface Storage extends Omit<MetadataStorage, never> {
  readonly _exposeMetadatas: Map<AnyClass, ByProperty>;
  readonly _excludeMetadatas: Map<AnyClass, ByProperty>;
  readonly _transformMetadatas: Map<AnyClass, ByProperty>;
  readonly _typeMetadatas: ReadonlyMap<AnyClass, ReadonlyMap<string, TypeMetadata>>;
}

/** Parts of class-transformer that it does not export: what rules there are, and the walk that obeys them. */
export interface Insides {
  readonly storage: Storage;
  readonly defaultOptions: ClassTransformOptions;
  readonly Executor: typeof TransformOperationExecutor;
}

let looked: { readonly found: Insides | undefined } | undefined;

/** `undefined` when they are not where they were, or belong to another copy than the decorators. */
export function insides(): Insides | undefined {
  looked ??= { found: findInsides() };
  return looked.found;
}

function findInsides(): Insides | undefined {
  try {
    const require = createRequire(import.meta.url);
    const { defaultMetadataStorage: storage } = require('class-transformer/cjs/storage.js') as {
      readonly defaultMetadataStorage: Storage;
    };
    const { TransformOperationExecutor: Executor } = require('class-transformer/cjs/TransformOperationExecutor.js') as {
      readonly TransformOperationExecutor: typeof TransformOperationExecutor;
    };
    const { defaultOptions } = require('class-transformer/cjs/constants/default-options.constant.js') as {
      readonly defaultOptions: ClassTransformOptions;
    };
    class Probe {}
    classTransformer().Exclude()(Probe);
    const known = [storage._exposeMetadatas, storage._transformMetadatas, storage._typeMetadatas];
    const isAsKnown = storage._excludeMetadatas.delete(Probe) && known.every((map) => map instanceof Map);
    return isAsKnown && typeof Executor.prototype.transform === 'function'
      ? { storage, defaultOptions, Executor }
      : undefined;
  } catch {
    return undefined;
  }
}

const decided = new WeakMap<AnyClass, boolean>();

/**
 * Whether class-transformer writes the instances of a class otherwise than `JSON.stringify` does: the class, a base of it,
 * or the class of a property (`@Type`) has `@Expose`, `@Exclude`, `@Transform` or a discriminator, or a property is a Map
 * or Set. Decided once for each class.
 */
export function hasRules(type: AnyClass, { storage }: Insides): boolean {
  const known = decided.get(type);
  if (known !== undefined) return known;
  const found = reachesRules(type, storage);
  decided.set(type, found);
  return found;
}

/** Whether any class has rules, so that there is something to look for. */
export function hasAnyRules({ storage }: Insides): boolean {
  const { _exposeMetadatas, _excludeMetadatas, _transformMetadatas, _typeMetadatas } = storage;
  return _exposeMetadatas.size + _excludeMetadatas.size + _transformMetadatas.size + _typeMetadatas.size > 0;
}

/** Classes may refer to each other in circles, so this is a list, not a recursion. */
function reachesRules(root: AnyClass, storage: Storage): boolean {
  const seen = new Set<AnyClass>([root]);
  for (const type of seen) {
    if (storage._exposeMetadatas.has(type) || storage._excludeMetadatas.has(type)) return true;
    if (storage._transformMetadatas.has(type)) return true;
    const base: unknown = Object.getPrototypeOf(type);
    if (isClass(base)) seen.add(base);
    for (const property of storage._typeMetadatas.get(type)?.values() ?? []) {
      const child = classOf(property);
      if (child === undefined) return true;
      if (isClass(child)) seen.add(child);
    }
  }
  return false;
}

/** The class of the values of a property; `undefined` when the property is a rule by itself. */
function classOf(property: TypeMetadata): unknown {
  const { options, reflectedType } = property;
  if (options?.discriminator !== undefined || reflectedType === Map || reflectedType === Set) return undefined;
  const said = saidType(property);
  return said === CHOSEN ? undefined : (said ?? Object);
}

/** The classes that `@Type` names for the values of a property. */
export function classesNamedBy(property: TypeMetadata): readonly AnyClass[] {
  const subTypes = property.options?.discriminator?.subTypes?.map(({ value }) => value as unknown) ?? [];
  return [saidType(property), ...subTypes].filter(isClass);
}

/** It chooses by the object. */
const CHOSEN = Symbol('chosen by the object');

function saidType({ typeFunction, reflectedType, propertyName: property }: TypeMetadata): unknown {
  try {
    return typeFunction ? typeFunction({ newObject: {}, object: {}, property }) : reflectedType;
  } catch {
    return CHOSEN;
  }
}

function isClass(value: unknown): value is AnyClass {
  return typeof value === 'function' && value.prototype !== undefined;
}
