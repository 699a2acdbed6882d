import { MessageConversionError } from '../errors/message-error.js';
import type { Message } from './message.js';

/** @throws {MessageConversionError} for a message whose properties cannot be understood: no handler could know what it says */
export function refuseUnreadable({ verbatim }: Message): void {
  if (verbatim?.fault === undefined) return;
  throw new MessageConversionError(`The message cannot be understood: ${verbatim.fault}.`);
}
