import { createRequire } from 'node:module';
import type { ValidationError, Validator, ValidatorOptions } from 'class-validator';
import { type ClassValidator, classValidator } from './class-libraries.js';
import type { PayloadValidation } from './payload-validation.js';
import { type BrokenProperty, MAX_VIOLATIONS } from './violations.js';

type Storage = ReturnType<ClassValidator['getMetadataStorage']>;

/** What is used of class-validator's walk over an object. Its types call most of this private. */
interface Executor {
  metadataStorage: Pick<
    Storage,
    'hasValidationMetaData' | 'getTargetValidationMetadatas' | 'groupByPropertyName' | 'getTargetValidatorConstraints'
  >;
  readonly awaitingPromises: Promise<unknown>[];
  execute(object: object, schema: string | undefined, errors: ValidationError[]): void;
  performValidations(...args: unknown[]): void;
  createValidationError(...args: unknown[]): [type: string, message: string];
  stripEmptyErrors(errors: ValidationError[]): ValidationError[];
}

/** class-validator's walk, but that it ends once enough broken rules were found. */
export interface BoundedWalk extends Executor {
  /** Broken rules. */
  found: number;
  /** There may be more. */
  isCut: boolean;
}
type ExecutorClass = new (validator: Validator, options: ValidatorOptions) => Executor;

/** The errors of an object, and whether there may be more than were looked for. */
export interface Validated {
  readonly errors: readonly BrokenProperty[];
  readonly isCut: boolean;
}

/**
 * class-validator, but that it stops looking once there are {@link MAX_VIOLATIONS}, for a sender chooses how many objects a
 * list holds; and that it works out the rules of a class once, not for each object. Both need a class that class-validator
 * does not export: where it is not what it was, the exported function does the same, and looks to the end.
 * @returns what answers with a promise only when a rule did, or when it cannot be known whether one will
 */
export function libraryCheck(given: PayloadValidation): (payload: object) => Validated | Promise<Validated> {
  const options: ValidatorOptions = {
    ...(given as ValidatorOptions),
    validationError: { target: false, value: true },
  };
  if (bounded() === undefined) {
    return async (payload) => ({ errors: await classValidator().validate(payload, options), isCut: false });
  }
  const storage = remembering(classValidator().getMetadataStorage());
  return (payload) => {
    const walk = boundedWalk(options);
    walk.metadataStorage = storage;
    const found: ValidationError[] = [];
    try {
      walk.execute(payload, undefined, found);
    } catch (error) {
      abandon(walk.awaitingPromises);
      throw error;
    }
    const result = () => ({ errors: walk.stripEmptyErrors(found), isCut: walk.isCut });
    return walk.awaitingPromises.length === 0 ? result() : Promise.all(walk.awaitingPromises).then(result);
  };
}

/** Nobody waits any more for what other rules have promised: one has thrown. */
export function abandon(promises: readonly unknown[]): void {
  for (const promise of promises) Promise.resolve(promise).catch(() => {});
}

/** @throws when class-validator is not as it is known to be */
export function boundedWalk(options: ValidatorOptions): BoundedWalk {
  const known = bounded();
  if (known === undefined) throw new Error('class-validator is not as it is known to be');
  return new known.Walk(known.validator, options);
}

interface Bounded {
  readonly validator: Validator;
  readonly Walk: new (validator: Validator, options: ValidatorOptions) => BoundedWalk;
}
let looked: { readonly found: Bounded | undefined } | undefined;

/** `undefined` when class-validator is not as it is known to be. */
function bounded(): Bounded | undefined {
  if (looked === undefined) {
    const Walk = boundedExecutor();
    looked = { found: Walk && { Walk, validator: new (classValidator().Validator)() } };
  }
  return looked.found;
}

function boundedExecutor() {
  const Base = findExecutor();
  if (Base === undefined) return undefined;
  return class extends Base {
    isCut = false;
    found = 0;

    override execute(object: object, schema: string | undefined, errors: ValidationError[]): void {
      const before = errors.length;
      super.execute(object, schema, errors);
      // These two are made elsewhere: an object of no known class, and properties that no rule knows.
      for (let i = before; i < errors.length; i++) {
        const { constraints } = errors[i] as ValidationError;
        if (constraints?.['unknownValue'] !== undefined || constraints?.['whitelistValidation'] !== undefined) {
          this.found++;
        }
      }
    }

    override performValidations(...args: unknown[]): void {
      if (this.found >= MAX_VIOLATIONS) this.isCut = true;
      else super.performValidations(...args);
    }

    override createValidationError(...args: unknown[]): [string, string] {
      this.found++;
      return super.createValidationError(...args);
    }
  };
}

function findExecutor(): ExecutorClass | undefined {
  try {
    const require = createRequire(import.meta.url);
    const { ValidationExecutor: found } = require('class-validator/cjs/validation/ValidationExecutor.js') as {
      readonly ValidationExecutor: ExecutorClass;
    };
    const used = ['execute', 'performValidations', 'createValidationError', 'stripEmptyErrors'] as const;
    return used.every((name) => typeof found.prototype[name] === 'function') ? found : undefined;
  } catch {
    return undefined;
  }
}

type Rules = ReturnType<Storage['getTargetValidationMetadatas']>;

/** The rules of classes by their class. Options are always the same here. */
function remembering(storage: Storage): Executor['metadataStorage'] {
  const byClass = new WeakMap<object, Map<string, Rules>>();
  const byName = new WeakMap<Rules, ReturnType<Storage['groupByPropertyName']>>();
  return {
    hasValidationMetaData: storage.hasValidationMetaData,
    getTargetValidationMetadatas(type, schema, ...options) {
      // A body may say anything under the name "constructor".
      if (typeof type !== 'function') return storage.getTargetValidationMetadatas(type, schema, ...options);
      const known = byClass.get(type) ?? new Map<string, Rules>();
      let rules = known.get(schema);
      if (rules === undefined) {
        rules = storage.getTargetValidationMetadatas(type, schema, ...options);
        byClass.set(type, known.set(schema, rules));
      }
      return rules;
    },
    groupByPropertyName(rules) {
      let grouped = byName.get(rules);
      if (grouped === undefined) {
        grouped = storage.groupByPropertyName(rules);
        byName.set(rules, grouped);
      }
      return grouped;
    },
    getTargetValidatorConstraints: (type) => storage.getTargetValidatorConstraints(type),
  };
}
