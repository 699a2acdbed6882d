import { Exclude, Expose, Transform, Type } from 'class-transformer';
import type { ValidationArguments, ValidationOptions } from 'class-validator';
import * as rules from 'class-validator';
import type { PayloadValidation } from '../payload/payload-validation.js';
import { insides } from '../payload/transformer-rules.js';

const within = insides();

/** Decides by chance. */
export interface Choice {
  /** From 0 up to `count`, without it. */
  below(count: number): number;
}

/** A class with decorators by chance, and what its bodies usually look like. */
export interface RandomClass {
  readonly type: AnyClass;
  readonly properties: readonly RandomProperty[];
}

interface RandomProperty {
  /** In bodies, usually. */
  readonly name: string;
  /** What a value is, usually. */
  readonly of: 'text' | 'number' | 'boolean' | 'list' | RandomClass;
  readonly isList: boolean;
}

/** A value that can be made several times, for it is changed by what reads it. */
export type RandomValue = () => unknown;

type AnyClass = new () => object;
type Decorate = (prototype: object, name: string) => void;

/** Classes that a decorated class may have as containers of its rules. */
@rules.ValidatorConstraint({ name: 'isShort' })
class IsShort {
  validate(value: unknown, args: ValidationArguments): boolean {
    return typeof value === 'string' && value.length < (args.constraints?.[0] ?? 3);
  }
  defaultMessage(args: ValidationArguments): string {
    return `$property of ${args.targetName} is not short: $constraint1`;
  }
}

@rules.ValidatorConstraint({ name: 'isKnown', async: true })
class IsKnown {
  async validate(value: unknown): Promise<boolean> {
    return value === 'a' || value === 1;
  }
}

@rules.ValidatorConstraint()
class Throws {
  validate(value: unknown): boolean {
    if (value === 'EUR') throw new TypeError('no EUR');
    return value !== 1;
  }
}

function inline(name: string, validate: (value: unknown) => unknown) {
  return (options: ValidationOptions): PropertyDecorator =>
    (target, propertyName) =>
      rules.registerDecorator({
        name,
        target: target.constructor,
        propertyName: propertyName as string,
        options,
        constraints: [name],
        validator: { validate: validate as (value: unknown) => boolean },
      });
}

enum Unit {
  Kilo = 'kg',
  Piece = 'piece',
}

const DEEDS: readonly ((options: ValidationOptions) => PropertyDecorator)[] = [
  (o) => rules.IsString(o),
  (o) => rules.IsString(o),
  (o) => rules.IsInt(o),
  (o) => rules.IsInt(o),
  (o) => rules.IsNumber({ allowNaN: false, maxDecimalPlaces: 2 }, o),
  (o) => rules.IsBoolean(o),
  (o) => rules.IsOptional(o),
  (o) => rules.IsOptional(o),
  (o) => rules.IsDefined(o),
  (o) => rules.IsNotEmpty(o),
  (o) => rules.IsEmpty(o),
  (o) => rules.Min(1, o),
  (o) => rules.Max(10, o),
  (o) => rules.IsPositive(o),
  (o) => rules.Length(1, 3, o),
  (o) => rules.MaxLength(3, o),
  (o) => rules.MinLength(2, o),
  (o) => rules.Matches(/^[a-z]+$/, o),
  (o) => rules.IsIn(['EUR', 1, 'a'], o),
  (o) => rules.IsNotIn(['', 0], o),
  (o) => rules.IsEnum(Unit, o),
  (o) => rules.IsEmail({}, o),
  (o) => rules.IsISO8601({}, o),
  (o) => rules.IsUUID(undefined, o),
  (o) => rules.IsArray(o),
  (o) => rules.IsObject(o),
  (o) => rules.IsDate(o),
  (o) => rules.MinDate(new Date(0), o),
  (o) => rules.ArrayMinSize(1, o),
  (o) => rules.ArrayMaxSize(2, o),
  (o) => rules.ArrayUnique(o),
  (o) => rules.ArrayContains(['a'], o),
  (o) => rules.Equals('a', o),
  (o) => rules.NotEquals(1, o),
  (o) => rules.IsInstance(Date, o),
  (o) => rules.IsNumberString({}, o),
  (o) => rules.Contains('a', o),
  (o) => rules.Allow(o),
  (o) => rules.Allow(o),
  (o) => rules.ValidateIf((object) => Object.keys(object).length % 2 === 0, o),
  (o) => rules.ValidateIf((_object, value) => value !== null, o),
  (o) => rules.Validate(IsShort, [2], o),
  (o) => rules.Validate(IsShort, o),
  (o) => rules.Validate(Throws, o),
  (o) => inline('isOdd', (value) => Number(value) % 2 === 1)(o),
  (o) => inline('isInt', (value) => value === 7)(o),
  (o) => inline('isText', (value) => (typeof value === 'string' ? 'yes' : 0))(o),
];

