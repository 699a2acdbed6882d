import type { PayloadClass } from '@leveret/core';
import type { ClassConstructor, TransformationType, TypeHelpOptions, TypeOptions } from 'class-transformer';
import type { TypeMetadata } from 'class-transformer/types/interfaces/metadata/type-metadata.interface.js';
import { classTransformer } from '../class-libraries.js';
import { insides } from '../transformer-rules.js';
import { type AnyClass, type ClassPlan, classPlans, type PropertyPlan } from './class-plan.js';
import { Reading } from './reading.js';

type Values = Record<string, unknown>;

/**
 * What `plainToInstance` answers for an object, by rules that were worked out once for each class. What is no plain JSON, and
 * kinds of properties that are not done here (maps), class-transformer's own walk makes from there on.
 */
export function makeInstance(type: PayloadClass, value: object): object {
  const within = insides();
  if (within === undefined) return classTransformer().plainToInstance(type as ClassConstructor<object>, value);
  return instanceOf(type, value, new Reading(within)) as object;
}

function instanceOf(type: PayloadClass, value: object, reading: Reading): unknown {
  return isPlain(value) ? toClass(type, value as Values, reading) : reading.byLibrary(value, type, undefined, false);
}

function toClass(type: unknown, value: Values, reading: Reading): unknown {
  const plan = typeof type === 'function' ? classPlans.planOf(type, reading.serial) : undefined;
  return plan === undefined ? reading.byLibrary(value, type) : filled(plan, value, reading);
}

function filled(plan: ClassPlan, source: Values, reading: Reading): unknown {
  // JavaScript names it when it is no class: as class-transformer does.
  const { create: targetType, byName, exposed, takesAll } = plan;
  const instance = new targetType() as Values;
  if (instance.constructor !== targetType && instance instanceof Map) return reading.byLibrary(source, targetType);
  if (takesAll) {
    for (const name of Object.keys(source)) {
      const known = byName.get(name);
      if (known !== undefined) fill(instance, known, source, plan, reading);
      else if (isSettable(instance, name, plan)) {
        const given = source[name];
        instance[name] = typeof given === 'object' ? toType(undefined, given, reading) : given;
      }
    }
  }
  for (const known of exposed) {
    if (!takesAll || !isEnumerable.call(source, known.name)) fill(instance, known, source, plan, reading);
  }
  return instance;
}

const isEnumerable = Object.prototype.propertyIsEnumerable;

function fill(instance: Values, known: PropertyPlan, source: Values, plan: ClassPlan, reading: Reading): void {
  if (known.isLeftOut) return;
  const { name, property, type: metadata, transforms } = known;
  const given = source[name];
  const type = metadata === undefined ? undefined : typeOf(metadata, given, instance, source);
  if (!isSettable(instance, property, plan)) return;
  let value = metadata === undefined ? toType(undefined, given, reading) : typed(metadata, type, given, reading);
  for (const transform of transforms) {
    const { options } = reading;
    value = transform.transformFn({ value, key: property, obj: source, type: TO_CLASS, options });
  }
  instance[property] = value;
}

const TO_CLASS = 0 satisfies TransformationType.PLAIN_TO_CLASS;

/** Methods and getters without a setter stay what they are. */
function isSettable(instance: Values, property: string, { create, fixed }: ClassPlan): boolean {
  const made = instance.constructor;
  if (made !== create) {
    if (!made.prototype) return true;
    const own = Object.getOwnPropertyDescriptor(made.prototype, property);
    if (own !== undefined && own.set === undefined) return false;
  } else if (fixed.size > 0 && fixed.has(property)) return false;
  const now = instance[property];
  return now === undefined || !(now instanceof Function);
}

/** The type that `@Type` says; the metadata itself when each element of an array has to be asked. */
function typeOf(metadata: TypeMetadata, given: unknown, instance: Values, source: Values): unknown {
  const said = askType(metadata, { newObject: instance, object: source, property: metadata.propertyName });
  const { options } = metadata;
  if (!isDiscriminated(options)) return said;
  if (Array.isArray(given)) return metadata;
  const { property, subTypes } = options.discriminator;
  if (!(given instanceof Object) || !(property in given)) return said;
  const found = subTypes.find((subType) => subType.name === (given as Values)[property]);
  if (!options.keepDiscriminatorProperty) delete (given as Values)[property];
  return found === undefined ? said : found.value;
}

