import type { Socket } from 'node:net';
import type { Channel } from '../channel/channel.js';
import { type RealTimer, startTimer, stopTimer } from '../clock/timers.js';
import { type AmqpError, connectionError } from '../errors/amqp-error.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import {
  FRAME_BODY,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  type FrameHandler,
  FrameParser,
  isKnownFrame,
} from '../wire/frame-parser.js';
import {
  encodeMethod,
  MalformedTextError,
  type MethodArguments,
  type MethodName,
  type MethodValue,
  methodName,
  methodNumber,
} from '../wire/methods.js';
import { octets, printedOctets } from '../wire/octets-text.js';
import { asAmqpError, closeValues } from './close-frame.js';
import type { ConnectionEnvironment } from './connection-environment.js';
import type { FlushScheduler } from './flush-scheduler.js';
import { FrameOutput } from './frame-output.js';
import { type ClientIdentity, Handshake } from './handshake.js';
import { Heartbeat } from './heartbeat.js';
import { BASIC_PUBLISH, MethodReader } from './method-reader.js';
import { ProtocolHeader } from './protocol-header.js';
import { Session } from './session.js';

const BASIC_ACK = methodNumber(60, 80);
/** How long either side may take over closing. */
const CLOSING_TIMEOUT_MS = 30_000;

type State = 'header' | 'handshake' | 'running' | 'closing' | 'closed';

/** The broker as its connections know it, which come and go. */
export interface ConnectionRegistry extends ConnectionEnvironment {
  opened(connection: Connection): void;
  closed(connection: Connection): void;
}

/**
 * One client connection: bytes in, frames to channels, frames out. Nothing a client sends gets past it as an exception:
 * mistakes close the channel or the connection, as in RabbitMQ, and the other connections go on.
 */
export class Connection implements FrameHandler {
  readonly environment: ConnectionRegistry;
  /** `127.0.0.1:50000 -> 127.0.0.1:5672`, as in the management API. */
  readonly name: string;
  readonly connectedAt: number;
  readonly #socket: Socket;
  readonly #output: FrameOutput;
  readonly #header = new ProtocolHeader();
  readonly #parser: FrameParser;
  readonly #methods = new MethodReader();
  readonly #handshake: Handshake;
  #state: State = 'header';
  /** From the end of the handshake on. */
  #session: Session | undefined;
  #heartbeat: Heartbeat | undefined;
  #closingTimer: RealTimer | undefined;
  /** Input cannot be cut into frames any more: what still comes is taken for the client's connection.close-ok. */
  #inputIsBroken = false;
  #blocked = false;
  #wasRefused = false;

