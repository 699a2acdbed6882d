import type { Socket } from 'node:net';
import { Channel } from '../channel/channel.js';
import type { ChannelHost, FlushTarget, Permission } from '../channel/channel-host.js';
import { handleMethod } from '../channel/channel-methods.js';
import { type RealTimer, startTimer, stopTimer } from '../clock/timers.js';
import { AmqpError, channelError, connectionError } from '../errors/amqp-error.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import { MalformedTableError } from '../wire/field-table.js';
import {
  FRAME_BODY,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  type FrameHandler,
  FrameParser,
} from '../wire/frame-parser.js';
import { FrameWriter } from '../wire/frame-writer.js';
import {
  decodeMethod,
  encodeMethod,
  MalformedMethodError,
  type MethodArguments,
  type MethodName,
  type MethodValue,
  methodName,
  methodNumber,
} from '../wire/methods.js';
import { MalformedPropertiesError } from '../wire/properties.js';
import type { User } from './authentication.js';
import type { ConnectionEnvironment } from './connection-registry.js';
import type { FlushScheduler } from './flush-scheduler.js';
import { type ClientIdentity, Handshake } from './handshake.js';
import { Heartbeat } from './heartbeat.js';

const PROTOCOL_HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1');
const BASIC_ACK = methodNumber(60, 80);
const BASIC_PUBLISH = methodNumber(60, 40);
/** How long either side may take over closing. */
const CLOSING_TIMEOUT_MS = 30_000;
/** Bytes gathered in one turn above which consumers of this connection wait for the socket. */
const TURN_LIMIT_BYTES = 512 * 1024;

type State = 'header' | 'handshake' | 'running' | 'closing' | 'closed';

/**
 * One client connection: bytes in, frames to channels, frames out. Nothing a client sends gets past it as an exception:
 * mistakes close the channel or the connection, as in RabbitMQ, and the other connections go on.
 *
 * Long because one thing: every frame passes here, and the state decides what becomes of it.
 */
export class Connection implements ChannelHost, FrameHandler {
  readonly environment: ConnectionEnvironment;
  readonly writer: FrameWriter;
  /** `127.0.0.1:50000 -> 127.0.0.1:5672`, as in the management API. */
  readonly name: string;
  readonly connectedAt: number;
  readonly channels = new Map<number, Channel>();
  readonly #socket: Socket;
  readonly #scheduler: FlushScheduler;
  readonly #parser: FrameParser;
  readonly #handshake: Handshake;
  /** Channels closed by the server whose close-ok has not come yet. */
  readonly #closingChannels = new Set<number>();
  #state: State = 'header';
  #headerBytes: Buffer = Buffer.alloc(0);
  #identity: ClientIdentity | undefined;
  #heartbeat: Heartbeat | undefined;
  #closingTimer: RealTimer | undefined;
  #flushTargets: FlushTarget[] = [];
  /** What a fault delays. */
  readonly #heldBack: (readonly Buffer[])[] = [];
  readonly #holdTimers = new Set<RealTimer>();
  /** Input cannot be cut into frames any more: what still comes is taken for the client's connection.close-ok. */
  #inputIsBroken = false;
  #dirty = false;
  #needsDrain = false;
  #starved = false;
  #blocked = false;
  /** The method being handled, for the class and method of an error. */
  #currentMethod = 0;
  /** Payload of the last basic.publish: a client that publishes to the same place sends the same bytes. */
  #lastPublishBytes: Buffer = Buffer.alloc(0);
  #lastPublish: MethodArguments | undefined;
  #lastPublishMethod = { exchange: '', routingKey: '', mandatory: false, immediate: false };

