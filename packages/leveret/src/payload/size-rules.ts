import type { PayloadClass, Violation } from '@leveret/core';
import { type ClassValidator, classValidator, isValidatorInUse } from './class-libraries.js';
import type { PayloadValidation } from './payload-validation.js';
import { insides } from './transformer-rules.js';
import { type FoundViolations, MAX_VIOLATIONS, NO_VIOLATIONS } from './violations.js';

/** Finds what is larger than its class allows, in a value of which no instance has been made yet. */
export type SizeCheck = (value: object) => FoundViolations;

interface SizeRule {
  /** Name of the property in the class, and in the body. */
  readonly property: string;
  readonly name: string;
  readonly rule: string;
  readonly max: number;
  readonly each: boolean;
  text(value: unknown): string;
}

interface Sizes {
  readonly rules: readonly SizeRule[];
  readonly children: readonly { readonly name: string; readonly sizes: () => Sizes }[];
}

/**
 * Prepares the check of `@ArrayMaxSize`, `@MaxLength` and `@Length` for a class and the classes of its properties, or answers
 * `undefined` when there is none of them. class-validator sees a list when each of its objects has been made; a list that is too
 * long should cost less than that. What a `@Transform` or `@ValidateIf` is about is left to class-validator.
 */
export function sizeCheck(type: PayloadClass, options: PayloadValidation): SizeCheck | undefined {
  if (!isValidatorInUse()) return undefined;
  const known = new Map<PayloadClass, Sizes>();
  const root = sizesOf(type, options, known);
  if (!reachesRules(root)) return undefined;
  return (value) => {
    const listed: Violation[] = [];
    look(value, root, '', listed);
    return listed.length === 0 ? NO_VIOLATIONS : { listed, total: listed.length, isCut: true };
  };
}

function reachesRules(root: Sizes): boolean {
  const seen = new Set<Sizes>([root]);
  for (const sizes of seen) {
    if (sizes.rules.length > 0) return true;
    for (const child of sizes.children) seen.add(child.sizes());
  }
  return false;
}

/** Does not look into what is too large itself. */
function look(value: unknown, sizes: Sizes, path: string, into: Violation[]): void {
  if (into.length >= MAX_VIOLATIONS) return;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) look(item, sizes, `${path}[${index}]`, into);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const own = value as Readonly<Record<string, unknown>>;
  const before = into.length;
  for (const rule of sizes.rules) {
    const found = Object.hasOwn(own, rule.name) ? own[rule.name] : undefined;
    if (isTooLarge(found, rule))
      into.push({ path: join(path, rule.property), rule: rule.rule, message: rule.text(found) });
  }
  if (into.length > before) return;
  for (const { name, sizes: ofChild } of sizes.children) {
    if (Object.hasOwn(own, name)) look(own[name], ofChild(), join(path, name), into);
  }
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function isTooLarge(value: unknown, { rule, max, each }: SizeRule): boolean {
  if (rule === 'arrayMaxSize') return Array.isArray(value) && value.length > max;
  if (each) return Array.isArray(value) && value.some((item) => typeof item === 'string' && isLonger(item, max));
  return typeof value === 'string' && isLonger(value, max);
}

/** What people see as one character may be three of JavaScript's units. Whether it is one too many class-validator says. */
function isLonger(text: string, max: number): boolean {
  return text.length > 3 * max;
}

