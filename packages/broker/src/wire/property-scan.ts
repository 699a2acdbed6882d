/** The flag of each basic property, in the order of the wire. */
export const CONTENT_TYPE = 0x8000;
export const CONTENT_ENCODING = 0x4000;
export const HEADERS = 0x2000;
export const DELIVERY_MODE = 0x1000;
export const PRIORITY = 0x0800;
export const CORRELATION_ID = 0x0400;
export const REPLY_TO = 0x0200;
export const EXPIRATION = 0x0100;
export const MESSAGE_ID = 0x0080;
export const TIMESTAMP = 0x0040;
export const TYPE = 0x0020;
export const USER_ID = 0x0010;
export const APP_ID = 0x0008;
export const CLUSTER_ID = 0x0004;
/** They would announce further flag words; basic properties fill one, and RabbitMQ looks at neither. */
export const STRAY_FLAGS = 0x0003;

/** Thrown when bytes are no basic properties. */
export class MalformedPropertiesError extends Error {
  constructor() {
    super('malformed message properties: a value runs past the end of its frame');
    this.name = 'MalformedPropertiesError';
  }
}

/**
 * Finds where the properties that matter to a broker lie in the raw bytes of a content header (flags first). The bytes
 * themselves are passed on untouched. One scan object is used again and again: read it before the next `scan`.
 */
export class PropertyScan {
  flags = 0;
  headersStart = 0;
  headersEnd = 0;
  /** 0 when absent. */
  deliveryMode = 0;
  /** -1 when absent. */
  priority = -1;
  replyToStart = 0;
  replyToEnd = 0;
  expirationStart = 0;
  expirationEnd = 0;
  userIdStart = 0;
  userIdEnd = 0;
  /** Where the properties end. */
  end = 0;

  get hasHeaders(): boolean {
    return (this.flags & HEADERS) !== 0;
  }

  get hasDeliveryMode(): boolean {
    return (this.flags & DELIVERY_MODE) !== 0;
  }

  get hasReplyTo(): boolean {
    return (this.flags & REPLY_TO) !== 0;
  }

  get hasExpiration(): boolean {
    return (this.flags & EXPIRATION) !== 0;
  }

  /** Whether RabbitMQ would write the flags otherwise. */
  get hasStrayFlags(): boolean {
    return (this.flags & STRAY_FLAGS) !== 0;
  }

  get hasUserId(): boolean {
    return (this.flags & USER_ID) !== 0;
  }

  /**
   * Straight down the wire order, without a loop or calls: this runs for every message published.
   *
   * @throws {MalformedPropertiesError} when the values do not end at `limit`
   */
  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: fourteen optional fields in a row, one line each
  scan(bytes: Buffer, start: number, limit: number): this {
    if (start + 2 > limit) throw new MalformedPropertiesError();
    const flags = ((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0);
    let offset = start + 2;
    this.flags = flags;
    this.deliveryMode = 0;
    this.priority = -1;
    if (flags & CONTENT_TYPE) offset += 1 + (bytes[offset] ?? 0);
    if (flags & CONTENT_ENCODING) offset += 1 + (bytes[offset] ?? 0);
    if (flags & HEADERS) {
      if (offset + 4 > limit) throw new MalformedPropertiesError();
      this.headersStart = offset + 4;
      offset = this.headersStart + bytes.readUInt32BE(offset);
      this.headersEnd = offset;
    }
    if (flags & DELIVERY_MODE) this.deliveryMode = bytes[offset++] ?? 0;
    if (flags & PRIORITY) this.priority = bytes[offset++] ?? 0;
    if (flags & CORRELATION_ID) offset += 1 + (bytes[offset] ?? 0);
    if (flags & REPLY_TO) {
      this.replyToStart = offset + 1;
      offset = this.replyToStart + (bytes[offset] ?? 0);
      this.replyToEnd = offset;
    }
    if (flags & EXPIRATION) {
      this.expirationStart = offset + 1;
      offset = this.expirationStart + (bytes[offset] ?? 0);
      this.expirationEnd = offset;
    }
    if (flags & MESSAGE_ID) offset += 1 + (bytes[offset] ?? 0);
    if (flags & TIMESTAMP) offset += 8;
    if (flags & TYPE) offset += 1 + (bytes[offset] ?? 0);
    if (flags & USER_ID) {
      this.userIdStart = offset + 1;
      offset = this.userIdStart + (bytes[offset] ?? 0);
      this.userIdEnd = offset;
    }
    if (flags & APP_ID) offset += 1 + (bytes[offset] ?? 0);
    if (flags & CLUSTER_ID) offset += 1 + (bytes[offset] ?? 0);
    if (offset !== limit) throw new MalformedPropertiesError();
    this.end = offset;
    return this;
  }
}
