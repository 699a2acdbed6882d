import {
  describeKind,
  errorText,
  isFatalMessageError,
  type Message,
  MessageConversionError,
  type MessageConverter,
  type PayloadClass,
  type ReadHints,
  refuseLarge,
} from '@leveret/core';
import { classReader } from './class-reader.js';
import type { ElementReader, Judged } from './element-reader.js';
import { describeTarget, type ElementTarget, type PayloadTarget } from './payload-target.js';
import type { PayloadValidation } from './payload-validation.js';
import { scalarReader } from './scalar-reader.js';
import { schemaReader } from './schema-reader.js';
import { type FoundViolations, MAX_VIOLATIONS, validationFailure, violationsOfElements } from './violations.js';

/** Reads the payload of a message; a promise only when one of its rules may be asynchronous. */
export type PayloadReader = (message: Message) => unknown;

/** How bodies become payloads. */
export interface ReadingPolicy {
  readonly converter: MessageConverter;
  /** `false` = instances are made but not validated. */
  readonly validation: PayloadValidation | false;
  /** What the listener says itself about sizes and numbers. */
  readonly hints: ReadHints;
}

/**
 * Prepares the payload step of one handler: converter, then what the kind of the payload makes of its value, then its rules.
 *
 * The reader throws (or rejects with) `MessageConversionError` for what cannot be read or is of another kind, and
 * `MessageValidationError` with the violations. It throws nothing else: whatever goes wrong here does so again with the
 * same message. Only an asynchronous rule that rejects is passed on as it is.
 * @param target what the handler declared; `undefined` when it takes no payload: the body is not even looked at
 */
export function payloadReader(target: PayloadTarget | undefined, policy: ReadingPolicy): PayloadReader {
  if (target === undefined) return () => undefined;
  const { converter, hints, validation } = policy;
  const { maxBodyBytes } = hints;
  const name = describeTarget(target);
  const readAs = bodyClass(target);
  const decoding = target.kind === 'schema' ? { ...hints, isChecked: true } : hints;
  const finish = payloadOfValue(target, validation);
  return (message) => {
    try {
      // A converter of the user's own may not know of it.
      if (maxBodyBytes !== undefined) refuseLarge(message, maxBodyBytes);
      return finish(converter.fromMessage(message, readAs, decoding));
    } catch (cause) {
      throw isFatalMessageError(cause) ? cause : unreadable(name, cause);
    }
  };
}

/** Prepares the last step of reading: from the converter's value to the payload, or to what is wrong with it. */
export function payloadOfValue(target: PayloadTarget, validation: PayloadValidation | false): Finish {
  const name = describeTarget(target);
  return target.kind === 'array'
    ? elements(name, readerOf(target.of, validation))
    : one(name, readerOf(target, validation));
}

/** What the converter is told that the body is to become. */
function bodyClass(target: PayloadTarget): PayloadClass {
  if (target.kind === 'array') return Array;
  return target.kind === 'schema' ? Object : target.type;
}

function readerOf(target: ElementTarget, validation: PayloadValidation | false): ElementReader {
  switch (target.kind) {
    case 'as-read':
      return {};
    case 'scalar':
      return scalarReader(target.scalar);
    case 'class':
      return classReader(target.type, validation);
    case 'schema':
      return schemaReader(target.type);
    default:
      return target satisfies never;
  }
}

function unreadable(typeName: string, cause: unknown): MessageConversionError {
  return new MessageConversionError(`The body could not be read as ${typeName}: ${errorText(cause)}`, { cause });
}

type Finish = (value: unknown) => unknown;

function one(name: string, { refuse, make, judge }: ElementReader): Finish {
  return (value) => {
    if (refuse !== undefined) refuseLargeParts(name, value, refuse);
    const made = make === undefined ? value : make(value, '');
    if (judge === undefined) return made;
    const judged = judge(made);
    return judged instanceof Promise ? judged.then((all) => accepted(name, all)) : accepted(name, judged);
  };
}

function elements(name: string, { refuse, make, judge }: ElementReader): Finish {
  return (value) => {
    if (!Array.isArray(value)) {
      throw new MessageConversionError(
        `The payload is declared as ${name}: expected an array, got ${describeKind(value)}.`,
      );
    }
    if (refuse !== undefined) refuseLargeParts(name, value, refuse);
    const made = make === undefined ? value : value.map((item, index) => make(item, `[${index}]`));
    if (judge === undefined) return made;
    const found = judgeElements(made, judge);
    return found.some((judged) => judged instanceof Promise)
      ? Promise.all(found).then((all) => allAccepted(name, all))
      : allAccepted(name, found as Judged[]);
  };
}

/** Up to the element that makes the violations enough. */
function judgeElements(made: readonly unknown[], judge: NonNullable<ElementReader['judge']>) {
  const found: (Judged | Promise<Judged>)[] = [];
  let total = 0;
  for (const element of made) {
    const judged = judgeElement(element);
    found.push(judged);
    if (judged instanceof Promise) continue;
    total += judged.violations.total;
    if (total >= MAX_VIOLATIONS) {
      found.push({ payload: undefined, violations: CUT });
      break;
    }
  }
  return found;

  function judgeElement(element: unknown): Judged | Promise<Judged> {
    try {
      return judge(element);
    } catch (error) {
      // Nobody waits any more for what those before it come to.
      for (const judged of found) if (judged instanceof Promise) judged.catch(() => {});
      throw error;
    }
  }
}

const CUT: FoundViolations = { listed: [], total: 0, isCut: true };

function allAccepted(name: string, all: readonly Judged[]): unknown {
  const payload = all.map((judged) => judged.payload);
  return accepted(name, { payload, violations: violationsOfElements(all.map(({ violations }) => violations)) });
}

function refuseLargeParts(name: string, value: unknown, refuse: NonNullable<ElementReader['refuse']>): void {
  if (typeof value !== 'object' || value === null) return;
  const violations = refuse(value);
  if (violations.total > 0) throw validationFailure(name, violations);
}

function accepted(name: string, { payload, violations }: Judged): unknown {
  if (violations.total > 0) throw validationFailure(name, violations);
  return payload;
}