function sizesOf(type: PayloadClass, options: PayloadValidation, known: Map<PayloadClass, Sizes>): Sizes {
  const before = known.get(type);
  if (before !== undefined) return before;
  const { always = false, strictGroups = false, groups } = options;
  const storage = classValidator().getMetadataStorage();
  const { CONDITIONAL_VALIDATION } = classValidator().ValidationTypes;
  const all = storage.getTargetValidationMetadatas(type, '', always, strictGroups, groups as string[] | undefined);
  const conditional = new Set(
    all
      .filter((rule) => rule.type === CONDITIONAL_VALIDATION && rule.name !== 'isOptional')
      .map((rule) => rule.propertyName),
  );
  const rules = all.flatMap((rule): SizeRule[] => {
    const max: unknown = rule.name === 'isLength' ? rule.constraints?.[1] : rule.constraints?.[0];
    const isSize = rule.name === 'arrayMaxSize' || rule.name === 'maxLength' || rule.name === 'isLength';
    if (!isSize || typeof max !== 'number' || rule.validateIf !== undefined) return [];
    if (rule.each && rule.name === 'arrayMaxSize') return [];
    const property = rule.propertyName;
    if (conditional.has(property) || isTransformed(type, property)) return [];
    const own = { property, name: nameOf(type, property), rule: rule.name as string, max, each: rule.each === true };
    return [{ ...own, text: (value) => textOf(rule, type, value) }];
  });
  const made: Sizes = { rules, children: childrenOf(type, all, options, known) };
  known.set(type, made);
  return made;
}

type Rule = ReturnType<ReturnType<ClassValidator['getMetadataStorage']>['getTargetValidationMetadatas']>[number];

function childrenOf(
  type: PayloadClass,
  all: readonly Rule[],
  options: PayloadValidation,
  known: Map<PayloadClass, Sizes>,
) {
  const { NESTED_VALIDATION } = classValidator().ValidationTypes;
  const nested = all.filter((rule) => rule.type === NESTED_VALIDATION).map((rule) => rule.propertyName);
  return [...new Set(nested)].flatMap((property) => {
    const child = isTransformed(type, property) ? undefined : childType(type, property);
    if (child === undefined) return [];
    return [{ name: nameOf(type, property), sizes: () => sizesOf(child, options, known) }];
  });
}

/** What class-transformer says of a property, in the class or its bases. */
function ofProperty<T>(of: 'expose' | 'transform' | 'type', type: PayloadClass, property: string): T | undefined {
  const within = insides();
  if (within === undefined) return undefined;
  const { _exposeMetadatas, _transformMetadatas, _typeMetadatas } = within.storage;
  const all = { expose: _exposeMetadatas, transform: _transformMetadatas, type: _typeMetadatas }[of];
  for (let one: unknown = type; typeof one === 'function'; one = Object.getPrototypeOf(one)) {
    const found = (all as ReadonlyMap<unknown, ReadonlyMap<string, unknown>>).get(one)?.get(property);
    if (found !== undefined) return found as T;
  }
  return undefined;
}

function isTransformed(type: PayloadClass, property: string): boolean {
  return insides() === undefined || ofProperty('transform', type, property) !== undefined;
}

function nameOf(type: PayloadClass, property: string): string {
  const exposed = ofProperty<{ readonly options?: { readonly name?: string } }>('expose', type, property);
  return exposed?.options?.name ?? property;
}

function childType(type: PayloadClass, property: string): PayloadClass | undefined {
  const said = ofProperty<{ readonly options?: object; typeFunction(help: object): unknown }>('type', type, property);
  if (said === undefined || (said.options !== undefined && 'discriminator' in said.options)) return undefined;
  try {
    const child = said.typeFunction({ newObject: {}, object: {}, property });
    return typeof child === 'function' && child.prototype !== undefined ? (child as PayloadClass) : undefined;
  } catch {
    // It chooses by the object.
    return undefined;
  }
}

/** As class-validator words it. */
function textOf(rule: Rule, type: PayloadClass, value: unknown): string {
  const args = { value, constraints: rule.constraints, targetName: type.name, object: {}, property: rule.propertyName };
  const [constraint] = classValidator().getMetadataStorage().getTargetValidatorConstraints(rule.constraintCls);
  const text =
    (typeof rule.message === 'function' ? rule.message(args) : rule.message) ??
    constraint?.instance.defaultMessage?.(args) ??
    `${rule.propertyName} is too large`;
  return text
    .replace(/\$constraint(\d)/g, (_, index: string) => String(rule.constraints?.[Number(index) - 1]))
    .replaceAll('$property', () => rule.propertyName)
    .replaceAll('$target', () => type.name);
}
