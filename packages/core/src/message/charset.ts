import { isUtf8 } from 'node:buffer';
import { MessageConversionError } from '../errors/message-error.js';

/**
 * Decodes text in the given charset, and refuses bytes that are not valid in it.
 * @param charset a label of the WHATWG Encoding Standard in any case; `undefined` means UTF-8
 * @throws {MessageConversionError} for an unknown charset or invalid bytes
 * @see https://encoding.spec.whatwg.org/#names-and-labels
 */
export function decodeText(body: Buffer, charset: string | undefined): string {
  if (charset === undefined || UTF8.test(charset)) {
    if (!isUtf8(body)) throw new MessageConversionError(invalidBytes('UTF-8'));
    const text = body.toString('utf8');
    return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
  }
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(charset, { fatal: true });
  } catch (cause) {
    throw new MessageConversionError(
      `The message names ${JSON.stringify(charset)} as its encoding, which is not a charset this process knows. Send UTF-8, or give the listener a converter of its own.`,
      { cause },
    );
  }
  try {
    return decoder.decode(body);
  } catch (cause) {
    throw new MessageConversionError(invalidBytes(charset), { cause });
  }
}

/**
 * Encodes text. Only charsets that a Buffer can write are possible: UTF-8, UTF-16LE, Latin-1 and US-ASCII.
 * @throws {MessageConversionError} for any other charset, or when the text does not fit into it
 */
export function encodeText(text: string, charset: string | undefined): Buffer {
  if (charset === undefined || UTF8.test(charset)) return Buffer.from(text, 'utf8');
  if (/^utf-?16-?le$/i.test(charset)) return Buffer.from(text, 'utf16le');
  const limit = /^(iso-8859-1|latin1)$/i.test(charset) ? 0xff : /^(us-)?ascii$/i.test(charset) ? 0x7f : undefined;
  if (limit === undefined) {
    throw new MessageConversionError(
      `Text can be sent as UTF-8, UTF-16LE, ISO-8859-1 or US-ASCII; got ${JSON.stringify(charset)}.`,
    );
  }
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > limit) {
      throw new MessageConversionError(`The text holds characters that ${charset} cannot write. Send UTF-8.`);
    }
  }
  return Buffer.from(text, 'latin1');
}

const UTF8 = /^utf-?8$/i;
const BYTE_ORDER_MARK = 0xfeff;

function invalidBytes(charset: string): string {
  return `The body is not valid ${charset}. The sender must name the charset it really used, as content encoding or in the content type.`;
}
