import { describeValue, FatalMessageError, type Message, MessageConversionError } from '@leveret/core';
import type { HeaderPlan } from '../reading/read-headers.js';

/**
 * The value of a `@Header` parameter.
 * @throws {FatalMessageError} LEV_HEADER_MISSING when it is required and not there
 * @throws {MessageConversionError} when it cannot become the declared scalar without loss
 */
export function headerValue(plan: HeaderPlan, message: Message): unknown {
  const value = Object.hasOwn(message.headers, plan.name) ? message.headers[plan.name] : undefined;
  if (value === undefined || value === null) {
    if (!plan.required) return plan.default;
    throw new FatalMessageError(
      'LEV_HEADER_MISSING',
      `The header ${JSON.stringify(plan.name)} is required, but the message has ${value === null ? 'null in it' : 'none of that name'}. Send it, or declare it with required: false.`,
    );
  }
  if (plan.as === undefined || typeof value === plan.as) return value;
  const converted = convertHeader(value, plan.as);
  if (converted !== undefined) return converted;
  throw new MessageConversionError(
    `The header ${JSON.stringify(plan.name)} is declared as a ${plan.as}; ${describeValue(value)} cannot become one without loss.`,
  );
}

/** The scalar that a header value stands for, or `undefined` when the way there (or back) would lose something. */
export function convertHeader(
  value: unknown,
  as: 'string' | 'number' | 'boolean',
): string | number | boolean | undefined {
  switch (as) {
    case 'string':
      return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
        ? String(value)
        : undefined;
    case 'number':
      return toNumber(value);
    case 'boolean':
      return value === 'true' ? true : value === 'false' ? false : undefined;
    default:
      return as satisfies never;
  }
}

/** Numbers as text must read the same when written again, so that no digit is lost: '1e400', '007' and 2^53 + 1 are refused. */
function toNumber(value: unknown): number | undefined {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return BigInt(number) === value ? number : undefined;
  }
  if (typeof value !== 'string') return undefined;
  const number = Number(value);
  return Number.isFinite(number) && String(number) === value ? number : undefined;
}
