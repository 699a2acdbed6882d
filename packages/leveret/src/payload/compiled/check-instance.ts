import type { ValidationArguments } from 'class-validator';
import type { ConstraintMetadata } from 'class-validator/types/metadata/ConstraintMetadata.js';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { abandon, type BoundedWalk, boundedWalk, type Validated } from '../library-check.js';
import type { PayloadValidation } from '../payload-validation.js';
import { type BrokenProperty, MAX_VIOLATIONS } from '../violations.js';
import { type ClassRules, type PropertyRules, type Rule, type RuleBook, ruleBook } from './class-rules.js';

type Values = Record<string, unknown>;

/**
 * Prepares what class-validator does with an instance, by rules that were worked out once for each class: it answers the same
 * broken properties in the same order. Objects of classes that cannot be compiled class-validator's own walk checks from
 * there on.
 * @returns what answers with a promise only when a rule did
 */
export function instanceCheck(options: PayloadValidation): (payload: object) => Validated | Promise<Validated> {
  const book = ruleBook(options);
  return (payload) => new Check(book).run(payload as Values);
}

/** One call of `validate`. */
class Check {
  static #count = 0;

  readonly #serial = ++Check.#count;
  readonly #book: RuleBook;
  readonly #pending: unknown[] = [];
  #walk: BoundedWalk | undefined;
  /** Rules that were found broken. */
  #found = 0;
  #isCut = false;

  constructor(book: RuleBook) {
    this.#book = book;
  }

  run(payload: Values): Validated | Promise<Validated> {
    const errors: Node[] = [];
    try {
      this.#object(payload, errors);
    } catch (error) {
      abandon(this.#pending);
      throw error;
    }
    if (this.#pending.length === 0) return { errors, isCut: this.#isCut };
    return Promise.all(this.#pending).then(() => ({ errors, isCut: this.#isCut }));
  }

  #object(object: Values, into: Node[]): void {
    const type: unknown = object.constructor;
    const rules = typeof type === 'function' ? this.#book.classes.planOf(type, this.#serial) : undefined;
    if (rules === undefined) this.#byLibrary(object, into);
    else this.#byRules(object, rules, into);
  }

  #byLibrary(object: Values, into: Node[]): void {
    const walk = this.#library();
    walk.found = this.#found;
    try {
      walk.execute(object, undefined, into as never);
    } finally {
      this.#pending.push(...walk.awaitingPromises);
    }
    // They may still find something to put there.
    if (walk.awaitingPromises.length > 0) into.push(broken(undefined, undefined));
    walk.awaitingPromises.length = 0;
    this.#found = walk.found;
    this.#isCut ||= walk.isCut;
  }

  #library(): BoundedWalk {
    this.#walk ??= boundedWalk(this.#book.options);
    return this.#walk;
  }

