import type { Socket } from 'node:net';
import type { Channel } from '../channel/channel.js';
import type { ChannelHost, FlushTarget, Permission } from '../channel/channel-host.js';
import { type RealTimer, startTimer, stopTimer } from '../clock/timers.js';
import { type AmqpError, channelError, connectionError } from '../errors/amqp-error.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import {
  FRAME_BODY,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  type FrameHandler,
  FrameParser,
} from '../wire/frame-parser.js';
import type { FrameWriter } from '../wire/frame-writer.js';
import {
  encodeMethod,
  type MethodArguments,
  type MethodName,
  type MethodValue,
  methodName,
  methodNumber,
} from '../wire/methods.js';
import type { User } from './authentication.js';
import { isPermitted, resourceName } from './authorization.js';
import { ChannelTable } from './channel-table.js';
import { asAmqpError, closeValues } from './close-frame.js';
import type { ConnectionEnvironment } from './connection-registry.js';
import type { FlushScheduler } from './flush-scheduler.js';
import { FrameOutput } from './frame-output.js';
import { type ClientIdentity, Handshake } from './handshake.js';
import { Heartbeat } from './heartbeat.js';
import { BASIC_PUBLISH, MethodReader, octets } from './method-reader.js';
import { ProtocolHeader } from './protocol-header.js';

const BASIC_ACK = methodNumber(60, 80);
/** How long either side may take over closing. */
const CLOSING_TIMEOUT_MS = 30_000;

type State = 'header' | 'handshake' | 'running' | 'closing' | 'closed';

/**
 * One client connection: bytes in, frames to channels, frames out. Nothing a client sends gets past it as an exception:
 * mistakes close the channel or the connection, as in RabbitMQ, and the other connections go on.
 */
export class Connection implements ChannelHost, FrameHandler {
  readonly environment: ConnectionEnvironment;
  readonly writer: FrameWriter;
  /** `127.0.0.1:50000 -> 127.0.0.1:5672`, as in the management API. */
  readonly name: string;
  readonly connectedAt: number;
  readonly #socket: Socket;
  readonly #output: FrameOutput;
  readonly #header = new ProtocolHeader();
  readonly #parser: FrameParser;
  readonly #methods = new MethodReader();
  readonly #handshake: Handshake;
  readonly #channels: ChannelTable;
  #state: State = 'header';
  #identity: ClientIdentity | undefined;
  #heartbeat: Heartbeat | undefined;
  #closingTimer: RealTimer | undefined;
  /** Input cannot be cut into frames any more: what still comes is taken for the client's connection.close-ok. */
  #inputIsBroken = false;
  #blocked = false;