/** Rules that values of a kind often keep. */
const FITTING: Readonly<Record<'text' | 'number' | 'boolean' | 'list' | 'object', typeof DEEDS>> = {
  text: [
    (o) => rules.IsString(o),
    (o) => rules.MaxLength(30, o),
    (o) => rules.IsOptional(o),
    (o) => rules.IsNotEmpty(o),
  ],
  number: [(o) => rules.IsNumber({}, o), (o) => rules.Min(-5, o), (o) => rules.IsInt(o), (o) => rules.IsOptional(o)],
  boolean: [(o) => rules.IsBoolean(o), (o) => rules.IsDefined(o), (o) => rules.IsIn([true, false], o)],
  list: [(o) => rules.IsArray(o), (o) => rules.ArrayMaxSize(3, o), (o) => rules.ArrayMinSize(0, o)],
  object: [(o) => rules.IsObject(o), (o) => rules.IsOptional(o), (o) => rules.Allow(o), (o) => rules.IsDefined(o)],
};

const LATE: readonly ((options: ValidationOptions) => PropertyDecorator)[] = [
  (o) => rules.Validate(IsKnown, o),
  (o) => inline('isLate', (value) => Promise.resolve(value === 'a'))(o),
  (o) => inline('isSometimesLate', (value) => (typeof value === 'string' ? Promise.resolve(false) : value !== 1))(o),
  (o) => rules.ValidatePromise(o),
];

const MESSAGES: readonly ValidationOptions['message'][] = [
  'wrong',
  '',
  '$property of $target is $value, not $constraint1 or $constraint2',
  '$value$value $constraint3 $$',
  ({ property, targetName, value, constraints, object }) =>
    `${property} ${targetName} ${typeof value} ${constraints?.length} ${Object.keys(object).join()} $value`,
];

const TYPES: readonly (Parameters<typeof Type>[0] | undefined)[] = [
  () => String,
  () => Number,
  () => Boolean,
  () => Date,
  () => Buffer,
  () => Object,
  () => Array,
  () => Map,
  undefined,
  () => undefined as never,
  (help) => (help?.object?.['a'] === 1 ? Date : String),
];
const REFLECTED = [undefined, undefined, Array, Object, Set, Map, String, class extends Array {}];

const TRANSFORMS: readonly Parameters<typeof Transform>[0][] = [
  ({ value }) => value,
  ({ value }) => (typeof value === 'string' ? value.trim() : value),
  ({ obj, key }) => obj[key],
  ({ value, options, type }) => [value, options.exposeUnsetFields, type],
  ({ value }) => {
    if (value === 'EUR') throw new RangeError('no EUR here');
    return value;
  },
  () => undefined,
];

const INHERITED = { inherited: 1 };
const NAMES = ['a', 'b', 'c', 'id', 'items', 'kind', '1', '0', 'then', 'length', 'name'];
const ODD_NAMES = ['toString', 'hasOwnProperty', 'method', 'reads', 'settable', 'constructor'];
const OTHER_NAMES = ['other', 'q0', 'q1', 'x y', 'é', '2', 'valueOf', '__defineGetter__', 'prototype'];

