/** What channel.close and connection.close say about an error. */
import { AmqpError, connectionError } from '../errors/amqp-error.js';
import { MalformedTableError } from '../wire/field-table.js';
import { MalformedTextError, type MethodValue } from '../wire/methods.js';
import { MalformedPropertiesError } from '../wire/properties.js';

/** The fields of a close; `method` is the number of the method that failed, 0 for none. */
export function closeValues(error: AmqpError, method: number): Record<string, MethodValue> {
  const classId = (method >> 16) & 0xffff;
  return { replyCode: error.code, replyText: error.replyText, classId, methodId: method & 0xffff };
}

/** Properties that cannot be read, and anything unforeseen, are an internal error, which ends only this connection. */
export function asAmqpError(error: unknown): AmqpError {
  if (error instanceof AmqpError) return error;
  if (error instanceof MalformedTextError) return connectionError(501, error.message);
  const malformed = error instanceof MalformedTableError || error instanceof MalformedPropertiesError;
  if (malformed) return connectionError(541);
  return connectionError(541, error instanceof Error ? error.message : String(error));
}