  #byRules(object: Values, rules: ClassRules, into: Node[]): void {
    const { forbidUnknownValues, whitelist } = this.#book.options;
    if (rules.isEmpty && forbidUnknownValues !== false) {
      into.push(broken(undefined, undefined, { unknownValue: 'an unknown value was passed to the validate function' }));
      this.#found++;
      return;
    }
    const unknown = whitelist ? this.#unknownProperties(object, rules, into) : 0;
    const { name } = object.constructor;
    for (const property of rules.properties) this.#property(object, object[property.name], name, property, into);
    this.#found += unknown;
  }

  /** Strips them, or answers how many there are when they are forbidden. */
  #unknownProperties(object: Values, { byName }: ClassRules, into: Node[]): number {
    const unknown: string[] = [];
    for (const name of Object.keys(object)) {
      const known = byName[name];
      if (!known || known.length === 0) unknown.push(name);
    }
    if (!this.#book.options.forbidNonWhitelisted) {
      for (const name of unknown) delete object[name];
      return 0;
    }
    for (const name of unknown) {
      into.push(broken(name, object[name], { whitelistValidation: `property ${name} should not exist` }));
    }
    return unknown.length;
  }

  #property(object: Values, value: unknown, targetName: string, rules: PropertyRules, into: Node[]): void {
    if (this.#isEnough()) return;
    const { name, conditions, defined, asked, nested } = rules;
    if (conditions.length > 0 && !areMet(conditions, object, value)) return;
    let node: Node | undefined;
    if (defined.length > 0) node = this.#ask(defined, { object, value, name, targetName, into }, node);
    if (this.#book.skips(value)) return;
    if (asked.length > 0) node = this.#ask(asked, { object, value, name, targetName, into }, node);
    if (nested.length > 0) this.#nested(nested, value, name, into, node);
  }

  #isEnough(): boolean {
    if (this.#found < MAX_VIOLATIONS) return false;
    this.#isCut = true;
    return true;
  }

  #ask(rules: readonly Rule[], place: Place, given: Node | undefined): Node | undefined {
    let node = given;
    for (const rule of rules) {
      const { metadata, constraints, ask } = rule;
      if (ask === undefined) node = this.#askAtLength(rule, place, node);
      else if (node === undefined || !this.#isStopped(node)) {
        const answer: unknown = ask(place.value, argumentsOf(metadata, place));
        if (answer !== true) node = this.#heed(answer, node, place, metadata, constraints[0]);
      }
    }
    return node;
  }

  #askAtLength({ metadata, constraints }: Rule, place: Place, given: Node | undefined): Node | undefined {
    const { object, value } = place;
    if (metadata.validateIf && !metadata.validateIf(object, value)) return given;
    let node = given;
    for (const constraint of constraints) {
      if (node !== undefined && this.#isStopped(node)) continue;
      const elements = metadata.each ? elementsOf(value) : undefined;
      const answer = answerOf(metadata, constraint, place, elements);
      node = this.#heed(answer, node, place, metadata, constraint, elements && areAllTrue);
    }
    return node;
  }

  /** Notes what is broken, now or when a promise says so. */
  #heed(
    answer: unknown,
    given: Node | undefined,
    place: Place,
    metadata: ValidationMetadata,
    constraint: ConstraintMetadata | undefined,
    isTrue: (said: unknown) => boolean = Boolean,
  ): Node | undefined {
    const isAwaited = isPromise(answer);
    if (answer && !isAwaited) return given;
    const node = given ?? add(place);
    const { object, value } = place;
    if (!isAwaited) this.#break(node, object, value, metadata, constraint);
    else {
      const settled = answer.then((said) => {
        if (!isTrue(said)) this.#break(node, object, value, metadata, constraint);
      });
      this.#pending.push(settled);
    }
    return node;
  }

  #isStopped({ constraints }: Node): boolean {
    return Boolean(this.#book.options.stopAtFirstError) && Object.keys(constraints).length > 0;
  }

  #break(
    node: Node,
    object: unknown,
    value: unknown,
    metadata: ValidationMetadata,
    constraint?: ConstraintMetadata,
  ): void {
    this.#found++;
    const [rule, message] = this.#library().createValidationError(object, value, metadata, constraint);
    node.constraints[rule] = message;
  }

  #nested(
    rules: readonly ValidationMetadata[],
    value: unknown,
    name: string | number,
    into: Node[],
    given: Node | undefined,
  ): void {
    if (value === undefined) return;
    let node = given;
    const children = node?.children ?? [];
    for (const metadata of rules) {
      if (node !== undefined && this.#isStopped(node)) continue;
      if (Array.isArray(value) || value instanceof Set) this.#elements(rules, value, children);
      else if (value instanceof Map) this.#entries(rules, value, children);
      else if (value instanceof Object) this.#object(value as Values, children);
      else {
        node ??= add({ name, value, into });
        this.#break(node, metadata.target, value, metadata);
      }
    }
    if (children.length > 0 && node === undefined) add({ name, value, into }).children = children;
  }

  #elements(rules: readonly ValidationMetadata[], values: Iterable<unknown>, into: Node[]): void {
    const all = Array.isArray(values) ? (values as unknown[]) : [...values];
    for (let index = 0; index < all.length; index++) {
      const value = all[index];
      if (value === undefined && !(index in all)) continue;
      this.#element(rules, value, index, into);
    }
  }

  #entries(rules: readonly ValidationMetadata[], values: ReadonlyMap<unknown, unknown>, into: Node[]): void {
    for (const [key, value] of values) this.#element(rules, value, (key as string).toString(), into);
  }

  #element(rules: readonly ValidationMetadata[], value: unknown, name: string | number, into: Node[]): void {
    if (this.#isEnough() || this.#book.skips(value)) return;
    this.#nested(rules, value, name, into, undefined);
  }
}

/** A property that is noted. */
interface Node extends BrokenProperty {
  readonly constraints: Record<string, string>;
  children: Node[];
}

/** Where a value stands, and where what is wrong with it is noted. */
interface Place {
  readonly object: object;
  readonly value: unknown;
  readonly targetName: string;
  readonly name: string | number;
  readonly into: Node[];
}

function add({ name, value, into }: Pick<Place, 'name' | 'value' | 'into'>): Node {
  const node = broken(String(name), value);
  into.push(node);
  return node;
}

function broken(property: string | undefined, value: unknown, constraints: Record<string, string> = {}): Node {
  return { property, value, constraints, children: [] };
}

/** Asks all of them, whatever the first says. */
function areMet(conditions: readonly ValidationMetadata[], object: unknown, value: unknown): boolean {
  let met = true;
  for (const metadata of conditions) if (!metadata.constraints[0](object, value)) met = false;
  return met;
}

/** What a rule says of a value, or of all elements of it: something true, something false, or a promise of such. */
function answerOf(
  metadata: ValidationMetadata,
  constraint: ConstraintMetadata,
  place: Place,
  elements: readonly unknown[] | undefined,
): unknown {
  if (!constraint.async) return ask(metadata, constraint, place, elements);
  try {
    return ask(metadata, constraint, place, elements);
  } catch (error) {
    // It throws before it could make its promise.
    return Promise.reject(error);
  }
}

function ask(
  metadata: ValidationMetadata,
  constraint: ConstraintMetadata,
  place: Place,
  elements: readonly unknown[] | undefined,
): unknown {
  const args = argumentsOf(metadata, place);
  if (elements === undefined) return constraint.instance.validate(place.value, args);
  // All are asked, whatever the first says.
  const answers = elements.map((element) => constraint.instance.validate(element, args) as unknown);
  return answers.some(isPromise) ? Promise.all(answers) : answers.every(Boolean);
}

function areAllTrue(said: unknown): boolean {
  return (said as readonly unknown[]).every(Boolean);
}

function argumentsOf(metadata: ValidationMetadata, { object, value, targetName }: Place): ValidationArguments {
  const { propertyName: property, constraints } = metadata;
  return { targetName, property, object, value, constraints };
}

function elementsOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.values()];
  return value instanceof Set ? [...value] : undefined;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
