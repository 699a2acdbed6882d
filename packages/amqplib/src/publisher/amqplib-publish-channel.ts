import {
  type ChannelEnd,
  type Clock,
  type MessageHeaders,
  type Publication,
  type PublishChannel,
  type PublishOutcome,
  type ReturnInfo,
  within,
} from '@leveret/core';
import type { Message as AmqplibMessage, Channel, ConfirmChannel, Options } from 'amqplib';
import type { Link } from '../connection/link.js';
import { readMessage } from '../delivery/read-delivery.js';
import { brokerReply, channelErrorEnd } from '../errors/broker-reply.js';
import { ChannelWire } from '../wire/channel-wire.js';
import { PublishEncoder } from '../wire/encode-publish.js';
import { call } from './call.js';
import { headerFrameBytes } from './header-size.js';
import { InFlight, InFlightList } from './in-flight.js';
import { writableHeaders } from './writable-headers.js';

/** amqplib itself refuses headers above this, so that only smaller frames need a look. */
const AMQPLIB_HEADER_LIMIT = 65_536;

/** What `basic.ack` and `basic.nack` of the broker say. */
interface Confirm {
  readonly deliveryTag: number;
  readonly multiple: boolean;
}

/** A channel to publish on. It ends once and is not opened again. */
export class AmqplibPublishChannel implements PublishChannel {
  readonly #channel: Channel;
  readonly #confirm: ConfirmChannel | undefined;
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #closeTimeoutMs: number;
  readonly #inFlight = new InFlightList();
  readonly #writer: DirectWriter | undefined;
  readonly #closed: Promise<void>;
  /** amqplib has closed the channel: it calls every confirm callback with an error that means nothing. */
  #gone = false;
  #closing = false;
  #end: ChannelEnd | undefined;
  #channelError: Error | undefined;
  #full = false;
  #flushPlanned = false;
  #unclaimed: ((returned: ReturnInfo) => void) | undefined;
  #drainWaiters: (() => void)[] = [];
  #endListeners: ((end: ChannelEnd) => void)[] = [];