  constructor(socket: Socket, environment: ConnectionRegistry, scheduler: FlushScheduler) {
    this.#socket = socket;
    this.environment = environment;
    this.name = `${address(socket.remoteAddress, socket.remotePort)} -> ${address(socket.localAddress, socket.localPort)}`;
    this.connectedAt = environment.clock.wallTime();
    this.#output = new FrameOutput(socket, environment, scheduler, {
      sent: () => this.#sent(),
      room: () => this.#session?.channels.wake(),
    });
    this.#parser = new FrameParser(this, environment.profile.frameMaxMinimum);
    this.#handshake = new Handshake(environment, {
      send: (name, values) => this.#send(0, name, values),
      refuse: (error, method, why) => {
        this.#refused(why);
        this.#closeWith(error, method);
      },
      drop: (why) => this.#turnAway(why),
      tell: (why) => this.#refused(why),
      opened: (identity) => this.#open(identity),
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.#ended());
  }

  get vhost(): VirtualHost {
    return this.#opened.vhost;
  }

  get userName(): string {
    return this.#opened.userName;
  }

  get identity(): ClientIdentity | undefined {
    return this.#session?.identity;
  }

  /** The open channels by number. */
  get channels(): ReadonlyMap<number, Channel> {
    return this.#opened.channels.open;
  }

  /** Whether the alarm keeps this connection from being read. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Closes a channel from the server's side. */
  failChannel(channelNumber: number, code: number, text: string): void {
    this.#opened.failChannel(channelNumber, code, text);
  }

  /** Closes the connection from the server's side, such as `320 CONNECTION_FORCED - because`. */
  close(code: number, text: string): void {
    if (this.#state === 'running') this.#closeWith(connectionError(code, text), 0);
    else this.destroy();
    this.flush();
  }

  /** Cuts the connection without a word. */
  destroy(): void {
    if (this.#state === 'closed') return;
    this.#ended();
    this.#socket.destroy();
  }

  /** Lets go of a connection whose last frames are on their way. */
  finish(): void {
    this.flush();
    this.#ended();
    this.#socket.end();
    this.#socket.destroySoon();
  }

  /** Sends what was gathered, without waiting for the end of the turn. */
  flush(): void {
    this.#output.flush();
  }

  /** The alarm is over: what was held back is read and answered. */
  unblock(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    if (this.#heartbeat !== undefined) this.#heartbeat.paused = false;
    if (this.#opened.identity.capabilities.has('connection.blocked')) this.#send(0, 'connection.unblocked');
    this.#socket.resume();
    this.#parser.resume();
  }

  onFrame(type: number, channel: number, bytes: Buffer, start: number, end: number): boolean {
    if (this.#state === 'closed') return true;
    if (this.#session !== undefined) this.#session.channels.currentMethod = 0;
    try {
      return this.#handleFrame(type, channel, bytes, start, end);
    } catch (error) {
      this.#failed(error, channel);
      return true;
    }
  }

  onFrameError(text: string): void {
    this.#inputIsBroken = true;
    if (this.#state === 'running') this.#closeWith(connectionError(501, text), 0);
    else if (this.#state !== 'closing') this.#turnAway('what it sent cannot be read as AMQP frames');
  }

  sendHeartbeat(): void {
    this.#output.writer.heartbeat();
    this.flush();
  }

  peerIsSilent(): void {
    this.destroy();
  }

  /** It is not let in: whoever runs the broker is told, also where the client is not. */
  #refused(why: string): void {
    if (why === '' || this.#state === 'closed' || this.#wasRefused) return;
    this.#wasRefused = true;
    this.environment.refused(this.name.split(' -> ')[0] ?? this.name, why);
  }

  #turnAway(why: string): void {
    this.#refused(why);
    this.destroy();
  }

  get #opened(): Session {
    const session = this.#session;
    if (session === undefined) throw connectionError(504, 'connection not open');
    return session;
  }

  #received(chunk: Buffer): void {
    if (this.environment.faults.dropsReceived) return;
    this.environment.received(chunk.length);
    if (this.#heartbeat !== undefined) this.#heartbeat.received = true;
    if (this.#inputIsBroken) {
      this.finish();
      return;
    }
    if (this.#state !== 'header') {
      this.#parser.feed(chunk);
      return;
    }
    const rest = this.#header.read(chunk);
    if (rest === undefined) return;
    if (rest === 'wrong') {
      this.#refused('what it sent first is no AMQP 0-9-1 (HTTP, TLS, MQTT or AMQP 1.0 have ports of their own)');
      this.#output.writer.raw(Buffer.from(this.environment.profile.protocolHeader));
      this.finish();
      return;
    }
    this.#state = 'handshake';
    this.#handshake.start();
    this.#parser.feed(rest);
  }

  /** Takes one frame; `false` leaves it for later. */
  #handleFrame(type: number, channelNumber: number, bytes: Buffer, start: number, end: number): boolean {
    if (!isKnownFrame(type, end - start)) {
      throw connectionError(501, `type ${type}, all octets = ${printedOctets(bytes, start, end)}: unknown_frame`);
    }
    if (type === FRAME_METHOD) return this.#handleMethodFrame(channelNumber, bytes, start, end);
    if (type === FRAME_HEARTBEAT) {
      if (channelNumber !== 0) throw connectionError(505, `type ${type}, all octets = <<>>`);
      return true;
    }
    if (this.#state !== 'running') {
      if (this.#state === 'handshake') this.#turnAway('it sent something else than a method during the handshake');
      return true;
    }
    if (type === FRAME_BODY && this.#alarmStops()) return false;
    this.#opened.channels.handleContent(type, channelNumber, bytes, start, end);
    return true;
  }

  #handleMethodFrame(channelNumber: number, bytes: Buffer, start: number, end: number): boolean {
    const id = bytes.readInt32BE(start);
    const channels = this.#session?.channels;
    if (channels !== undefined && this.#state === 'running') {
      const channel = channels.open.get(channelNumber);
      if (channel !== undefined && channel.expectedContent === undefined) {
        if (id === BASIC_PUBLISH || id === BASIC_ACK) {
          channels.currentMethod = id;
          if (id === BASIC_PUBLISH) return this.#publish(channel, bytes, start + 4, end);
          this.#ack(channel, bytes, start + 4, end);
          return true;
        }
      }
    }
    const name = methodName(id);
    if (name === undefined) {
      this.destroy();
      return true;
    }
    if (channels !== undefined) channels.currentMethod = id;
    const method = this.#methods.read(id, bytes, start + 4, end);
    if (method === undefined) this.destroy();
    else if (channelNumber === 0) this.#handleConnectionMethod(name, method);
    else if (this.#state === 'running') channels?.handleMethod(channelNumber, name, method);
    else if (this.#state === 'handshake') this.#turnAway(`it sent ${name} before the handshake had ended`);
    return true;
  }

  #publish(channel: Channel, bytes: Buffer, start: number, end: number): boolean {
    if (this.#alarmStops()) return false;
    const method = this.#methods.readPublish(bytes, start, end);
    if (method === undefined) this.destroy();
    else channel.beginPublish(method);
    return true;
  }

  #ack(channel: Channel, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 9) throw connectionError(501, `cannot decode ${octets(bytes, start, end)}`);
    const tag = bytes.readUInt32BE(start) * 0x1_0000_0000 + bytes.readUInt32BE(start + 4);
    channel.ack(tag, ((bytes[start + 8] ?? 0) & 1) === 1);
  }

  #handleConnectionMethod(name: MethodName, method: MethodArguments): void {
    if (this.#state === 'handshake') {
      if (name === 'connection.close') {
        this.#send(0, 'connection.close-ok');
        this.finish();
        return;
      }
      this.#handshake.handle(name, method);
      return;
    }
    if (name === 'connection.close-ok') {
      if (this.#state === 'closing') this.finish();
      return;
    }
    if (name === 'connection.close') {
      this.#send(0, 'connection.close-ok');
      this.#session?.end(false);
      this.#state = 'closing';
      this.#closingTimer = startTimer(() => this.destroy(), CLOSING_TIMEOUT_MS);
      return;
    }
    if (this.#state === 'closing') return;
    if (name === 'connection.update-secret') {
      this.#send(0, 'connection.update-secret-ok');
      return;
    }
    throw connectionError(504, 'unexpected method in connection state running');
  }

  #open(identity: ClientIdentity): void {
    this.#session = new Session(identity, this.environment, this.#output);
    this.#state = 'running';
    this.#parser.frameMax = identity.frameMax;
    this.#output.writer.frameMax = identity.frameMax;
    if (identity.heartbeatSeconds > 0) {
      // The end of the handshake leaves first: it is not what spares the first heartbeat.
      this.flush();
      this.#heartbeat = new Heartbeat(identity.heartbeatSeconds, this);
    }
    this.environment.opened(this);
  }

  #failed(error: unknown, channelNumber: number): void {
    const amqp = asAmqpError(error);
    if (this.#state !== 'running') {
      if (this.#state === 'handshake')
        this.#turnAway(`what it sent during the handshake cannot be read: ${JSON.stringify(amqp.replyText)}`);
      return;
    }
    const { channels } = this.#opened;
    if (amqp.scope === 'channel' && channels.open.has(channelNumber)) {
      channels.close(channelNumber, amqp, channels.currentMethod);
    } else {
      // Neither what RabbitMQ's channel process dies of nor text that a channel cannot read is tied to a method.
      const isLoose =
        amqp.replyText === 'INTERNAL_ERROR' || (error instanceof MalformedTextError && channelNumber !== 0);
      this.#closeWith(amqp, isLoose ? 0 : channels.currentMethod);
    }
  }

  #closeWith(error: AmqpError, method: number): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#session?.end(false);
    this.#state = 'closing';
    this.#send(0, 'connection.close', closeValues(error, method, this.environment.profile));
    this.#closingTimer = startTimer(() => this.destroy(), CLOSING_TIMEOUT_MS);
  }

  #ended(): void {
    if (this.#state === 'closed') return;
    this.#session?.end(true);
    this.#state = 'closed';
    this.#heartbeat?.stop();
    this.#handshake.stop();
    stopTimer(this.#closingTimer);
    this.#output.end();
    this.environment.closed(this);
  }

  /** Blocks whoever publishes while there is an alarm. */
  #alarmStops(): boolean {
    const { alarm } = this.environment;
    if (alarm === undefined) return false;
    this.#block(alarm);
    return true;
  }

  #block(reason: string): void {
    this.#blocked = true;
    if (this.#heartbeat !== undefined) this.#heartbeat.paused = true;
    if (this.#opened.identity.capabilities.has('connection.blocked')) this.#send(0, 'connection.blocked', { reason });
    this.#socket.pause();
  }

  #send(channel: number, name: MethodName, values?: Readonly<Record<string, MethodValue>>): void {
    this.#output.writer.method(channel, encodeMethod(name, values));
    this.#output.written();
  }

  #sent(): void {
    if (this.#heartbeat !== undefined) this.#heartbeat.sent = true;
  }
}

function address(host: string | undefined, port: number | undefined): string {
  return `${(host ?? '').replace(/^::ffff:/, '')}:${port ?? 0}`;
}
