import type { ValidatorConstraintInterface, ValidatorOptions } from 'class-validator';
import type { ConstraintMetadata } from 'class-validator/types/metadata/ConstraintMetadata.js';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { classValidator } from '../class-libraries.js';
import type { PayloadValidation } from '../payload-validation.js';
import { CompiledClasses } from './compiled-classes.js';
import { isInlineConstraint } from './known-libraries.js';
import type { Stamp } from './stamp.js';

/** A decorator that asks something of a value: `@IsInt()`. */
export interface Rule {
  readonly metadata: ValidationMetadata;
  /** Usually one. */
  readonly constraints: readonly ConstraintMetadata[];
  /**
   * Asks one value; `undefined` when there is more to it: it is for each element, or has a condition, or is a class of the
   * user's own, of which class-validator's container has the instances.
   */
  readonly ask: ValidatorConstraintInterface['validate'] | undefined;
}

/** The decorators of a property, by what they do. */
export interface PropertyRules {
  readonly name: string;
  readonly conditions: readonly ValidationMetadata[];
  /** `@IsDefined()`: asked of what is missing, too, whatever is skipped. */
  readonly defined: readonly Rule[];
  readonly asked: readonly Rule[];
  readonly nested: readonly ValidationMetadata[];
}

/** The rules of a class and its bases, under the options of a listener. */
export interface ClassRules {
  /** The class is unknown to class-validator, or has rules for other groups only. */
  readonly isEmpty: boolean;
  readonly properties: readonly PropertyRules[];
  /** As class-validator groups them: what stands here under a name decides whether `whitelist` keeps the property. */
  readonly byName: Readonly<Record<string, { readonly length: number } | undefined>>;
}

const books = new Map<string, RuleBook>();

/** The one for these options: listeners have the same ones, mostly. */
export function ruleBook(options: PayloadValidation): RuleBook {
  const key = JSON.stringify(Object.entries(options).sort());
  const book = books.get(key) ?? new RuleBook(options);
  books.set(key, book);
  return book;
}

/** The rules of classes under the same options. */
export class RuleBook {
  readonly options: ValidatorOptions;
  readonly #skipsUndefined: boolean;
  readonly #skipsNull: boolean;
  /** Objects of classes that are not there are validated by class-validator. */
  readonly classes: CompiledClasses<ClassRules>;

  constructor(options: PayloadValidation) {
    this.options = { ...(options as ValidatorOptions), validationError: { target: false, value: true } };
    const { skipMissingProperties, skipNullProperties, skipUndefinedProperties } = options;
    this.#skipsUndefined = skipUndefinedProperties === true || skipMissingProperties === true;
    this.#skipsNull = skipNullProperties === true || skipMissingProperties === true;
    this.classes = new CompiledClasses((type: StampedClass, stamp) => {
      stampClass(stamp, type);
      return classRules(type, this.options);
    });
  }

  /** Whether nothing but `@IsDefined()` is asked of a value, because it is missing. */
  skips(value: unknown): boolean {
    return value === undefined ? this.#skipsUndefined : value === null && this.#skipsNull;
  }
}

type StampedClass = abstract new () => unknown;

/** Its types call these maps private. */
interface Storage {
  readonly validationMetadatas: ReadonlyMap<StampedClass, readonly ValidationMetadata[]>;
  readonly constraintMetadatas: ReadonlyMap<unknown, readonly ConstraintMetadata[]>;
}

function stampClass(stamp: Stamp, type: StampedClass): void {
  const { validationMetadatas: all, constraintMetadatas } = stamp.entry(GLOBAL, 'storage') as Storage;
  stamp.map(all).map(constraintMetadatas);
  for (const one of all.keys()) {
    if (one === type || type.prototype instanceof one) stamp.list(stamp.entry(all, one) as readonly unknown[]);
  }
}

/** Programs that run tests put a fresh storage there. */
const GLOBAL = { get: (_name: unknown) => getMetadataStorage() };

function getMetadataStorage() {
  return classValidator().getMetadataStorage();
}

function classRules(type: StampedClass, options: ValidatorOptions): ClassRules | string {
  const storage = getMetadataStorage();
  const { CONDITIONAL_VALIDATION, CUSTOM_VALIDATION, IS_DEFINED, NESTED_VALIDATION, PROMISE_VALIDATION } =
    classValidator().ValidationTypes;
  const { always = false, strictGroups = false, groups } = options;
  const all = storage.getTargetValidationMetadatas(type as never, '', always, strictGroups, groups);
  if (all.some((metadata) => metadata.type === PROMISE_VALIDATION))
    return '@ValidatePromise() is left to class-validator';
  const byName = storage.groupByPropertyName(all);
  const properties = Object.keys(byName).map((name): PropertyRules => {
    const ofType = (wanted: string) => (byName[name] ?? []).filter((metadata) => metadata.type === wanted);
    return {
      name,
      conditions: ofType(CONDITIONAL_VALIDATION),
      defined: ofType(IS_DEFINED).map(ruleOf),
      asked: ofType(CUSTOM_VALIDATION).map(ruleOf),
      nested: ofType(NESTED_VALIDATION),
    };
  });
  return { properties, byName, isEmpty: all.length === 0 };
}

function ruleOf(metadata: ValidationMetadata): Rule {
  const constraints = getMetadataStorage().getTargetValidatorConstraints(metadata.constraintCls);
  const [only] = constraints;
  const isPlain = constraints.length === 1 && !metadata.each && !metadata.validateIf && only?.async !== true;
  // Such a class has one function, which knows of no instance.
  const isInline = isPlain && isInlineConstraint(metadata.constraintCls);
  return { metadata, constraints, ask: isInline ? only?.instance.validate : undefined };
}
