import { errorText, MessageValidationError, type PayloadClass } from '@leveret/core';
import * as classValidator from 'class-validator';
import { boundedValidation, type Validated } from './bounded-validation.js';
import { instanceCheck } from './compiled/check-instance.js';
import { unknownLibrary } from './compiled/known-libraries.js';
import type { PayloadValidation } from './payload-validation.js';
import { type FoundViolations, NO_VIOLATIONS, violationsOf } from './violations.js';

/** The broken rules of a payload; empty when it is valid. A promise only when a rule of the class may be asynchronous. */
export type ClassValidation = (payload: object) => FoundViolations | Promise<FoundViolations>;

/**
 * Prepares the validation of a class once, or answers `undefined` when class-validator knows no rule for it.
 *
 * A rule that throws means that the message is at fault, for the same message would make it throw again. A rule whose
 * promise rejects (a look-up that failed) does not: the rejection is passed on, and counts as a failed attempt.
 */
export function classValidation(type: PayloadClass, options: PayloadValidation): ClassValidation | undefined {
  if (rulesOf(type).length === 0) return undefined;
  const check = unknownLibrary() === undefined ? instanceCheck(options) : libraryCheck(options);
  return (payload) => {
    const found = guard(type, () => check(payload));
    return found instanceof Promise ? found.then(toViolations) : toViolations(found);
  };
}

/** The same by class-validator's own walk. */
export function libraryCheck(options: PayloadValidation): (payload: object) => Validated | Promise<Validated> {
  const validation = boundedValidation({ ...options, validationError: { target: false, value: true } });
  return (payload) => (mayWait(payload) ? validation.wait(payload) : validation.now(payload));
}

function toViolations({ errors, isCut }: Validated): FoundViolations {
  return errors.length === 0 ? NO_VIOLATIONS : { ...violationsOf(errors), isCut };
}

function guard<T>(type: PayloadClass, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new MessageValidationError(
      `A rule of ${type.name} threw while the payload was validated: ${errorText(cause)}`,
      [],
      { cause },
    );
  }
}

function rulesOf(type: PayloadClass) {
  // "always" and no groups: every rule of the class and its bases, whatever group it is in.
  return classValidator.getMetadataStorage().getTargetValidationMetadatas(type, '', true, false);
}

type Rule = ReturnType<typeof rulesOf>[number];

const { NESTED_VALIDATION, PROMISE_VALIDATION, CUSTOM_VALIDATION } = classValidator.ValidationTypes;

/** What there is to know of the rules of a class before its instances are validated. */
interface ClassRules {
  /** One of them may answer with a promise. */
  readonly mayWait: boolean;
  /** Properties whose values are validated by the rules of their own classes. */
  readonly nested: readonly string[];
}

const knownRules = new WeakMap<object, ClassRules>();

/**
 * Whether a rule of a payload, or of an object nested in it, may answer with a promise: validateSync takes an unawaited
 * promise for "valid", and so must never meet one. Rules that class-validator ships are synchronous; a user's own may
 * not be, whatever it declares. Which classes are nested is only known to the values.
 */
function mayWait(payload: object): boolean {
  const type: unknown = payload.constructor;
  if (typeof type !== 'function') return true;
  const rules = knownRules.get(type) ?? learnRules(type as unknown as PayloadClass);
  if (rules.mayWait) return true;
  return rules.nested.some((property) => someMayWait((payload as Readonly<Record<string, unknown>>)[property]));
}

function someMayWait(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(someMayWait);
  if (value instanceof Set || value instanceof Map) return [...value.values()].some(someMayWait);
  return typeof value === 'object' && value !== null && mayWait(value);
}

function learnRules(type: PayloadClass): ClassRules {
  const own = rulesOf(type);
  const nested = own.filter((rule) => rule.type === NESTED_VALIDATION).map((rule) => rule.propertyName);
  const learned = { mayWait: own.some(mayBeAsync), nested: [...new Set(nested)] };
  knownRules.set(type, learned);
  return learned;
}

function mayBeAsync(rule: Rule): boolean {
  if (rule.type === PROMISE_VALIDATION) return true;
  if (rule.type !== CUSTOM_VALIDATION) return false;
  const constraints = classValidator.getMetadataStorage().getTargetValidatorConstraints(rule.constraintCls);
  return constraints.some((constraint) => constraint.async || !SHIPPED_RULES.has(constraint.name));
}

/** Names of the rules that class-validator ships: it exports each as a constant such as `IS_INT`. */
const SHIPPED_RULES: ReadonlySet<string> = new Set(
  Object.entries(classValidator).flatMap(([name, value]) =>
    /^[A-Z][A-Z0-9_]*$/.test(name) && typeof value === 'string' ? [value] : [],
  ),
);
