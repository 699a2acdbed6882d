import { checkKnown } from '../errors/check-option.js';
import { describeKind, describeValue, Problems } from '../errors/configuration-error.js';
import { errorText } from '../errors/error-text.js';
import { MessageConversionError } from '../errors/message-error.js';
import { decodeText, encodeText } from './charset.js';
import { readContentType } from './content-type.js';
import { parseJson } from './json-body.js';
import type { Message } from './message.js';
import type { EncodedPayload, EncodeHints, MessageConverter, PayloadClass } from './message-converter.js';
import { plainForm } from './plain-form.js';
import { checkReadHints, type DecodeHints, READ_HINT_OPTIONS, type ReadHints } from './read-hints.js';

/** Options of {@link contentTypeConverter}. */
export type ContentTypeConverterOptions = ReadHints;

interface Limits extends Required<ReadHints> {
  readonly maxJsonBytes: number;
}

const MIB = 1024 * 1024;

/**
 * What any sender may ask of a process at once: found by `tools/bench/hostile.mjs`, so that the worst body that is let in takes less than
 * a quarter of a second. What is made into instances and validated costs some 10 microseconds for each object.
 */
const CLASS_LIMITS: Limits = { maxBodyBytes: MIB, maxJsonBytes: MIB, maxElements: 5000, longNumbers: 'refuse' };
const PLAIN_LIMITS: Limits = {
  maxBodyBytes: 16 * MIB,
  maxJsonBytes: 4 * MIB,
  maxElements: 50_000,
  longNumbers: 'refuse',
};
const PLAIN: ReadonlySet<unknown> = new Set([undefined, Object, String, Number, Boolean, Buffer, Uint8Array]);

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
 *
 * @throws {ConfigurationError} when an option is wrong
 */
export function contentTypeConverter(options: ContentTypeConverterOptions = {}): MessageConverter {
  const problems = new Problems('contentTypeConverter');
  checkKnown(options, Object.keys(READ_HINT_OPTIONS), '', problems);
  const own = checkReadHints(options, problems);
  problems.throwIfAny();
  const forClasses = new KnownLimits(limitsOf(CLASS_LIMITS, own));
  const forPlain = new KnownLimits(limitsOf(PLAIN_LIMITS, own));
  return {
    fromMessage(message, target, hints) {
      const usual = PLAIN.has(target) && hints?.isChecked !== true ? forPlain : forClasses;
      const limits = hints === undefined ? usual.limits : usual.with(hints);
      refuseLarge(message, limits.maxBodyBytes);
      return read(message, target, limits);
    },
    toMessage: write,
  };
}

/** Limits, and what they become with the hints of a listener, which gives the same with each message. */
class KnownLimits {
  readonly limits: Limits;
  readonly #known = new WeakMap<DecodeHints, Limits>();

  constructor(limits: Limits) {
    this.limits = limits;
  }

  with(hints: DecodeHints): Limits {
    let limits = this.#known.get(hints);
    if (limits === undefined) {
      limits = limitsOf(this.limits, hints);
      this.#known.set(hints, limits);
    }
    return limits;
  }
}

function limitsOf(usual: Limits, given: ReadHints): Limits {
  const { maxBodyBytes } = given;
  if (maxBodyBytes === undefined) return { ...usual, ...given };
  // Whoever takes larger bodies takes more elements, unless told otherwise.
  const maxElements = Math.max(usual.maxElements, Math.floor((usual.maxElements * maxBodyBytes) / usual.maxJsonBytes));
  return { ...usual, maxElements, ...given, maxJsonBytes: maxBodyBytes };
}

/** @throws {MessageConversionError} when a body has more bytes than are accepted */
export function refuseLarge(message: Message, maxBodyBytes: number): void {
  if (message.body.length <= maxBodyBytes) return;
  throw new MessageConversionError(
    `The body has ${message.body.length} bytes; at most ${maxBodyBytes} are accepted (maxBodyBytes).`,
  );
}

function read(message: Message, target: PayloadClass | undefined, limits: Limits): unknown {
  if (target === Buffer || target === Uint8Array) return message.body;
  const { kind, charset } = readContentType(message.contentType);
  switch (kind) {
    case 'json':
      return readJson(message, charset, target, limits);
    case 'text':
      if (target === undefined || target === String || target === Object) return text(message, charset);
      throw refused(message, target);
    case 'none':
      if (target === String) return text(message, charset);
      if (target === undefined) return message.body;
      return readJson(message, charset, target, limits);
    case 'binary':
      if (target === undefined) return message.body;
      throw refused(message, target);
    default:
      return kind satisfies never;
  }
}

function readJson(message: Message, charset: string | undefined, target: PayloadClass | undefined, limits: Limits) {
  refuseLarge(message, limits.maxJsonBytes);
  const value = parseJson(text(message, charset), limits);
  if (target === String && typeof value !== 'string') {
    throw new MessageConversionError(
      `The payload is declared as a string, but the JSON body holds ${describeKind(value)}.`,
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
    `The payload is declared as ${target.name}, but the content type is ${JSON.stringify(message.contentType)}. Expected JSON (application/json, or any type with json in it), or no content type.`,
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
  // JSON is UTF-8 where nothing else is said, and few bytes of properties are cheaper for the broker (decision record 51).
  return {
    body: encodeText(stringify(payload), charset),
    contentType: hints.contentType ?? 'application/json',
    contentEncoding: charset,
  };
}

function stringify(payload: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(plainForm(payload));
  } catch (cause) {
    throw new MessageConversionError(`${describeValue(payload)} cannot be written as JSON: ${errorText(cause)}`, {
      cause,
    });
  }
  if (json === undefined) {
    throw new MessageConversionError(
      `${describeValue(payload)} has no form in JSON. Send null, an object, or a Buffer.`,
    );
  }
  return json;
}
