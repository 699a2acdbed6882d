import type { Message, MessageHeaders } from './message.js';
import type { DecodeHints } from './read-hints.js';

/** A class whose instances are payloads. */
// biome-ignore lint/suspicious/noExplicitAny: a class is known by any constructor arguments
export type PayloadClass<T = unknown> = abstract new (...args: any[]) => T;

/** What a converter makes of a payload: the body and the properties that describe it. */
export interface EncodedPayload {
  readonly body: Buffer;
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly headers?: MessageHeaders | undefined;
}

/** Hints for encoding, from the options of a publish. */
export interface EncodeHints {
  /** Content type the caller asks for; the converter may refuse what it cannot write. */
  readonly contentType?: string | undefined;
  /** Charset or encoding the caller asks for. */
  readonly contentEncoding?: string | undefined;
}

/**
 * Turns bodies into payloads and payloads into bodies. Both directions throw
 * {@link MessageConversionError} (never anything else on purpose) for what they cannot do.
 */
export interface MessageConverter {
  /**
   * Reads a body. `target` is the declared class of the payload (`String`, `Number`, `Buffer`, `Object` or the user's
   * own; `Object` also when a schema is to judge the value), or `undefined` when anything is welcome.
   */
  fromMessage(message: Message, target: PayloadClass | undefined, hints?: DecodeHints): unknown;
  /** Writes a payload. */
  toMessage(payload: unknown, hints: EncodeHints): EncodedPayload;
}
