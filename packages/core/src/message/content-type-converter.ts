import { describeValue } from '../errors/configuration-error.js';
import { MessageConversionError } from '../errors/message-error.js';
import { decodeText, encodeText } from './charset.js';
import { readContentType } from './content-type.js';
import { parseJson } from './json-body.js';
import type { Message } from './message.js';
import type { EncodedPayload, EncodeHints, MessageConverter, PayloadClass } from './message-converter.js';

/** Options of {@link contentTypeConverter}. */
export interface ContentTypeConverterOptions {
  /** Bodies larger than this many bytes are refused before they are decoded. From 1; default 16 MiB, the broker's own limit since 4.0. */
  readonly maxBodyBytes?: number;
}

const DEFAULT_MAX_BODY_BYTES = 16 * 1024 * 1024;

/**
 * The default converter: JSON, text or bytes by content type and charset.
 *
 * | content type | declared type | payload |
 * |---|---|---|
 * | any | `Buffer` | the bytes |
 * | JSON | any other | the parsed JSON (for `String`, it must be a JSON string) |
 * | `text/…` | `String`, none | the text |
 * | `text/…` | a class | refused |
 * | none, `application/octet-stream` | `String` | the text |
 * | none, `application/octet-stream` | none | the bytes |
 * | none, `application/octet-stream` | any other | parsed as JSON |
 * | any other | none | the bytes |
 * | any other | any other | refused |
 */
export function contentTypeConverter(options: ContentTypeConverterOptions = {}): MessageConverter {
  const maxBodyBytes = options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES;
  return {
    fromMessage(message, target) {
      if (message.body.length > maxBodyBytes) {
        throw new MessageConversionError(
          `The body has ${message.body.length} bytes; at most ${maxBodyBytes} are accepted (maxBodyBytes).`,
        );
      }
      return read(message, target);
    },
    toMessage: write,
  };
}

function read(message: Message, target: PayloadClass | undefined): unknown {
  if (target === Buffer || target === Uint8Array) return message.body;
  const { kind, charset } = readContentType(message.contentType);
  switch (kind) {
    case 'json':
      return readJson(message, charset, target);
    case 'text':
      if (target === undefined || target === String || target === Object) return text(message, charset);
      throw refused(message, target);
    case 'none':
      if (target === String) return text(message, charset);
      if (target === undefined) return message.body;
      return readJson(message, charset, target);
    case 'binary':
      if (target === undefined) return message.body;
      throw refused(message, target);
    default:
      return kind satisfies never;
  }
}

function readJson(message: Message, charset: string | undefined, target: PayloadClass | undefined): unknown {
  const value = parseJson(text(message, charset));
  if (target === String && typeof value !== 'string') {
    throw new MessageConversionError(
      `The payload is declared as a string, but the JSON body holds ${describeValue(value)}.`,
    );
  }
  return value;
}

/** Spring writes the charset as content encoding; the content type's own parameter is the more precise of the two. */
function text(message: Message, charset: string | undefined): string {
  return decodeText(message.body, charset ?? (message.contentEncoding === '' ? undefined : message.contentEncoding));
}

function refused(message: Message, target: PayloadClass): MessageConversionError {
  return new MessageConversionError(
    `The payload is declared as ${target.name}, but the content type is ${JSON.stringify(message.contentType)}. Expected JSON (application/json or application/*+json), or no content type.`,
  );
}

function write(payload: unknown, hints: EncodeHints): EncodedPayload {
  const asked = readContentType(hints.contentType);
  if (payload instanceof Uint8Array) {
    const body = Buffer.isBuffer(payload)
      ? payload
      : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    return {
      body,
      contentType: hints.contentType ?? 'application/octet-stream',
      contentEncoding: hints.contentEncoding,
    };
  }
  const charset = asked.charset ?? hints.contentEncoding;
  if (typeof payload === 'string' && asked.kind !== 'json') {
    return {
      body: encodeText(payload, charset),
      contentType: hints.contentType ?? 'text/plain',
      contentEncoding: charset ?? 'UTF-8',
    };
  }
  if (hints.contentType !== undefined && asked.kind !== 'json') {
    throw new MessageConversionError(
      `Cannot write ${describeValue(payload)} as ${JSON.stringify(hints.contentType)}. Give bytes or text, or a JSON content type.`,
    );
  }
  return {
    body: encodeText(stringify(payload), charset),
    contentType: hints.contentType ?? 'application/json',
    contentEncoding: charset ?? 'UTF-8',
  };
}

function stringify(payload: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(payload);
  } catch (cause) {
    throw new MessageConversionError(
      `${describeValue(payload)} cannot be written as JSON: ${(cause as Error).message}`,
      { cause },
    );
  }
  if (json === undefined) {
    throw new MessageConversionError(
      `${describeValue(payload)} has no form in JSON. Send null, an object, or a Buffer.`,
    );
  }
  return json;
}
