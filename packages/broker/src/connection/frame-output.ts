import type { Socket } from 'node:net';
import type { FlushTarget } from '../channel/channel-host.js';
import { type RealTimer, startTimer, stopTimer } from '../clock/timers.js';
import { FrameWriter } from '../wire/frame-writer.js';
import type { ConnectionEnvironment } from './connection-environment.js';
import type { Flushable, FlushScheduler } from './flush-scheduler.js';

/** Bytes gathered in one turn above which consumers of this connection wait for the socket. */
const TURN_LIMIT_BYTES = 512 * 1024;

/** What a connection wants to hear of its output. */
export interface FrameOutputActions {
  /** Frames have left. */
  sent(): void;
  /** There is room again after {@link FrameOutput.writable} was `false`. */
  room(): void;
}

/** What one connection sends: frames are gathered during a turn and leave as one write, later when a fault says so. */
export class FrameOutput implements Flushable {
  readonly writer: FrameWriter;
  readonly #socket: Socket;
  readonly #environment: ConnectionEnvironment;
  readonly #scheduler: FlushScheduler;
  readonly #actions: FrameOutputActions;
  #flushTargets: FlushTarget[] = [];
  /** What a fault delays. */
  readonly #heldBack: (readonly Buffer[])[] = [];
  readonly #holdTimers = new Set<RealTimer>();
  #dirty = false;
  #needsDrain = false;
  #starved = false;
  #ended = false;

  constructor(
    socket: Socket,
    environment: ConnectionEnvironment,
    scheduler: FlushScheduler,
    actions: FrameOutputActions,
  ) {
    this.#socket = socket;
    this.#environment = environment;
    this.#scheduler = scheduler;
    this.#actions = actions;
    this.writer = new FrameWriter(environment.frameMax);
    socket.on('drain', () => this.#drained());
  }

  /** `false` while the peer does not keep up. */
  get writable(): boolean {
    const writable = !this.#needsDrain && this.writer.pendingBytes < TURN_LIMIT_BYTES;
    if (!writable) this.#starved = true;
    return writable;
  }

  /** Something was written: it goes out when the turn ends. */
  written(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#scheduler.add(this);
  }

  /** Asks for a call before the turn's frames leave. */
  flushLater(target: FlushTarget): void {
    this.#flushTargets.push(target);
  }

  /** Sends what was gathered, as one write. */
  flush(): void {
    this.#dirty = false;
    if (this.#ended) return;
    const targets = this.#flushTargets;
    if (targets.length > 0) {
      this.#flushTargets = [];
      for (const target of targets) target.beforeFlush();
    }
    const pieces = this.writer.take();
    if (pieces.length === 0) return;
    this.#actions.sent();
    const { delayMs, dropsSent } = this.#environment.faults;
    if (dropsSent) return;
    if (delayMs > 0 || this.#heldBack.length > 0) this.#holdBack(pieces, delayMs);
    else this.#write(pieces);
    if (this.#starved && !this.#needsDrain) this.#tellRoom();
  }

  /** Nothing leaves any more. */
  end(): void {
    this.#ended = true;
    for (const timer of this.#holdTimers) stopTimer(timer);
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
    if (this.#starved) this.#tellRoom();
  }

  #tellRoom(): void {
    this.#starved = false;
    this.#actions.room();
  }
}
