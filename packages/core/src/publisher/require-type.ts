import { describeKind } from '../errors/configuration-error.js';
import { MessageConversionError } from '../errors/message-error.js';
import type { PayloadClass } from '../message/message-converter.js';

const SCALARS: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
]);

/**
 * What the caller is told to have is what there is: not every converter makes instances.
 * @throws {MessageConversionError} when a reply is of another type
 */
export function requireType(value: unknown, type: PayloadClass | undefined): unknown {
  if (type === undefined || (type as unknown) === Object) return value;
  const scalar = SCALARS.get(type);
  if (scalar === undefined ? value instanceof type : typeof value === scalar) return value;
  throw new MessageConversionError(
    `The reply was to be read as ${type.name}, but the converter made ${describeKind(value)} of it. Leave out replyType, or give the publisher a converter that makes one.`,
  );
}
