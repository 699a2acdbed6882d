import { errorText, MessageValidationError, type SchemaResult, type StandardSchema } from '@leveret/core';
import type { ElementReader, Judged } from './element-reader.js';
import { violationsOfIssues } from './schema-violations.js';
import { NO_VIOLATIONS } from './violations.js';

/**
 * What a schema makes of values.
 *
 * A schema that throws means that the message is at fault, as a rule of class-validator does: it had nothing but the message
 * to go by. One whose promise rejects (a look-up that failed) does not: the rejection is passed on, and counts as a failed
 * attempt.
 */
export function schemaReader(schema: StandardSchema): ElementReader {
  return { judge: (value) => judge(schema, value) };
}

function judge(schema: StandardSchema, value: unknown): Judged | Promise<Judged> {
  let result: ReturnType<StandardSchema['~standard']['validate']>;
  try {
    result = schema['~standard'].validate(value);
  } catch (cause) {
    throw threw(schema, cause);
  }
  if (!isThenable(result)) return judged(schema, result);
  return Promise.resolve(result).then(
    (settled) => judged(schema, settled),
    (error: unknown) => {
      throw throwsAtOnce(schema, value, error) ? threw(schema, error) : error;
    },
  );
}

function judged({ '~standard': { vendor } }: StandardSchema, result: SchemaResult<unknown>): Judged {
  if (typeof result !== 'object' || result === null) {
    throw new MessageValidationError(`The ${vendor} schema answered neither a value nor issues.`, []);
  }
  if (result.issues === undefined) return { payload: result.value, violations: NO_VIOLATIONS };
  return { payload: undefined, violations: violationsOfIssues(result.issues) };
}

function threw({ '~standard': { vendor } }: StandardSchema, cause: unknown): MessageValidationError {
  return new MessageValidationError(
    `The ${vendor} schema threw while the payload was validated: ${errorText(cause)}`,
    [],
    { cause },
  );
}

function isThenable(value: unknown): value is Promise<SchemaResult<unknown>> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/**
 * zod takes everything that a schema throws for the sign of an asynchronous one, starts over and rejects. Whether it waited
 * for anything its synchronous way tells: it throws the same, or that it met a promise.
 */
function throwsAtOnce(schema: StandardSchema, value: unknown, rejection: unknown): boolean {
  const { safeParse } = schema as { readonly safeParse?: unknown };
  if (schema['~standard'].vendor !== 'zod' || typeof safeParse !== 'function') return false;
  try {
    safeParse.call(schema, value);
    return false;
  } catch (error) {
    return isSame(error, rejection);
  }
}

function isSame(one: unknown, other: unknown): boolean {
  if (!(one instanceof Error && other instanceof Error)) return Object.is(one, other);
  return one.constructor === other.constructor && one.message === other.message;
}
