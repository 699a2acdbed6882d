import type { Message } from '@leveret/core';
import type { Channel } from 'amqplib';
import { NO_BYTES, readProperties } from './read-properties.js';
import { RecentText } from './recent-text.js';

// The parts of amqplib that its types leave out. All are looked at before they are used.
interface Connection {
  rest?: unknown;
  recvFrame?: () => unknown;
  recvSinceLastCheck?: boolean;
  readonly stream?: { read?(): Buffer | null };
  readonly accept?: unknown;
  readonly maxFrameSize?: unknown;
  readonly channels?: readonly ({ readonly channel?: unknown } | null | undefined)[];
}

interface Internals {
  readonly ch?: unknown;
  readonly connection?: Connection;
  readonly accept?: unknown;
  readonly handleMessage?: unknown;
  readonly consumers?: { has?(tag: string): boolean };
  readonly closeWithError?: (id: undefined, reason: string, code: number, error: unknown) => void;
}

/** Is handed a message that came for a consumer of a channel. */
export type Receive = (consumerTag: string, deliveryTag: number, message: Message) => void;

const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const FRAME_END = 0xce;
const FRAME_HEADER_BYTES = 7;
const BASIC_DELIVER = (60 << 16) | 60;
/** Class, method, an empty tag, delivery tag, flags, and two empty names. */
const SHORTEST_DELIVER = 4 + 1 + 8 + 1 + 1 + 1;
const BASIC = 60;
/** Class, weight and body size, before the property flags. */
const BEFORE_FLAGS = 12;
const INTERNAL_ERROR = 541;

const readers = new WeakMap<object, DeliveryReader>();

/**
 * Takes deliveries off what a connection has read, all three frames of each in one pass, where amqplib would make some twenty
 * objects of each. It takes only what is whole and as it should be, for a channel that expects a message: all else is amqplib's,
 * as it always was.
 * @see docs/decisions/0042-deliveries-are-taken-whole.md
 */
export class DeliveryReader {
  readonly #connection: Connection;
  /** amqplib puts others in its place when the connection closes. */
  readonly #accept: unknown;
  readonly #receivers: (Receiver | undefined)[] = [];

  readonly #recvFrame: () => unknown;
  #isTaking = false;

  private constructor(connection: Connection, recvFrame: () => unknown) {
    this.#connection = connection;
    this.#accept = connection.accept;
    this.#recvFrame = recvFrame;
  }

  /** Stands in where an open connection takes its next frame. With an amqplib that is built differently this does nothing. */
  static readOn(connection: unknown): void {
    const internals = connection as Connection;
    const { recvFrame, accept, channels, rest, stream } = internals;
    if (![recvFrame, accept, stream?.read].every((each) => typeof each === 'function')) return;
    if (!Array.isArray(channels) || !Buffer.isBuffer(rest)) return;
    const reader = new DeliveryReader(internals, recvFrame as () => unknown);
    readers.set(internals, reader);
    internals.recvFrame = () => reader.#nextFrame();
  }