const SCALARS: readonly unknown[] = [
  'a',
  'EUR',
  '',
  ' a ',
  'kg',
  'abcd',
  '12',
  '2026-11-23T10:00:00.000Z',
  '9b2b0b52-55c5-4f2b-8a6e-3a3b6c4f9d10',
  'a@b.de',
  '💚💚',
  '$value $property',
  0,
  1,
  2,
  7,
  -1,
  1.5,
  1.234,
  1e300,
  true,
  false,
  null,
];

/** Makes classes, their options and their bodies. What it decorated it takes out of the libraries again. */
export class RandomClasses {
  readonly #made: AnyClass[] = [];
  readonly #before = new Set(storages().constraintMetadatas.keys());
  readonly #choice: Choice;

  constructor(choice: Choice) {
    this.#choice = choice;
  }

  #below(count: number): number {
    return this.#choice.below(count);
  }

  /** Whether one chance of `outOf` came true. */
  #once(outOf: number): boolean {
    return this.#below(outOf) === outOf - 1;
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T;
  }

  #some<T>(from: readonly T[], most: number): T[] {
    return Array.from({ length: this.#below(most + 1) }, () => this.#pick(from));
  }

  options(): PayloadValidation {
    const yes = (outOf: number) => this.#once(outOf);
    return {
      ...(yes(4) && { whitelist: true }),
      ...(yes(6) && { whitelist: true, forbidNonWhitelisted: true }),
      ...(yes(4) && { forbidUnknownValues: false }),
      ...(yes(8) && { skipMissingProperties: true }),
      ...(yes(8) && { skipNullProperties: true }),
      ...(yes(8) && { skipUndefinedProperties: true }),
      ...(yes(4) && { stopAtFirstError: true }),
      ...(yes(4) && { groups: this.#some(['x', 'y'], 2) }),
      ...(yes(8) && { always: this.#once(2) }),
      ...(yes(8) && { strictGroups: true }),
    };
  }

  class(depth = 2): RandomClass {
    const Base = depth > 0 && this.#once(4) ? this.class(0) : undefined;
    const type = this.#bare(Base?.type);
    this.#made.push(type);
    const properties: RandomProperty[] = [];
    const made: RandomClass = { type, properties };
    for (let count = 1 + this.#below(5); count > 0; count--) properties.push(this.#property(made, depth));
    if (this.#once(12)) Exclude()(type);
    if (this.#once(16)) Expose()(type);
    return { type, properties: [...(Base?.properties ?? []), ...properties] };
  }

  #bare(Base: AnyClass | undefined): AnyClass {
    const sets = this.#once(4);
    const Bottom = Base ?? (class {} as AnyClass);
    const kinds: AnyClass[] = [
      class Order extends Bottom {},
      class Item extends Bottom {
        a = sets ? 'set' : undefined;
        list = ['set'];
      },
      class Line extends Bottom {
        #kept: unknown = 'kept';
        b = () => 1;
        method() {
          return this.#kept;
        }
        get reads() {
          return this.#kept;
        }
        get settable() {
          return this.#kept;
        }
        set settable(value) {
          this.#kept = value;
        }
      },
    ];
    return Base === undefined && this.#once(2) ? class Payment {} : this.#pick(kinds);
  }

  #property(of: RandomClass, depth: number): RandomProperty {
    const name = this.#once(24) ? this.#pick(ODD_NAMES) : this.#pick(NAMES);
    const prototype = of.type.prototype as object;
    const nested = this.#nested(of, depth);
    const scalar = this.#pick(['text', 'text', 'number', 'number', 'boolean', 'list'] as const);
    const isList = this.#once(4);
    if (this.#once(3)) Reflect.defineMetadata('design:type', this.#pick(REFLECTED), prototype, name);
    const fitting = FITTING[isList ? 'list' : nested === undefined ? scalar : 'object'];
    const decorators: Decorate[] = this.#rules(fitting, isList || this.#once(6)) as Decorate[];
    if (nested !== undefined) decorators.push(...this.#nesting(nested, isList, depth));
    else if (this.#once(6)) decorators.push(Type(this.#pick(TYPES)) as Decorate);
    const exposed = this.#once(6) ? `q${this.#below(3)}` : undefined;
    if (exposed !== undefined) decorators.push(Expose({ name: exposed, ...this.#aim() }) as Decorate);
    else if (this.#once(8)) decorators.push(Expose(this.#aim()) as Decorate);
    if (this.#once(12)) decorators.push(Exclude(this.#aim()) as Decorate);
    for (const transform of this.#once(6) ? this.#some(TRANSFORMS, 2) : []) {
      decorators.push(Transform(transform, this.#aim()) as Decorate);
    }
    for (const decorate of this.#shuffled(decorators)) decorate(prototype, name);
    return { name: exposed ?? name, of: nested ?? scalar, isList };
  }

  #nested(of: RandomClass, depth: number): RandomClass | undefined {
    if (!this.#once(3)) return undefined;
    return depth > 0 && !this.#once(4) ? this.class(depth - 1) : of;
  }

  #nesting(nested: RandomClass, isList: boolean, depth: number): Decorate[] {
    const validated = rules.ValidateNested({ ...this.#ruleOptions(), ...(isList && { each: true }) }) as Decorate;
    const other = depth > 0 && this.#once(4) ? this.class(0).type : undefined;
    const typed = Type(() => nested.type, {
      ...(other && {
        discriminator: {
          property: 'kind',
          subTypes: [
            { name: 'other', value: other },
            { name: 'same', value: nested.type },
          ],
        },
      }),
      ...(this.#once(3) && { keepDiscriminatorProperty: true }),
    }) as Decorate;
    return [...(this.#once(8) ? [] : [validated]), ...(this.#once(8) ? [] : [typed])];
  }

  /** To which direction and groups a decorator of class-transformer is limited. */
  #aim(): { toClassOnly?: boolean; toPlainOnly?: boolean; groups?: string[] } {
    return {
      ...(this.#once(8) && { toClassOnly: true }),
      ...(this.#once(12) && { toPlainOnly: true }),
      ...(this.#once(16) && { groups: this.#some(['x'], 1) }),
    };
  }

  #rules(fitting: typeof DEEDS, isEach: boolean): PropertyDecorator[] {
    const chosen = [...this.#some(fitting, 3), ...(this.#once(5) ? this.#some(DEEDS, 3) : [])];
    const found = chosen.map((rule) => rule(this.#ruleOptions(isEach)));
    if (this.#once(24)) found.push(this.#pick(LATE)(this.#ruleOptions(isEach)));
    return found;
  }

  #ruleOptions(isEach = false): ValidationOptions {
    return {
      ...(isEach && this.#once(3) && { each: true }),
      ...(this.#once(5) && { message: this.#pick(MESSAGES) as string }),
      ...(this.#once(8) && { groups: this.#some(['x', 'y', 'z'], 2) }),
      ...(this.#once(12) && { always: this.#once(2) }),
      ...(this.#once(12) && { validateIf: (_object: unknown, value: unknown) => typeof value !== 'number' }),
      ...(this.#once(16) && { context: { code: 1 } }),
    };
  }

  #shuffled<T>(list: readonly T[]): T[] {
    const rest = [...list];
    return list.map(() => rest.splice(this.#below(rest.length), 1)[0] as T);
  }

  /** @param exotic whether it may hold what is no JSON, as a converter of the user's own may make it */
  body(of: RandomClass, exotic: boolean): RandomValue {
    return this.#object(of, 3, exotic);
  }

  #object(of: RandomClass | undefined, depth: number, exotic: boolean): RandomValue {
    const entries = (of?.properties ?? [])
      .filter(() => !this.#once(12))
      .map((property) => [property.name, this.#valueOf(property, depth, exotic)] as const);
    if (this.#once(4)) entries.push([this.#pick(OTHER_NAMES), this.#any(depth, exotic)]);
    if (this.#once(8)) entries.push([this.#pick([...ODD_NAMES, '__proto__']), this.#any(depth, exotic)]);
    if (this.#once(5)) entries.push(['kind', this.#scalar(['other', 'same', 'none', 1])]);
    const names = this.#shuffled(entries);
    const Made = exotic && this.#once(12) ? of?.type : undefined;
    const isBare = exotic && this.#once(16);
    return () => {
      const made: object = Made ? Object.create(Made.prototype) : isBare ? Object.create(null) : {};
      for (const [name, value] of names) {
        Object.defineProperty(made, name, { value: value(), enumerable: true, configurable: true, writable: true });
      }
      return made;
    };
  }

  #valueOf({ of, isList }: RandomProperty, depth: number, exotic: boolean): RandomValue {
    if (this.#once(12)) return this.#any(depth, exotic);
    if (isList || of === 'list') {
      const items = Array.from({ length: this.#below(4) }, () => this.#element(of, depth, exotic));
      return () => items.map((item) => item());
    }
    return this.#element(of, depth, exotic);
  }

  #element(of: RandomProperty['of'], depth: number, exotic: boolean): RandomValue {
    if (this.#once(30)) return this.#any(depth - 1, exotic);
    if (typeof of === 'object') return depth > 0 ? this.#object(of, depth - 1, exotic) : this.#scalar([null, {}]);
    const kind = { text: 'string', number: 'number', boolean: 'boolean', list: 'string' }[of];
    return this.#scalar(SCALARS.filter((value) => typeof value === kind));
  }

  #scalar(from: readonly unknown[]): RandomValue {
    const value = this.#pick(from);
    return typeof value === 'object' && value !== null ? () => ({}) : () => value;
  }

  #any(depth: number, exotic: boolean): RandomValue {
    const kind = this.#below(depth > 0 ? 6 : 3);
    if (exotic && this.#once(4)) return this.#exotic(depth);
    if (kind < 3) return this.#scalar(SCALARS);
    if (kind === 3) return this.#object(undefined, depth - 1, exotic);
    const items = Array.from({ length: this.#below(4) }, () => this.#any(depth - 1, exotic));
    return () => items.map((item) => item());
  }

  #exotic(depth: number): RandomValue {
    const inner = this.#any(depth - 1, depth > 0);
    const promise = Promise.resolve(1);
    return this.#pick<RandomValue>([
      () => new Date(5),
      () => new Map([['a', inner()]]),
      () => new Set([inner(), 1]),
      () => Buffer.from('a'),
      () => undefined,
      () => () => 1,
      () => 10n,
      () => Number.NaN,
      () => Object.assign(new Array(3), { 0: inner(), 2: 1 }),
      () =>
        Object.fromEntries([
          ['then', 1],
          ['a', inner()],
        ]),
      () => promise,
      () => Symbol.for('a'),
      () => Object.assign(Object.create(INHERITED), { a: inner() }),
    ]);
  }

  /** Takes out of the libraries what was decorated since: they keep it for ever. */
  forget(): void {
    const { validationMetadatas, constraintMetadatas } = storages();
    for (const type of this.#made) {
      validationMetadatas.delete(type);
      for (const all of ofTransformer) all.delete(type);
    }
    for (const constraint of constraintMetadatas.keys()) {
      if (!this.#before.has(constraint)) constraintMetadatas.delete(constraint);
    }
  }
}

/** Its types call these maps private. */
function storages() {
  return rules.getMetadataStorage() as unknown as Record<
    'validationMetadatas' | 'constraintMetadatas',
    Map<unknown, unknown>
  >;
}

const ofTransformer = within === undefined ? [] : Object.values(within.storage).filter((map) => map instanceof Map);