  constructor(socket: Socket, environment: ConnectionEnvironment, scheduler: FlushScheduler) {
    this.#socket = socket;
    this.environment = environment;
    this.name = `${address(socket.remoteAddress, socket.remotePort)} -> ${address(socket.localAddress, socket.localPort)}`;
    this.connectedAt = environment.clock.wallTime();
    this.#output = new FrameOutput(socket, environment, scheduler, {
      sent: () => this.#sent(),
      room: () => this.#channels.wake(),
    });
    this.writer = this.#output.writer;
    this.#channels = new ChannelTable(this);
    this.#parser = new FrameParser(this, environment.frameMax);
    this.#handshake = new Handshake(environment, {
      send: (name, values) => this.#send(0, name, values),
      refuse: (error, method) => this.#closeWith(error, method),
      drop: () => this.destroy(),
      opened: (identity) => this.#opened(identity),
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.#ended());
  }

  get vhost(): VirtualHost {
    return this.#running.vhost;
  }

  get user(): User {
    return this.#running.user;
  }

  get userName(): string {
    return this.#running.user.name;
  }

  get identity(): ClientIdentity | undefined {
    return this.#identity;
  }

  /** The open channels by number. */
  get channels(): ReadonlyMap<number, Channel> {
    return this.#channels.open;
  }

  /** Whether the alarm keeps this connection from being read. */
  get blocked(): boolean {
    return this.#blocked;
  }

  get understandsCancel(): boolean {
    return this.#running.capabilities.has('consumer_cancel_notify');
  }

  get writable(): boolean {
    return this.#output.writable;
  }

  written(): void {
    this.#output.written();
  }

  flushLater(target: FlushTarget): void {
    this.#output.flushLater(target);
  }

  checkPermission(permission: Permission, kind: 'queue' | 'exchange', name: string): void {
    const { user, vhost } = this.#running;
    const resource = resourceName(kind, name);
    if (isPermitted(user, vhost.name, permission, resource)) return;
    const what = this.environment.profile.version === '3.10' ? 'access' : `${permission} access`;
    throw channelError(
      403,
      `${what} to ${kind} '${resource}' in vhost '${vhost.name}' refused for user '${user.name}'`,
    );
  }

  failChannel(channelNumber: number, code: number, text: string): void {
    this.#channels.close(channelNumber, channelError(code, text), 0);
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
    if (this.#running.capabilities.has('connection.blocked')) this.#send(0, 'connection.unblocked');
    this.#socket.resume();
    this.#parser.resume();
  }

  onFrame(type: number, channel: number, bytes: Buffer, start: number, end: number): boolean {
    if (this.#state === 'closed') return true;
    this.#channels.currentMethod = 0;
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
    else if (this.#state !== 'closing') this.destroy();
  }

  sendHeartbeat(): void {
    this.writer.heartbeat();
    this.written();
  }

  peerIsSilent(): void {
    this.destroy();
  }

  get #running(): ClientIdentity {
    const identity = this.#identity;
    if (identity === undefined) throw connectionError(504, 'connection not open');
    return identity;
  }

  #received(chunk: Buffer): void {
    if (this.environment.faults.dropsReceived) return;
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
      this.writer.raw(Buffer.from(this.environment.profile.protocolHeader));
      this.finish();
      return;
    }
    this.#state = 'handshake';
    this.#handshake.start();
    this.#parser.feed(rest);
  }

  /** Takes one frame; `false` leaves it for later. */
  #handleFrame(type: number, channelNumber: number, bytes: Buffer, start: number, end: number): boolean {
    if (type === FRAME_METHOD) return this.#handleMethodFrame(channelNumber, bytes, start, end);
    if (type === FRAME_HEARTBEAT) {
      if (channelNumber !== 0) {
        throw connectionError(505, `type ${type}, all octets = ${octets(bytes, start, end)}`);
      }
      return true;
    }
    if (type !== FRAME_HEADER && type !== FRAME_BODY) {
      throw connectionError(501, `type ${type}, all octets = ${octets(bytes, start, end)}: unknown_frame`);
    }
    if (this.#state !== 'running') {
      if (this.#state === 'handshake') this.destroy();
      return true;
    }
    this.#channels.handleContent(type, channelNumber, bytes, start, end);
    return true;
  }

  #handleMethodFrame(channelNumber: number, bytes: Buffer, start: number, end: number): boolean {
    if (end - start < 4) {
      throw connectionError(501, `type 1, all octets = ${octets(bytes, start, end)}: unknown_frame`);
    }
    const id = bytes.readInt32BE(start);
    if (this.#state === 'running') {
      const channel = this.#channels.open.get(channelNumber);
      if (channel !== undefined && channel.expectedContent === undefined) {
        if (id === BASIC_PUBLISH) return this.#publish(channel, bytes, start + 4, end);
        if (id === BASIC_ACK) {
          this.#channels.currentMethod = id;
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
    this.#channels.currentMethod = id;
    const method = this.#methods.read(id, bytes, start + 4, end);
    if (method === undefined) this.destroy();
    else if (channelNumber === 0) this.#handleConnectionMethod(name, method);
    else if (this.#state === 'running') this.#channels.handleMethod(channelNumber, name, method);
    else if (this.#state === 'handshake') this.destroy();
    return true;
  }

  #publish(channel: Channel, bytes: Buffer, start: number, end: number): boolean {
    if (this.environment.alarm !== undefined) {
      this.#block(this.environment.alarm);
      return false;
    }
    this.#channels.currentMethod = BASIC_PUBLISH;
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
      this.#endChannels();
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

  #opened(identity: ClientIdentity): void {
    this.#identity = identity;
    this.#state = 'running';
    this.#parser.frameMax = identity.frameMax;
    this.writer.frameMax = identity.frameMax;
    this.#channels.channelMax = identity.channelMax;
    if (identity.heartbeatSeconds > 0) this.#heartbeat = new Heartbeat(identity.heartbeatSeconds, this);
    this.environment.opened(this);
  }

  #failed(error: unknown, channelNumber: number): void {
    const amqp = asAmqpError(error);
    if (this.#state !== 'running') {
      if (this.#state === 'handshake') this.destroy();
      return;
    }
    if (amqp.scope === 'channel' && this.#channels.open.has(channelNumber)) {
      this.#channels.close(channelNumber, amqp, this.#channels.currentMethod);
    } else {
      // What RabbitMQ's channel process dies of is not tied to a method.
      this.#closeWith(amqp, amqp.replyText === 'INTERNAL_ERROR' ? 0 : this.#channels.currentMethod);
    }
  }

  #closeWith(error: AmqpError, method: number): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#endChannels();
    this.#state = 'closing';
    this.#send(0, 'connection.close', closeValues(error, method));
    this.#closingTimer = startTimer(() => this.destroy(), CLOSING_TIMEOUT_MS);
  }

  #endChannels(): void {
    this.#channels.end();
    this.#identity?.vhost.queues.removeOf(this);
  }

  #ended(): void {
    if (this.#state === 'closed') return;
    this.#endChannels();
    this.#state = 'closed';
    this.#heartbeat?.stop();
    this.#handshake.stop();
    stopTimer(this.#closingTimer);
    this.#output.end();
    this.environment.closed(this);
  }

  #block(reason: string): void {
    this.#blocked = true;
    if (this.#heartbeat !== undefined) this.#heartbeat.paused = true;
    if (this.#running.capabilities.has('connection.blocked')) this.#send(0, 'connection.blocked', { reason });
    this.#socket.pause();
  }

  #send(channel: number, name: MethodName, values?: Readonly<Record<string, MethodValue>>): void {
    this.writer.method(channel, encodeMethod(name, values));
    this.written();
  }

  #sent(): void {
    if (this.#heartbeat !== undefined) this.#heartbeat.sent = true;
  }
}

function address(host: string | undefined, port: number | undefined): string {
  return `${(host ?? '').replace(/^::ffff:/, '')}:${port ?? 0}`;
}
