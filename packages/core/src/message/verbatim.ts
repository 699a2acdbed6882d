import { MessageConversionError } from '../errors/message-error.js';
import type { Message, MessageProperties } from './message.js';

/**
 * What of a message's properties no value here says exactly, with the bytes it came with: text that is not UTF-8, a name
 * that comes twice, numbers of more than 53 bits, a table that looks like a written type. A copy of the message carries
 * these bytes on.
 */
export interface Verbatim {
  /** Why the message cannot be understood at all. Such a message is at fault: no handler sees it. */
  readonly fault: string | undefined;
  /** Properties besides the headers: their bytes, of text without the length before it. */
  readonly properties: Readonly<Partial<Record<keyof MessageProperties, Buffer>>>;
  /** All headers in the order they came, when one of them cannot be held exactly; else none. A name may come twice. */
  readonly headers: readonly VerbatimHeader[];
  /** All properties as they came, flags first, when their bounds cannot be followed; then the other two are empty. */
  readonly section: Buffer | undefined;
}

/** One entry of a header table. */
export interface VerbatimHeader {
  /** As it could be read: U+FFFD stands for bytes that are not UTF-8. */
  readonly name: string;
  /** Name and value as a field table holds them: length of the name, name, type, value. */
  readonly entry: Buffer;
  /** What `headers` of the message says under this name is what came. */
  readonly exact: boolean;
}

/** @throws {MessageConversionError} for a message whose properties cannot be understood: no handler could know what it says */
export function refuseUnreadable({ verbatim }: Message): void {
  if (verbatim?.fault === undefined) return;
  throw new MessageConversionError(`The message cannot be understood: ${verbatim.fault}.`);
}
