/** What channel.close and connection.close say about an error. */
import { isUtf8 } from 'node:buffer';
import { AmqpError, connectionError } from '../errors/amqp-error.js';
import type { VersionProfile } from '../version/version-profile.js';
import { toBinaryText } from '../wire/binary-text.js';
import { MalformedTableError } from '../wire/field-table.js';
import { MalformedTextError, type MethodValue } from '../wire/methods.js';
import { MalformedPropertiesError } from '../wire/property-scan.js';

/** The fields of a close; `method` is the number of the method that failed, 0 for none. */
export function closeValues(error: AmqpError, method: number, profile: VersionProfile): Record<string, MethodValue> {
  const classId = (method >> 16) & 0xffff;
  const replyText = profile.replyTextsAreUtf8 ? asUtf8(error.replyText) : error.replyText;
  return { replyCode: error.code, replyText, classId, methodId: method & 0xffff };
}

/** Binary text as UTF-8; what is none is taken for Latin-1. */
function asUtf8(text: string): string {
  return isUtf8(Buffer.from(text, 'latin1')) ? text : toBinaryText(text);
}

/** Properties that cannot be read, and anything unforeseen, are an internal error, which ends only this connection. */
export function asAmqpError(error: unknown): AmqpError {
  if (error instanceof AmqpError) return error;
  if (error instanceof MalformedTextError) return connectionError(501, error.message);
  const malformed = error instanceof MalformedTableError || error instanceof MalformedPropertiesError;
  if (malformed) return connectionError(541);
  return connectionError(541, error instanceof Error ? error.message : String(error));
}
