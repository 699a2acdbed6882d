import { Channel } from '../channel/channel.js';
import type { ChannelHost } from '../channel/channel-host.js';
import { handleMethod } from '../channel/channel-methods.js';
import { type AmqpError, connectionError } from '../errors/amqp-error.js';
import { FRAME_HEADER } from '../wire/frame-parser.js';
import { encodeMethod, type MethodArguments, type MethodName, type MethodValue } from '../wire/methods.js';
import { printedOctets } from '../wire/octets-text.js';
import { closeValues } from './close-frame.js';
import { BASIC_PUBLISH } from './method-reader.js';

/** The channels of one connection: either side opens and closes them, and what arrives goes to the one it is meant for. */
export class ChannelTable {
  /** The method being handled, for the class and method of an error; 0 for none. */
  currentMethod = 0;
  readonly #host: ChannelHost;
  readonly #channelMax: number;
  readonly #open = new Map<number, Channel>();
  /** Channels closed by the server whose close-ok has not come yet. */
  readonly #closing = new Set<number>();

  /** @param channelMax most channels at a time, as negotiated */
  constructor(host: ChannelHost, channelMax: number) {
    this.#host = host;
    this.#channelMax = channelMax;
  }

  /** The open channels by number. */
  get open(): ReadonlyMap<number, Channel> {
    return this.#open;
  }

  /**
   * Hands a method to its channel, or opens or closes it.
   *
   * @throws {AmqpError} what RabbitMQ would answer
   */
  handleMethod(channelNumber: number, name: MethodName, method: MethodArguments): void {
    if (this.#closing.has(channelNumber)) {
      // After channel.close nothing on that channel counts until the client has agreed.
      if (name === 'channel.close') this.#send(channelNumber, 'channel.close-ok');
      if (name === 'channel.close-ok') this.#closing.delete(channelNumber);
      return;
    }
    const channel = this.#open.get(channelNumber);
    if (channel === undefined) {
      if (name !== 'channel.open') throw connectionError(504, "expected 'channel.open'");
      this.#openChannel(channelNumber);
      return;
    }
    const expected = channel.expectedContent;
    if (expected !== undefined) {
      this.currentMethod = BASIC_PUBLISH;
      const text =
        expected === 'header'
          ? 'expected content header for class 60, got non content header frame instead'
          : 'expected content body, got non content body frame instead';
      throw connectionError(505, text);
    }
    switch (name) {
      case 'channel.open':
        throw connectionError(504, "second 'channel.open' seen");
      case 'channel.close':
        // Confirms first: a client that closes after its last publish still learns that it arrived.
        channel.beforeFlush();
        this.#open.delete(channelNumber);
        channel.end(true);
        this.#send(channelNumber, 'channel.close-ok');
        return;
      default:
        handleMethod(channel, name, method);
    }
  }

  /**
   * Hands a content header or body to its channel.
   *
   * @throws {AmqpError} 505 when none was expected
   */
  handleContent(type: number, channelNumber: number, bytes: Buffer, start: number, end: number): void {
    if (this.#closing.has(channelNumber)) return;
    const channel = this.#open.get(channelNumber);
    if (channel === undefined) {
      const text =
        channelNumber === 0
          ? `type ${type}, all octets = ${printedOctets(bytes, start, end)}`
          : 'expected method frame, got non method frame instead';
      throw connectionError(505, text);
    }
    this.currentMethod = channel.expectedContent === undefined ? 0 : BASIC_PUBLISH;
    if (type === FRAME_HEADER) channel.contentHeader(bytes, start, end);
    else channel.contentBody(bytes, start, end);
  }

  /** Closes a channel from the server's side; one that is not open is left alone. */
  close(channelNumber: number, error: AmqpError, method: number): void {
    const channel = this.#open.get(channelNumber);
    if (channel === undefined) return;
    this.#open.delete(channelNumber);
    this.#closing.add(channelNumber);
    channel.end(false);
    this.#send(channelNumber, 'channel.close', closeValues(error, method, this.#host.environment.profile));
  }

  /** Consumers get what waits for them: the peer can be written to again. */
  wake(): void {
    for (const channel of [...this.#open.values()]) channel.wake();
  }

  /** Ends every channel without a word. */
  end(): void {
    const channels = [...this.#open.values()];
    this.#open.clear();
    this.#closing.clear();
    for (const channel of channels) channel.end(false);
  }

  #openChannel(channelNumber: number): void {
    const { size } = this.#open;
    if (size >= this.#channelMax) {
      this.currentMethod = 0;
      const text = `number of channels opened (${size}) has reached the negotiated channel_max (${this.#channelMax})`;
      throw connectionError(530, text);
    }
    this.#open.set(channelNumber, new Channel(channelNumber, this.#host));
    this.#send(channelNumber, 'channel.open-ok');
  }

  #send(channelNumber: number, name: MethodName, values?: Readonly<Record<string, MethodValue>>): void {
    this.#host.writer.method(channelNumber, encodeMethod(name, values));
    this.#host.written();
  }
}
