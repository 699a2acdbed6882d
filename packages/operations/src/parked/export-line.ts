import {
  MESSAGE_PROPERTIES,
  type Message,
  type MessageHeaders,
  type MessageProperties,
  type Verbatim,
} from '@leveret/core';
import type { ParkedMessage } from './parked-message.js';

/** A message as one line of JSON: everything that it takes to make it again, byte for byte. */
export interface ExportedMessage {
  readonly leveret: 1;
  readonly key: string;
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: MessageProperties;
  readonly headers: unknown;
  /** Text as it is when it is UTF-8, else base 64. */
  readonly body: { readonly text: string } | { readonly base64: string };
  readonly verbatim?: unknown;
}

/** Writes a message as one line, without the line break. */
export function exportLine({ key, queue, message }: ParkedMessage): string {
  const { body, headers, exchange, routingKey, verbatim } = message;
  const text = body.toString('utf8');
  const properties = Object.fromEntries(MESSAGE_PROPERTIES.map((name) => [name, message[name]]));
  const line: ExportedMessage = {
    leveret: 1,
    key,
    queue,
    exchange,
    routingKey,
    properties,
    headers: encode(headers),
    body: Buffer.from(text, 'utf8').equals(body) ? { text } : { base64: body.toString('base64') },
    ...(verbatim === undefined ? {} : { verbatim: encode(verbatim) }),
  };
  return JSON.stringify(line);
}

/**
 * Reads a line of {@link exportLine}.
 * @throws {TypeError} when it is none, with what is wrong
 */
export function importLine(line: string): { readonly key: string; readonly queue: string; readonly message: Message } {
  let read: unknown;
  try {
    read = JSON.parse(line);
  } catch {
    throw new TypeError(`expected a line of JSON, received ${JSON.stringify(line.slice(0, 40))}`);
  }
  const { leveret, key, queue, exchange, routingKey, properties, headers, body, verbatim } = (read ??
    {}) as Partial<ExportedMessage>;
  if (leveret !== 1) throw new TypeError('expected a line that errors export wrote ("leveret": 1)');
  for (const [name, value] of Object.entries({ key, queue, exchange, routingKey })) {
    if (typeof value !== 'string') throw new TypeError(`expected text as ${name}, received ${typeof value}`);
  }
  const bytes = bodyOf(body);
  const decoded = decode(headers);
  if (bytes === undefined || typeof decoded !== 'object' || decoded === null || Buffer.isBuffer(decoded)) {
    throw new TypeError('expected a body { text } or { base64 }, and headers');
  }
  const known = MESSAGE_PROPERTIES.flatMap((name) => {
    const value = (properties as MessageProperties | undefined)?.[name];
    return value === undefined || value === null ? [] : [[name, value] as const];
  });
  const message: Message = {
    ...(Object.fromEntries(known) as MessageProperties),
    body: bytes,
    headers: decoded as MessageHeaders,
    exchange: exchange as string,
    routingKey: routingKey as string,
    redelivered: false,
    ...(verbatim === undefined ? {} : { verbatim: decode(verbatim) as Verbatim }),
  };
  return { key: key as string, queue: queue as string, message };
}

function bodyOf(body: unknown): Buffer | undefined {
  const { text, base64 } = (typeof body === 'object' && body !== null ? body : {}) as {
    text?: unknown;
    base64?: unknown;
  };
  if (typeof text === 'string') return Buffer.from(text, 'utf8');
  return typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined;
}

/** What JSON has no words for stands in an object with `$type`. */
function encode(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return { $type: 'bytes', base64: value.toString('base64') };
  if (typeof value === 'bigint') return { $type: 'integer', text: String(value) };
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return { $type: 'double', text: Object.is(value, -0) ? '-0' : String(value) };
  }
  if (value === undefined) return { $type: 'undefined' };
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const isPlain = entries.every(([name]) => name !== '$type' && name !== '__proto__');
  if (isPlain) return Object.fromEntries(entries.map(([name, each]) => [name, encode(each)]));
  return { $type: 'table', entries: entries.map(([name, each]) => [name, encode(each)]) };
}

function decode(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== 'object' || value === null) return value;
  const { $type, base64, text, entries } = value as Record<string, unknown>;
  switch ($type) {
    case 'bytes':
      return Buffer.from(String(base64), 'base64');
    case 'integer':
      return BigInt(String(text));
    case 'double':
      return Number(text);
    case 'undefined':
      return undefined;
    case 'table':
      return Object.fromEntries((entries as [string, unknown][]).map(([name, each]) => [name, decode(each)]));
    default:
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, decode(each)]));
  }
}