  constructor(channel: Channel | ConfirmChannel, confirm: boolean, link: Link, clock: Clock, closeTimeoutMs = 5000) {
    this.#channel = channel;
    this.#confirm = confirm ? (channel as ConfirmChannel) : undefined;
    this.#link = link;
    this.#clock = clock;
    this.#closeTimeoutMs = closeTimeoutMs;
    this.#writer = directWriter(channel);
    this.#closed = new Promise((resolve) => channel.once('close', resolve));
    // Before amqplib's own listener, which calls the confirm callbacks.
    channel.prependOnceListener('close', () => this.#channelClosed());
    channel.on('error', (error: Error) => {
      this.#channelError = error;
    });
    channel.on('return', (message) => this.#returned(message));
    if (this.#writer !== undefined) {
      // amqplib's own would look for callbacks that there are not.
      for (const confirm of ['ack', 'nack']) channel.removeAllListeners(confirm);
      channel.on('ack', (confirm: Confirm) => this.#confirmed(confirm, 'ack'));
      channel.on('nack', (confirm: Confirm) => this.#confirmed(confirm, 'nack'));
    }
    channel.on('drain', () => this.#drained());
  }

  get isOpen(): boolean {
    return !this.#gone && !this.#closing;
  }

  publish(publication: Publication, settled: (outcome: PublishOutcome) => void): boolean {
    if (!this.isOpen) return this.#refuse(settled);
    const entry = new InFlight(publication, settled);
    let hasRoom: boolean;
    try {
      hasRoom = this.#write(publication, entry);
    } catch (error) {
      if (!isIllegalOperation(error)) throw asEncodingError(error);
      // amqplib closed it before anybody could listen: without an end it would be used for ever.
      this.#refuse(settled);
      this.#channelClosed();
      return false;
    }
    this.#inFlight.add(entry);
    if (!hasRoom) this.#full = true;
    if (this.#confirm === undefined) this.#planFlush();
    return hasRoom;
  }

  #write(publication: Publication, entry: InFlight): boolean {
    const headers = writableHeaders(publication.headers);
    const writer = this.#writer;
    if (writer === undefined) return this.#writeByAmqplib(publication, headers, entry);
    if (!writer.wire.isOpen) throw new ChannelGone();
    return writer.encoder.write(publication, headers);
  }

  /** With an amqplib that is built differently. */
  #writeByAmqplib(publication: Publication, headers: MessageHeaders, entry: InFlight): boolean {
    if (publication.verbatim !== undefined) {
      throw new TypeError(
        'Expected a channel of amqplib 2.x to write bytes to: this message has properties that only bytes hold.',
      );
    }
    const { frameMax } = this.#link.facts;
    if (frameMax < AMQPLIB_HEADER_LIMIT) refuseLargeHeaders(publication, frameMax);
    const { exchange, routingKey, body } = publication;
    const options = publishOptions(publication, headers);
    if (this.#confirm === undefined) return this.#channel.publish(exchange, routingKey, body, options);
    return this.#confirm.publish(exchange, routingKey, body, options, (error: unknown) => {
      if (!this.#gone) this.#settle(entry.tag, error === null ? 'ack' : 'nack');
    });
  }

  drained(): Promise<void> {
    if (!this.#full || !this.isOpen) return Promise.resolve();
    return new Promise((resolve) => this.#drainWaiters.push(resolve));
  }

  onEnd(listener: (end: ChannelEnd) => void): void {
    const end = this.#end;
    if (end === undefined) this.#endListeners.push(listener);
    else queueMicrotask(() => call(listener, end));
  }

  onUnclaimedReturn(listener: (returned: ReturnInfo) => void): void {
    this.#unclaimed = listener;
  }

  async close(): Promise<void> {
    if (this.isOpen) {
      this.#closing = true;
      this.#channel.close().catch(() => {});
      // A blocked broker does not read, and would never answer.
      if (!this.#link.blocked) await within(this.#clock, this.#closeTimeoutMs, this.#closed, () => undefined);
      this.#finish({ kind: 'closed' });
    } else {
      await within(this.#clock, this.#closeTimeoutMs, this.#closed, () => undefined);
    }
  }

  #refuse(settled: (outcome: PublishOutcome) => void): false {
    queueMicrotask(() => call(settled, { kind: 'lost', closed: this.#end ?? this.#endNow() }));
    return false;
  }

  #confirmed({ deliveryTag, multiple }: Confirm, kind: 'ack' | 'nack'): void {
    if (this.#gone) return;
    if (!multiple) {
      this.#settle(deliveryTag, kind);
      return;
    }
    // What is published meanwhile has a higher tag, and is not meant.
    const list = this.#inFlight;
    for (let at = list.first; at !== undefined && at.tag <= deliveryTag; at = list.first) this.#settle(at.tag, kind);
  }

  #settle(tag: number, kind: 'ack' | 'nack'): void {
    const entry = this.#inFlight.take(tag);
    if (entry !== undefined) call(entry.settled, { kind, returned: entry.returned });
  }

  #returned(message: AmqplibMessage): void {
    const { replyCode, replyText } = message.fields as unknown as { replyCode: number; replyText: string };
    const read = readMessage(message);
    const entry = this.#inFlight.findReturned(read);
    if (entry !== undefined) entry.returned = { replyCode, replyText, message: read };
    else if (this.#unclaimed !== undefined) call(this.#unclaimed, { replyCode, replyText, message: read });
  }

  /** Without confirms a publish counts as done when its bytes were handed to the socket: once the buffer has room. */
  #planFlush(): void {
    if (this.#flushPlanned || this.#full) return;
    this.#flushPlanned = true;
    setImmediate(() => {
      this.#flushPlanned = false;
      if (!this.#full && !this.#gone) this.#flush();
    });
  }

  #flush(): void {
    for (const entry of this.#inFlight.takeAll()) call(entry.settled, { kind: 'ack', returned: entry.returned });
  }

  #drained(): void {
    this.#full = false;
    if (this.#confirm === undefined) this.#flush();
    this.#releaseDrainWaiters();
  }

  #releaseDrainWaiters(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #channelClosed(): void {
    this.#gone = true;
    // A turn later the connection has said why it ended, if that is what happened.
    queueMicrotask(() => this.#finish(this.#endNow()));
  }

  #endNow(): ChannelEnd {
    if (this.#channelError !== undefined) return channelErrorEnd(this.#channelError);
    if (this.#closing && !this.#link.ended) return { kind: 'closed' };
    const { error } = this.#link;
    return { kind: 'connection-lost', error, replyCode: brokerReply(error)?.code };
  }

  #finish(end: ChannelEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#gone = true;
    for (const entry of this.#inFlight.takeAll()) call(entry.settled, { kind: 'lost', closed: end });
    this.#releaseDrainWaiters();
    const listeners = this.#endListeners;
    this.#endListeners = [];
    for (const listener of listeners) call(listener, end);
  }
}

/** Writes past amqplib, which then knows of no publish, and hands on the confirms. */
interface DirectWriter {
  readonly wire: ChannelWire;
  readonly encoder: PublishEncoder;
}

/** `undefined` with an amqplib that is built differently. */
function directWriter(channel: Channel | ConfirmChannel): DirectWriter | undefined {
  const wire = ChannelWire.of(channel);
  // Its own listener shows that it hands them on.
  if (wire === undefined || channel.listenerCount('ack') === 0) return undefined;
  return { wire, encoder: new PublishEncoder(wire) };
}

/** amqplib has closed the channel, and its end has not been heard yet. */
class ChannelGone extends Error {
  override readonly name = 'IllegalOperationError';
}

function publishOptions(publication: Publication, headers: MessageHeaders): Options.Publish {
  const { properties } = publication;
  const options = {
    mandatory: publication.mandatory,
    headers,
    contentType: properties.contentType,
    contentEncoding: properties.contentEncoding,
    deliveryMode: properties.deliveryMode,
    priority: properties.priority,
    correlationId: properties.correlationId,
    replyTo: properties.replyTo,
    expiration: properties.expiration,
    messageId: properties.messageId,
    timestamp: properties.timestamp,
    type: properties.type,
    userId: properties.userId,
    appId: properties.appId,
  };
  // amqplib takes undefined for "not set" although its types do not say so.
  return options as Options.Publish;
}

function refuseLargeHeaders(publication: Publication, frameMax: number): void {
  const bytes = headerFrameBytes(publication);
  if (bytes <= frameMax) return;
  throw new RangeError(
    `The headers and properties take up to ${bytes} bytes, but must fit into one frame of ${frameMax} bytes: make them smaller, or move them into the body.`,
  );
}

function isIllegalOperation(error: unknown): boolean {
  return error instanceof Error && error.name === 'IllegalOperationError';
}

function asEncodingError(error: unknown): TypeError | RangeError {
  if (error instanceof TypeError || error instanceof RangeError) return error;
  return new TypeError(error instanceof Error ? error.message : String(error), { cause: error });
}
