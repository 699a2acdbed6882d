import type { MessageHeaders, MessageProperties, Verbatim, VerbatimHeader } from '@leveret/core';
import { FieldReader, MAX_DEPTH, MalformedTable } from './field-reader.js';

/** The properties of a message as amqplib hands them on, and what of them cannot be held exactly. */
export type ReadProperties = { -readonly [Name in keyof MessageProperties]: MessageProperties[Name] } & {
  headers: MessageHeaders | undefined;
  clusterId: string | undefined;
  verbatim: Verbatim | undefined;
};

type TextName = Exclude<keyof MessageProperties, 'deliveryMode' | 'priority' | 'timestamp'>;
type Texts = Partial<Record<TextName, string | undefined>>;

/** Flags of the properties that stand before the headers, and of those behind deliveryMode and priority, in their order. */
const BEFORE_HEADERS: readonly (readonly [number, TextName])[] = [
  [0x8000, 'contentType'],
  [0x4000, 'contentEncoding'],
];
const BEFORE_TIMESTAMP: readonly (readonly [number, TextName])[] = [
  [0x0400, 'correlationId'],
  [0x0200, 'replyTo'],
  [0x0100, 'expiration'],
  [0x0080, 'messageId'],
];
const AFTER_TIMESTAMP: readonly (readonly [number, TextName])[] = [
  [0x0020, 'type'],
  [0x0010, 'userId'],
  [0x0008, 'appId'],
];
const HEADERS = 0x2000;
const DELIVERY_MODE = 0x1000;
const PRIORITY = 0x0800;
const TIMESTAMP = 0x0040;
const CLUSTER_ID = 0x0004;
/** More flags follow, and one that means nothing: no property is behind either. */
const UNKNOWN_FLAGS = 0x0003;

/**
 * Reads the property flags and properties of a content header. Never throws: what cannot be understood is said in
 * `verbatim`, with its bytes.
 */
export function readProperties(section: Buffer): ReadProperties {
  const read: ReadProperties = {
    contentType: undefined,
    contentEncoding: undefined,
    headers: undefined,
    deliveryMode: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
    expiration: undefined,
    messageId: undefined,
    timestamp: undefined,
    type: undefined,
    userId: undefined,
    appId: undefined,
    clusterId: undefined,
    verbatim: undefined,
  };
  try {
    new SectionReader(section, read).read();
  } catch (error) {
    if (!(error instanceof MalformedTable)) throw error;
    const fault = 'its properties do not follow the encoding of AMQP 0-9-1';
    read.verbatim = { fault, properties: {}, headers: [], section };
  }
  return read;
}

class SectionReader {
  readonly #section: Buffer;
  readonly #into: ReadProperties;
  readonly #reader: FieldReader;
  #properties: Partial<Record<keyof MessageProperties, Buffer>> | undefined;
  #headers: readonly VerbatimHeader[] | undefined;

  constructor(section: Buffer, into: ReadProperties) {
    this.#section = section;
    this.#into = into;
    this.#reader = new FieldReader(section, 2);
  }

  read(): void {
    const section = this.#section;
    if (section.length < 2) throw new MalformedTable();
    const flags = section.readUInt16BE(0);
    if (flags === 0 && section.length === 2) return;
    const reader = this.#reader;
    const into = this.#into;
    if ((flags & UNKNOWN_FLAGS) !== 0) throw new MalformedTable();
    if (flags & 0xc000) this.#texts(flags, BEFORE_HEADERS);
    if (flags & HEADERS) into.headers = this.#table();
    if (flags & DELIVERY_MODE) into.deliveryMode = reader.octet();
    if (flags & PRIORITY) into.priority = reader.octet();
    if (flags & 0x0780) this.#texts(flags, BEFORE_TIMESTAMP);
    if (flags & TIMESTAMP) this.#timestamp();
    if (flags & 0x0038) this.#texts(flags, AFTER_TIMESTAMP);
    if (flags & CLUSTER_ID) into.clusterId = reader.shortText();
    if (reader.offset !== section.length) throw new MalformedTable();
    if (this.#properties === undefined && this.#headers === undefined) return;
    const fault = reader.tooDeep ? `its headers nest more than ${MAX_DEPTH} tables or arrays deep` : undefined;
    into.verbatim = { fault, properties: this.#properties ?? {}, headers: this.#headers ?? [], section: undefined };
  }

  #texts(flags: number, names: readonly (readonly [number, TextName])[]): void {
    const reader = this.#reader;
    for (const [flag, name] of names) {
      if ((flags & flag) === 0) continue;
      const from = reader.offset + 1;
      (this.#into as Texts)[name] = reader.shortText();
      this.#keepUnlessExact(name, from);
    }
  }

  #timestamp(): void {
    const reader = this.#reader;
    const from = reader.offset;
    const value = reader.unsigned64();
    if (typeof value === 'bigint') reader.exact = false;
    this.#into.timestamp = Number(value);
    this.#keepUnlessExact('timestamp', from);
  }

  #keepUnlessExact(name: keyof MessageProperties, from: number): void {
    const reader = this.#reader;
    if (reader.exact) return;
    this.#properties ??= {};
    this.#properties[name] = this.#section.subarray(from, reader.offset);
    reader.exact = true;
  }

  #table(): MessageHeaders {
    const reader = this.#reader;
    const length = reader.length();
    const from = reader.offset;
    const table: Record<string, unknown> = {};
    while (reader.offset < from + length) reader.entry(table, 0);
    if (reader.offset !== from + length) throw new MalformedTable();
    if (!reader.exact) this.#headers = this.#entries(from, from + length);
    reader.exact = true;
    return table;
  }

  /** Once more, for the bytes: hardly any message needs them. */
  #entries(from: number, to: number): VerbatimHeader[] {
    const reader = this.#reader;
    const entries: VerbatimHeader[] = [];
    const table: Record<string, unknown> = {};
    reader.offset = from;
    while (reader.offset < to) {
      reader.exact = true;
      const start = reader.offset;
      const name = reader.entry(table, 0);
      entries.push({ name, entry: this.#section.subarray(start, reader.offset), exact: reader.exact });
    }
    return entries;
  }
}