  /** Has the messages of a channel that has just been opened handed over. Whoever consumes there gets none from amqplib then. */
  static receive(channel: Channel, receive: Receive): void {
    const internals = channel as unknown as Internals;
    const { ch: number, connection, accept, handleMessage, consumers, closeWithError } = internals;
    const reader = connection === undefined ? undefined : readers.get(connection);
    if (reader === undefined || typeof number !== 'number' || typeof consumers?.has !== 'function') return;
    if (![accept, handleMessage, closeWithError].every((each) => typeof each === 'function')) return;
    const receiver = new Receiver(internals, receive);
    reader.#receivers[number] = receiver;
    channel.once('close', () => {
      if (reader.#receivers[number] === receiver) reader.#receivers[number] = undefined;
    });
  }

  /** The next frame that is amqplib's to take; `false` when there is none yet. */
  #nextFrame(): unknown {
    // A handler may have the stream say that there is more to read.
    if (this.#isTaking) return false;
    const connection = this.#connection;
    if ((connection.rest as Buffer).length === 0) {
      const incoming = connection.stream?.read?.() ?? null;
      if (incoming === null) return false;
      connection.recvSinceLastCheck = true;
      connection.rest = incoming;
    }
    this.#take();
    // It comes here again when it has read more.
    return this.#recvFrame.call(connection);
  }

  /** Takes every delivery at the head of what was read, up to something else, or something that is not whole yet. */
  #take(): void {
    const bytes = this.#connection.rest as Buffer;
    let at = 0;
    this.#isTaking = true;
    try {
      for (let next = this.#takeOne(bytes, 0); next > at; next = this.#takeOne(bytes, at)) at = next;
    } finally {
      this.#isTaking = false;
    }
    if (at > 0) this.#connection.rest = at === bytes.length ? NO_BYTES : bytes.subarray(at);
  }

  /** Answers where the delivery ends; its own place when it is not taken. */
  #takeOne(bytes: Buffer, at: number): number {
    const method = at + FRAME_HEADER_BYTES;
    const methodEnd = this.#frameEnd(bytes, at, METHOD);
    if (methodEnd - method < SHORTEST_DELIVER || uint32(bytes, method) !== BASIC_DELIVER) return at;
    const channel = uint16(bytes, at + 1);
    const receiver = this.#receivers[channel];
    if (receiver === undefined || !this.#expects(channel, receiver)) return at;

    const headerFrame = methodEnd + 1;
    const headerEnd = this.#frameEnd(bytes, headerFrame, HEADER);
    const header = headerFrame + FRAME_HEADER_BYTES;
    if (headerEnd - header < BEFORE_FLAGS || uint16(bytes, headerFrame + 1) !== channel) return at;
    if (uint16(bytes, header) !== BASIC || uint32(bytes, header + 4) !== 0) return at;

    const bodyFrame = headerEnd + 1;
    const body = bodyFrame + FRAME_HEADER_BYTES;
    const size = uint32(bytes, header + 8);
    let next = bodyFrame;
    if (size > 0) {
      // A body in several frames is amqplib's to put together.
      const bodyEnd = this.#frameEnd(bytes, bodyFrame, BODY);
      if (bodyEnd - body !== size || uint16(bytes, bodyFrame + 1) !== channel) return at;
      next = bodyEnd + 1;
    }

    const tag = method + 4;
    const deliveryTag = tag + 1 + (bytes[tag] as number);
    const exchange = deliveryTag + 9;
    const routingKey = exchange + 1 + (bytes[exchange] as number);
    // A length beyond what there is ends somewhere else, too.
    if (routingKey + 1 + (bytes[routingKey] as number) !== methodEnd) return at;
    const consumerTag = receiver.consumerTag.read(bytes, tag + 1, bytes[tag] as number);
    // As amqplib's consumers do, and `guardConsumers` for those that are no more.
    if (!receiver.knows(consumerTag)) return next;

    const message = readProperties(bytes, header + BEFORE_FLAGS, headerEnd);
    if (size > 0) message.body = bytes.subarray(body, body + size);
    message.exchange = receiver.exchange.read(bytes, exchange + 1, bytes[exchange] as number);
    message.routingKey = receiver.routingKey.read(bytes, routingKey + 1, bytes[routingKey] as number);
    message.redelivered = ((bytes[deliveryTag + 8] as number) & 1) === 1;
    receiver.hand(consumerTag, uint32(bytes, deliveryTag) * 2 ** 32 + uint32(bytes, deliveryTag + 4), message);
    return next;
  }

  /** Whether the channel is open, and awaits a message, not the rest of one. */
  #expects(number: number, { channel, accept, idle }: Receiver): boolean {
    const { accept: usual, channels } = this.#connection;
    return (
      usual === this.#accept &&
      channels?.[number]?.channel === channel &&
      channel.accept === accept &&
      channel.handleMessage === idle
    );
  }

  /** Where a frame of this type ends, before its end mark; -1 when there is no whole and sound one here. */
  #frameEnd(bytes: Buffer, at: number, type: number): number {
    if (bytes.length - at <= FRAME_HEADER_BYTES || bytes[at] !== type) return -1;
    const size = uint32(bytes, at + 3);
    const end = at + FRAME_HEADER_BYTES + size;
    if (end >= bytes.length || bytes[end] !== FRAME_END) return -1;
    const { maxFrameSize: most } = this.#connection;
    return typeof most === 'number' && most > 0 && size > most ? -1 : end;
  }
}

/** A channel whose messages are taken. */
class Receiver {
  readonly channel: Internals;
  readonly accept: unknown;
  /** What amqplib does with the next frame of a message while none is on its way. */
  readonly idle: unknown;
  readonly consumerTag = new RecentText();
  readonly exchange = new RecentText();
  readonly routingKey = new RecentText();
  readonly #receive: Receive;

  constructor(channel: Internals, receive: Receive) {
    this.channel = channel;
    this.accept = channel.accept;
    this.idle = channel.handleMessage;
    this.#receive = receive;
  }

  knows(consumerTag: string): boolean {
    return this.channel.consumers?.has?.(consumerTag) === true;
  }

  /** What throws here ends its channel, as it does with amqplib. */
  hand(consumerTag: string, deliveryTag: number, message: Message): void {
    try {
      this.#receive(consumerTag, deliveryTag, message);
    } catch (error) {
      this.channel.closeWithError?.(undefined, 'Error while processing message', INTERNAL_ERROR, error);
    }
  }
}

function uint16(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function uint32(bytes: Buffer, at: number): number {
  return (
    (bytes[at] as number) * 2 ** 24 +
    (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
  );
}
