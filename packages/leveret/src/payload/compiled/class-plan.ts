import type { TransformationType } from 'class-transformer';
import type { TransformMetadata } from 'class-transformer/types/interfaces/metadata/transform-metadata.interface.js';
import type { TypeMetadata } from 'class-transformer/types/interfaces/metadata/type-metadata.interface.js';
import { insides, type AnyClass as RuledClass, type Storage } from '../transformer-rules.js';
import { CompiledClasses } from './compiled-classes.js';
import { unknownLibrary } from './known-libraries.js';
import type { Stamp } from './stamp.js';

/** The class of a payload, or of something in it. */
export type AnyClass = new () => object;

/** What becomes of a member of a body that the decorators of a class name. */
export interface PropertyPlan {
  /** In the body. */
  readonly name: string;
  /** In the instance. */
  readonly property: string;
  /** Nothing becomes of it: it is excluded, exposed to a group only, or a prototype. */
  readonly isLeftOut: boolean;
  readonly type: TypeMetadata | undefined;
  readonly transforms: readonly TransformMetadata[];
}

/** How instances of a class are made. */
export interface ClassPlan {
  readonly create: AnyClass;
  /** `false` = only what is exposed: the class has `@Exclude()`. */
  readonly takesAll: boolean;
  readonly byName: ReadonlyMap<string, PropertyPlan>;
  readonly exposed: readonly PropertyPlan[];
  /** Properties of the prototype that cannot be set: methods, and getters without a setter. No body gets at the constructor. */
  readonly fixed: ReadonlySet<string>;
}

/** Plans of how instances are made. */
export const classPlans = new CompiledClasses<ClassPlan>((type: AnyClass, stamp) => {
  const unknown = unknownLibrary();
  const within = insides();
  if (within === undefined || unknown !== undefined) return unknown ?? 'class-transformer is not as it is known to be';
  stampClass(stamp, type, within.storage);
  return classPlan(type, within.storage);
});

function stampClass(stamp: Stamp, type: AnyClass, storage: Storage): void {
  for (const all of metadataOf(storage)) {
    stamp.map(all);
    for (let one: unknown = type; typeof one === 'function'; one = Object.getPrototypeOf(one)) {
      // What is not there yet changes the size when it comes.
      const own = all.has(one as AnyClass) ? stamp.entry(all, one) : undefined;
      if (!(own instanceof Map)) continue;
      stamp.map(own);
      for (const property of own.keys()) {
        const metadata = stamp.entry(own, property);
        if (Array.isArray(metadata)) stamp.list(metadata);
      }
    }
  }
}

function classPlan(type: AnyClass, storage: Storage): ClassPlan | string {
  const excluded = storage.getExcludedProperties(type, TO_CLASS);
  const exposed = storage.getExposedProperties(type, TO_CLASS);
  const names = exposed.map((property) => storage.findExposeMetadata(type, property)?.options?.name || property);
  // Names are heeded in both directions, whatever direction a property is exposed for.
  const custom = storage.getExposedMetadatas(type).flatMap(({ options }) => options?.name ?? []);
  const mentioned = new Set([...names, ...custom, ...decorated(type, storage), ...PROTOTYPES]);
  const byName = new Map([...mentioned].map((name) => [name, propertyPlan(type, name, excluded, storage)]));
  const plans = [...byName.values()];
  if (isMap(type)) return 'maps are made by class-transformer';
  if (plans.some(({ name, property }) => reachesPrototype(name, property))) return 'a name stands for its prototype';
  return {
    create: type,
    takesAll: storage.getStrategy(type) !== 'excludeAll',
    byName,
    exposed: plans.filter(({ name, isLeftOut }) => names.includes(name) && !isLeftOut),
    fixed: new Set(
      Object.entries(Object.getOwnPropertyDescriptors(type.prototype))
        .filter(([name, { set }]) => set === undefined && name !== 'constructor')
        .map(([name]) => name),
    ),
  };
}

/** Such instances have entries, where others have properties. */
function isMap(type: AnyClass): boolean {
  return (type as unknown) === Map || type.prototype instanceof Map;
}

const TO_CLASS = 0 satisfies TransformationType.PLAIN_TO_CLASS;
const PROTOTYPES = ['__proto__', 'constructor'];

function reachesPrototype(name: string, property: string): boolean {
  return PROTOTYPES.includes(property) && !PROTOTYPES.includes(name);
}

function propertyPlan(type: AnyClass, name: string, excluded: readonly string[], storage: Storage): PropertyPlan {
  const property = storage.findExposeMetadataByCustomName(type, name)?.propertyName ?? name;
  return {
    name,
    property,
    isLeftOut:
      PROTOTYPES.includes(name) ||
      excluded.includes(name) ||
      isForGroups(storage.findExposeMetadata(type, name)?.options),
    type: storage.findTypeMetadata(type, property),
    transforms: storage.findTransformMetadatas(type, property, TO_CLASS).filter(({ options }) => !isForGroups(options)),
  };
}

/** No groups are asked for in reading. */
function isForGroups(options: { readonly groups?: readonly string[] } | undefined): boolean {
  return (options?.groups?.length ?? 0) > 0;
}

/** Names of the properties of a class and its bases that have a decorator. */
function decorated(type: AnyClass, storage: Storage): string[] {
  const found: string[] = [];
  for (const all of metadataOf(storage)) {
    for (let one: unknown = type; typeof one === 'function'; one = Object.getPrototypeOf(one)) {
      for (const name of all.get(one as AnyClass)?.keys() ?? []) if (name !== undefined) found.push(name);
    }
  }
  return found;
}

function metadataOf(storage: Storage): readonly ReadonlyMap<RuledClass, ReadonlyMap<string | undefined, unknown>>[] {
  const { _exposeMetadatas, _excludeMetadatas, _transformMetadatas, _typeMetadatas } = storage;
  return [_exposeMetadatas, _excludeMetadatas, _transformMetadatas, _typeMetadatas];
}
