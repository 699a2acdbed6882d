import type { Message, MessageHeaders, MessageProperties, VerbatimHeader } from '@leveret/core';
import { FieldReader, MAX_DEPTH, MalformedTable } from './field-reader.js';
import { RecentText } from './recent-text.js';

/** A message that is being read. */
export type MessageInTheMaking = { -readonly [Name in keyof Message]: Message[Name] };

/** Texts that a sender mostly repeats. */
const RECENT = {
  contentType: new RecentText(),
  contentEncoding: new RecentText(),
  type: new RecentText(),
  userId: new RecentText(),
  appId: new RecentText(),
};

const FLAG_BYTES = 2;
const CONTENT_TYPE = 0x8000;
const CONTENT_ENCODING = 0x4000;
const HEADERS = 0x2000;
const DELIVERY_MODE = 0x1000;
const PRIORITY = 0x0800;
const CORRELATION_ID = 0x0400;
const REPLY_TO = 0x0200;
const EXPIRATION = 0x0100;
const MESSAGE_ID = 0x0080;
const TIMESTAMP = 0x0040;
const TYPE = 0x0020;
const USER_ID = 0x0010;
const APP_ID = 0x0008;
const BEHIND_PRIORITY = 0x07f8;
const CLUSTER_ID = 0x0004;
/** More flags follow, and one that means nothing: no property is behind either. */
const UNKNOWN_FLAGS = 0x0003;

/** Stands for the headers of every message that has none: one object, so that none is made for each. */
export const NO_HEADERS: MessageHeaders = Object.freeze({});
export const NO_BYTES = Buffer.alloc(0);

/**
 * Reads the property flags and properties of a content header, into a message whose body and way are still to be set. Never
 * throws: what cannot be understood is said in `verbatim`, with its bytes.
 * @param from where the flags begin
 * @param to where the properties end
 */
export function readProperties(bytes: Buffer, from = 0, to = bytes.length): MessageInTheMaking {
  // Always of the same shape, so that reading it stays fast.
  const read: MessageInTheMaking = {
    body: NO_BYTES,
    headers: NO_HEADERS,
    exchange: '',
    routingKey: '',
    redelivered: false,
    contentType: undefined,
    contentEncoding: undefined,
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
    verbatim: undefined,
  };
  try {
    new SectionReader(bytes, from, to, read).read();
  } catch (error) {
    if (!(error instanceof MalformedTable)) throw error;
    const fault = 'its properties do not follow the encoding of AMQP 0-9-1';
    read.verbatim = { fault, properties: {}, headers: [], section: bytes.subarray(from, to) };
  }
  return read;
}

class SectionReader extends FieldReader {
  readonly #section: Buffer;
  readonly #from: number;
  readonly #to: number;
  readonly #into: MessageInTheMaking;
  #properties: Partial<Record<keyof MessageProperties, Buffer>> | undefined;
  #headers: readonly VerbatimHeader[] | undefined;

  constructor(section: Buffer, from: number, to: number, into: MessageInTheMaking) {
    super(section, from + FLAG_BYTES, to);
    this.#section = section;
    this.#from = from;
    this.#to = to;
    this.#into = into;
  }

  read(): void {
    const section = this.#section;
    if (this.offset > this.#to) throw new MalformedTable();
    const flags = ((section[this.#from] as number) << 8) | (section[this.#from + 1] as number);
    const into = this.#into;
    if ((flags & UNKNOWN_FLAGS) !== 0) throw new MalformedTable();
    if (flags & CONTENT_TYPE) into.contentType = this.#text('contentType', RECENT.contentType);
    if (flags & CONTENT_ENCODING) into.contentEncoding = this.#text('contentEncoding', RECENT.contentEncoding);
    if (flags & HEADERS) into.headers = this.#table();
    if (flags & DELIVERY_MODE) into.deliveryMode = this.octet();
    if (flags & PRIORITY) into.priority = this.octet();
    if (flags & BEHIND_PRIORITY) this.#readBehindPriority(flags, into);
    // Means nothing any more.
    if (flags & CLUSTER_ID) this.shortText();
    if (this.offset !== this.#to) throw new MalformedTable();
    if (this.#properties === undefined && this.#headers === undefined) return;
    const fault = this.tooDeep ? `its headers nest more than ${MAX_DEPTH} tables or arrays deep` : undefined;
    into.verbatim = { fault, properties: this.#properties ?? {}, headers: this.#headers ?? [], section: undefined };
  }

  #readBehindPriority(flags: number, into: MessageInTheMaking): void {
    if (flags & CORRELATION_ID) into.correlationId = this.#text('correlationId');
    if (flags & REPLY_TO) into.replyTo = this.#text('replyTo');
    if (flags & EXPIRATION) into.expiration = this.#text('expiration');
    if (flags & MESSAGE_ID) into.messageId = this.#text('messageId');
    if (flags & TIMESTAMP) into.timestamp = this.#timestamp();
    if (flags & TYPE) into.type = this.#text('type', RECENT.type);
    if (flags & USER_ID) into.userId = this.#text('userId', RECENT.userId);
    if (flags & APP_ID) into.appId = this.#text('appId', RECENT.appId);
  }

  #text(name: keyof MessageProperties, recent?: RecentText): string {
    const from = this.offset + 1;
    const text = recent === undefined ? this.shortText() : this.recentText(recent);
    this.#keepUnlessExact(name, from);
    return text;
  }

  #timestamp(): number {
    const from = this.offset;
    const value = this.unsigned64();
    if (typeof value === 'bigint') this.exact = false;
    this.#keepUnlessExact('timestamp', from);
    return Number(value);
  }

  #keepUnlessExact(name: keyof MessageProperties, from: number): void {
    if (this.exact) return;
    this.#properties ??= {};
    this.#properties[name] = this.#section.subarray(from, this.offset);
    this.exact = true;
  }

  #table(): MessageHeaders {
    const length = this.length();
    const from = this.offset;
    const table: Record<string, unknown> = {};
    while (this.offset < from + length) this.entry(table, 0);
    if (this.offset !== from + length) throw new MalformedTable();
    if (!this.exact) this.#headers = this.#entries(from, from + length);
    this.exact = true;
    return table;
  }

  /** Once more, for the bytes: hardly any message needs them. */
  #entries(from: number, to: number): VerbatimHeader[] {
    const entries: VerbatimHeader[] = [];
    const table: Record<string, unknown> = {};
    this.offset = from;
    while (this.offset < to) {
      this.exact = true;
      const start = this.offset;
      const name = this.entry(table, 0);
      entries.push({ name, entry: this.#section.subarray(start, this.offset), exact: this.exact });
    }
    return entries;
  }
}