/** As {@link typeOf}, of an element of an array. Throws for an element that is nothing, as class-transformer does. */
function elementType(metadata: TypeMetadata, element: unknown, into: unknown): unknown {
  const { options } = metadata;
  if (!isDiscriminated(options)) return metadata;
  const { property, subTypes } = options.discriminator;
  const found = subTypes.find((subType) => subType.name === (element as Values)[property]);
  const said = metadata.typeFunction({
    newObject: into as never,
    object: element as never,
    property: undefined as never,
  });
  if (!options.keepDiscriminatorProperty) delete (element as Values)[property];
  return found === undefined ? said : found.value;
}

function askType(metadata: TypeMetadata, help: TypeHelpOptions): unknown {
  return metadata.typeFunction ? metadata.typeFunction(help) : metadata.reflectedType;
}

type Discriminated = TypeOptions & Required<Pick<TypeOptions, 'discriminator'>>;

function isDiscriminated(options: TypeOptions | undefined): options is Discriminated {
  return Boolean(options?.discriminator?.property && options.discriminator.subTypes);
}

/** The value of a property that has `@Type`. */
function typed(metadata: TypeMetadata, type: unknown, given: unknown, reading: Reading): unknown {
  const { reflectedType } = metadata;
  if (Array.isArray(given) && reflectedType !== Map) return toArray(type, given, reflectedType, reading);
  if (reflectedType === Map) return reading.byLibrary(given, type, reflectedType, true);
  return toType(type, given, reading);
}

/** A value of that type. `undefined` = nobody said of what type it is. */
function toType(type: unknown, value: unknown, reading: Reading): unknown {
  if (typeof value !== 'object' || value === null) return toScalar(type, value);
  if (Array.isArray(value)) return toArray(type, value, undefined, reading);
  if (!isPlain(value)) return reading.byLibrary(value, type);
  if (type === undefined) return copyOf(value as Values, reading);
  const convert = CONVERTED.get(type);
  return convert === undefined ? toClass(type, value as Values, reading) : convert(value);
}

function toScalar(type: unknown, value: unknown): unknown {
  if (type === undefined || value === null || value === undefined) return value;
  const convert = CONVERTED.get(type);
  return convert === undefined ? value : convert(value);
}

/** Types that have no properties of their own. */
const CONVERTED: ReadonlyMap<unknown, (value: unknown) => unknown> = new Map<unknown, (value: unknown) => unknown>([
  [String, String],
  [Number, Number],
  [Boolean, Boolean],
  [Date, (value) => new Date(value as string)],
  [Buffer, (value) => Buffer.from(value as string)],
]);

function toArray(type: unknown, value: readonly unknown[], arrayType: unknown, reading: Reading): unknown {
  if (Object.getPrototypeOf(value) !== Array.prototype) return reading.byLibrary(value, type, arrayType);
  const into = newArray(arrayType);
  const isAsked = typeof type === 'object' && type !== null;
  for (let index = 0; index < value.length; index++) {
    const element = value[index];
    if (element === undefined && !(index in value)) continue;
    const own = isAsked ? elementType(type as TypeMetadata, element, into) : type;
    const made = toType(own, element, reading);
    if (into instanceof Set) into.add(made);
    else into.push(made);
  }
  return into;
}

/** A list of the type that a property is declared with, where that can be one. */
function newArray(arrayType: unknown): unknown[] | Set<unknown> {
  if (!arrayType || arrayType === Array || arrayType === Object) return [];
  const made: unknown = new (arrayType as AnyClass)();
  return made instanceof Set || 'push' in (made as object) ? (made as unknown[]) : [];
}

/** A copy without what could change a prototype, or hide what every object has. */
function copyOf(source: Values, reading: Reading): unknown {
  if (source.constructor !== Object) return reading.byLibrary(source, undefined);
  const copy: Values = {};
  for (const name of Object.keys(source)) {
    if (name in copy && (name === '__proto__' || !isSettableIn(copy, name))) continue;
    copy[name] = toType(undefined, source[name], reading);
  }
  return copy;
}

function isSettableIn(copy: Values, name: string): boolean {
  const own = Object.getOwnPropertyDescriptor(Object.prototype, name);
  return !((own !== undefined && own.set === undefined) || copy[name] instanceof Function);
}

/** What JSON.parse makes, or looks like it. */
function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype && typeof (value as Values)['then'] !== 'function';
}
