/** Values of a header: what an AMQP table can hold, as amqplib reads it. */
export type HeaderValue = unknown;

/** The application headers of a message. Names are case-sensitive. */
export type MessageHeaders = Readonly<Record<string, HeaderValue>>;

/**
 * The properties of an AMQP 0-9-1 message besides its headers; what is not set is `undefined`.
 * @see https://www.rabbitmq.com/docs/publishers#message-properties
 */
export interface MessageProperties {
  /** MIME type of the body, such as `application/json`. */
  readonly contentType?: string | undefined;
  /** Charset (as Spring uses it) or compression of the body, such as `UTF-8`. */
  readonly contentEncoding?: string | undefined;
  /** 1 = transient, 2 = persistent. */
  readonly deliveryMode?: number | undefined;
  /** 0 to 255; only priority queues look at it. */
  readonly priority?: number | undefined;
  readonly correlationId?: string | undefined;
  readonly replyTo?: string | undefined;
  /** Time to live in milliseconds, as decimal text. */
  readonly expiration?: string | undefined;
  readonly messageId?: string | undefined;
  /** Seconds since the epoch. */
  readonly timestamp?: number | undefined;
  readonly type?: string | undefined;
  /** Must equal the connection's user: the broker checks it. */
  readonly userId?: string | undefined;
  readonly appId?: string | undefined;
}

/** Their names, in the order in which AMQP writes them; headers come behind the second. */
export const MESSAGE_PROPERTIES = [
  ...(['contentType', 'contentEncoding', 'deliveryMode', 'priority', 'correlationId', 'replyTo'] as const),
  ...(['expiration', 'messageId', 'timestamp', 'type', 'userId', 'appId'] as const),
] as const satisfies readonly (keyof MessageProperties)[];

/** A message as it arrived: body, properties, headers, and the way it came. Frozen in meaning: do not write to it. */
export interface Message extends MessageProperties {
  readonly body: Buffer;
  readonly headers: MessageHeaders;
  /** Exchange it was published to; empty for the default exchange. */
  readonly exchange: string;
  readonly routingKey: string;
  /** The broker has delivered it before from this queue (and it was not settled). */
  readonly redelivered: boolean;
  /** Bytes of properties that cannot be held exactly; `undefined` for nearly every message. */
  readonly verbatim?: Verbatim | undefined;
}

/** A message on its way out: everything that goes on the wire. */
export interface Publication {
  /** Empty for the default exchange, which routes by queue name. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly properties: MessageProperties;
  readonly headers: MessageHeaders;
  /** Return the message when no queue is bound for it. */
  readonly mandatory: boolean;
  /** Goes out with these bytes: a property given here wins over the same in `properties`, the headers follow those in `headers`. */
  readonly verbatim?: Pick<Verbatim, 'properties' | 'headers'> | undefined;
}

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