  constructor(socket: Socket, environment: ConnectionEnvironment, scheduler: FlushScheduler) {
    this.#socket = socket;
    this.environment = environment;
    this.#scheduler = scheduler;
    this.name = `${address(socket.remoteAddress, socket.remotePort)} -> ${address(socket.localAddress, socket.localPort)}`;
    this.connectedAt = environment.clock.wallTime();
    this.writer = new FrameWriter(environment.frameMax);
    this.#parser = new FrameParser(this, environment.frameMax);
    this.#handshake = new Handshake(environment, {
      send: (name, values) => this.#send(0, name, values),
      refuse: (error, method) => this.#closeWith(error, method),
      drop: () => this.destroy(),
      opened: (identity) => this.#opened(identity),
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('drain', () => this.#drained());
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

  get state(): State {
    return this.#state;
  }

  /** Whether the alarm keeps this connection from being read. */
  get blocked(): boolean {
    return this.#blocked;
  }

  get understandsCancel(): boolean {
    return this.#running.capabilities.has('consumer_cancel_notify');
  }

  get writable(): boolean {
    const writable = !this.#needsDrain && this.writer.pendingBytes < TURN_LIMIT_BYTES;
    if (!writable) this.#starved = true;
    return writable;
  }

  written(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#scheduler.add(this);
  }

  flushLater(target: FlushTarget): void {
    this.#flushTargets.push(target);
  }

  checkPermission(permission: Permission, kind: 'queue' | 'exchange', name: string): void {
    const { user, vhost } = this.#running;
    // The default exchange goes by this name in permissions.
    const resource = kind === 'exchange' && name === '' ? 'amq.default' : name;
    const pattern = user.permissions.get(vhost.name)?.[permission];
    if (pattern?.test(resource) === true) return;
    const what = this.environment.profile.version === '3.10' ? 'access' : `${permission} access`;
    throw channelError(
      403,
      `${what} to ${kind} '${resource}' in vhost '${vhost.name}' refused for user '${user.name}'`,
    );
  }

  failChannel(channelNumber: number, code: number, text: string): void {
    this.#closeChannel(channelNumber, channelError(code, text), 0);
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

  /** Sends what was gathered, as one write. */
  flush(): void {
    this.#dirty = false;
    if (this.#state === 'closed') return;
    const targets = this.#flushTargets;
    if (targets.length > 0) {
      this.#flushTargets = [];
      for (const target of targets) target.beforeFlush();
    }
    const pieces = this.writer.take();
    if (pieces.length === 0) return;
    if (this.#heartbeat !== undefined) this.#heartbeat.sent = true;
    const { delayMs, dropsSent } = this.environment.faults;
    if (dropsSent) return;
    if (delayMs > 0 || this.#heldBack.length > 0) this.#holdBack(pieces, delayMs);
    else this.#write(pieces);
    if (this.#starved && !this.#needsDrain) this.#wakeConsumers();
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
    this.#currentMethod = 0;
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
    this.#headerBytes = this.#headerBytes.length === 0 ? chunk : Buffer.concat([this.#headerBytes, chunk]);
    const known = Math.min(this.#headerBytes.length, PROTOCOL_HEADER.length);
    if (this.#headerBytes.compare(PROTOCOL_HEADER, 0, known, 0, known) !== 0) {
      if (known < PROTOCOL_HEADER.length) return;
      this.writer.raw(Buffer.from(this.environment.profile.protocolHeader));
      this.finish();
      return;
    }
    if (known < PROTOCOL_HEADER.length) return;
    this.#state = 'handshake';
    const rest = this.#headerBytes.subarray(PROTOCOL_HEADER.length);
    this.#headerBytes = Buffer.alloc(0);
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
    if (this.#closingChannels.has(channelNumber)) return true;
    const channel = this.channels.get(channelNumber);
    if (channel === undefined) {
      const text =
        channelNumber === 0
          ? `type ${type}, all octets = ${octets(bytes, start, end)}`
          : 'expected method frame, got non method frame instead';
      throw connectionError(505, text);
    }
    this.#currentMethod = channel.expectedContent === undefined ? 0 : BASIC_PUBLISH;
    if (type === FRAME_HEADER) channel.contentHeader(bytes, start, end);
    else channel.contentBody(bytes, start, end);
    return true;
  }

  #handleMethodFrame(channelNumber: number, bytes: Buffer, start: number, end: number): boolean {
    if (end - start < 4) {
      throw connectionError(501, `type 1, all octets = ${octets(bytes, start, end)}: unknown_frame`);
    }
    const id = bytes.readInt32BE(start);
    if (this.#state === 'running') {
      const channel = this.channels.get(channelNumber);
      if (channel !== undefined && channel.expectedContent === undefined) {
        if (id === BASIC_PUBLISH) return this.#publish(channel, bytes, start + 4, end);
        if (id === BASIC_ACK) {
          this.#currentMethod = id;
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
    this.#currentMethod = id;
    const method = this.#decode(id, bytes, start + 4, end);
    if (method === undefined) return true;
    if (channelNumber === 0) this.#handleConnectionMethod(name, method);
    else if (this.#state === 'running') this.#handleChannelMethod(channelNumber, name, method);
    else if (this.#state === 'handshake') this.destroy();
    return true;
  }

  #publish(channel: Channel, bytes: Buffer, start: number, end: number): boolean {
    if (this.environment.alarm !== undefined) {
      this.#block(this.environment.alarm);
      return false;
    }
    this.#currentMethod = BASIC_PUBLISH;
    if (this.#lastPublish === undefined || !sameBytes(this.#lastPublishBytes, bytes, start, end)) {
      const method = this.#decode(BASIC_PUBLISH, bytes, start, end);
      if (method === undefined) return true;
      this.#lastPublish = method;
      this.#lastPublishBytes = Buffer.from(bytes.subarray(start, end));
      this.#lastPublishMethod = {
        exchange: method.text('exchange'),
        routingKey: method.text('routingKey'),
        mandatory: method.flag('mandatory'),
        immediate: method.flag('immediate'),
      };
    }
    channel.beginPublish(this.#lastPublishMethod);
    return true;
  }

  /** Reads a method's fields. RabbitMQ falls over a broken table without a word, and so the socket is closed here. */
  #decode(id: number, bytes: Buffer, start: number, end: number): MethodArguments | undefined {
    try {
      return decodeMethod(id, bytes, start, end);
    } catch (error) {
      if (error instanceof MalformedMethodError) {
        throw connectionError(501, `cannot decode ${octets(bytes, start, end)}`);
      }
      if (!(error instanceof MalformedTableError)) throw error;
      this.destroy();
      return undefined;
    }
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

  #handleChannelMethod(channelNumber: number, name: MethodName, method: MethodArguments): void {
    if (this.#closingChannels.has(channelNumber)) {
      // After channel.close nothing on that channel counts until the client has agreed.
      if (name === 'channel.close') this.#send(channelNumber, 'channel.close-ok');
      if (name === 'channel.close-ok') this.#closingChannels.delete(channelNumber);
      return;
    }
    const channel = this.channels.get(channelNumber);
    if (channel === undefined) {
      if (name !== 'channel.open') throw connectionError(504, "expected 'channel.open'");
      this.#openChannel(channelNumber);
      return;
    }
    const expected = channel.expectedContent;
    if (expected !== undefined) {
      this.#currentMethod = BASIC_PUBLISH;
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
        this.channels.delete(channelNumber);
        channel.end();
        this.#send(channelNumber, 'channel.close-ok');
        return;
      default:
        handleMethod(channel, name, method);
    }
  }

  #openChannel(channelNumber: number): void {
    const { channelMax } = this.#running;
    if (this.channels.size >= channelMax) {
      this.#currentMethod = 0;
      const text = `number of channels opened (${this.channels.size}) has reached the negotiated channel_max (${channelMax})`;
      throw connectionError(530, text);
    }
    this.channels.set(channelNumber, new Channel(channelNumber, this));
    this.#send(channelNumber, 'channel.open-ok');
  }

  #opened(identity: ClientIdentity): void {
    this.#identity = identity;
    this.#state = 'running';
    this.#parser.frameMax = identity.frameMax;
    this.writer.frameMax = identity.frameMax;
    if (identity.heartbeatSeconds > 0) this.#heartbeat = new Heartbeat(identity.heartbeatSeconds, this);
    this.environment.opened(this);
  }

  #failed(error: unknown, channelNumber: number): void {
    const amqp = asAmqpError(error);
    if (this.#state !== 'running') {
      if (this.#state === 'handshake') this.destroy();
      return;
    }
    if (amqp.scope === 'channel' && this.channels.has(channelNumber)) {
      this.#closeChannel(channelNumber, amqp, this.#currentMethod);
    } else {
      // What RabbitMQ's channel process dies of is not tied to a method.
      this.#closeWith(amqp, amqp.replyText === 'INTERNAL_ERROR' ? 0 : this.#currentMethod);
    }
  }

  #closeChannel(channelNumber: number, error: AmqpError, method: number): void {
    const channel = this.channels.get(channelNumber);
    if (channel === undefined) return;
    this.channels.delete(channelNumber);
    this.#closingChannels.add(channelNumber);
    channel.end();
    this.#send(channelNumber, 'channel.close', closeValues(error, method));
  }

  #closeWith(error: AmqpError, method: number): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#endChannels();
    this.#state = 'closing';
    this.#send(0, 'connection.close', closeValues(error, method));
    this.#closingTimer = startTimer(() => this.destroy(), CLOSING_TIMEOUT_MS);
  }

  #endChannels(): void {
    const channels = [...this.channels.values()];
    this.channels.clear();
    this.#closingChannels.clear();
    for (const channel of channels) channel.end();
    this.#identity?.vhost.removeQueuesOf(this);
  }

  #ended(): void {
    if (this.#state === 'closed') return;
    this.#endChannels();
    this.#state = 'closed';
    this.#heartbeat?.stop();
    this.#handshake.stop();
    stopTimer(this.#closingTimer);
    for (const timer of this.#holdTimers) stopTimer(timer);
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

  /** Sends later, but never out of order: whichever timer fires first sends what has waited longest. */
  #holdBack(pieces: readonly Buffer[], delayMs: number): void {
    this.#heldBack.push(pieces);
    const timer = startTimer(() => {
      this.#holdTimers.delete(timer);
      const next = this.#heldBack.shift();
      if (next !== undefined) this.#write(next);
    }, delayMs);
    this.#holdTimers.add(timer);
  }

  #write(pieces: readonly Buffer[]): void {
    const socket = this.#socket;
    if (socket.destroyed || !socket.writable) return;
    let accepted = true;
    if (pieces.length > 1) socket.cork();
    for (const piece of pieces) accepted = socket.write(piece);
    if (pieces.length > 1) socket.uncork();
    if (!accepted) this.#needsDrain = true;
  }

  #drained(): void {
    this.#needsDrain = false;
    if (this.#starved) this.#wakeConsumers();
  }

  #wakeConsumers(): void {
    this.#starved = false;
    for (const channel of [...this.channels.values()]) channel.wake();
  }
}

function closeValues(error: AmqpError, method: number): Record<string, MethodValue> {
  const classId = (method >> 16) & 0xffff;
  return { replyCode: error.code, replyText: error.replyText, classId, methodId: method & 0xffff };
}

/** Properties that cannot be read, and anything unforeseen, are an internal error, which ends only this connection. */
function asAmqpError(error: unknown): AmqpError {
  if (error instanceof AmqpError) return error;
  const malformed = error instanceof MalformedTableError || error instanceof MalformedPropertiesError;
  if (malformed) return connectionError(541);
  return connectionError(541, error instanceof Error ? error.message : String(error));
}

/** Bytes as Erlang prints them; only the first of many, as a reply text is short. */
function octets(bytes: Buffer, start: number, end: number): string {
  return `<<${bytes.subarray(start, Math.min(end, start + 128)).join(',')}>>`;
}

function sameBytes(expected: Buffer, bytes: Buffer, start: number, end: number): boolean {
  const length = end - start;
  if (expected.length !== length) return false;
  for (let i = 0; i < length; i++) if (expected[i] !== bytes[start + i]) return false;
  return true;
}

function address(host: string | undefined, port: number | undefined): string {
  return `${(host ?? '').replace(/^::ffff:/, '')}:${port ?? 0}`;
}
