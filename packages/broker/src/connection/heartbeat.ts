import { type RealTimer, startTimer, stopTimer } from '../clock/timers.js';

/** What a heartbeat watches and does. */
export interface HeartbeatTarget {
  /** Nothing was sent for half an interval. It has to leave at once: later it would count as something else sent. */
  sendHeartbeat(): void;
  /** Nothing came for three intervals. */
  peerIsSilent(): void;
}

/** Half intervals of silence after which a peer counts as gone: three intervals, as measured on RabbitMQ. */
const SILENT_TICKS = 6;

/**
 * Heartbeats of one connection: one is sent whenever nothing else was for half the interval, and three intervals without
 * a byte from the peer end the connection. Runs on real time, whatever the virtual clock does.
 *
 * @see https://www.rabbitmq.com/docs/heartbeats
 */
export class Heartbeat {
  /** Set when bytes are sent. */
  sent = false;
  /** Set when bytes come in. */
  received = false;
  /** Held while input is not read on purpose: the peer cannot be blamed for silence. */
  paused = false;
  readonly #target: HeartbeatTarget;
  readonly #tickMs: number;
  #silentTicks = 0;
  #timer: RealTimer | undefined;

  constructor(intervalSeconds: number, target: HeartbeatTarget) {
    this.#target = target;
    this.#tickMs = intervalSeconds * 500;
    this.#arm();
  }

  stop(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = startTimer(() => this.#tick(), this.#tickMs);
  }

  #tick(): void {
    this.#arm();
    this.#silentTicks = this.received || this.paused ? 0 : this.#silentTicks + 1;
    this.received = false;
    if (this.#silentTicks >= SILENT_TICKS) {
      this.stop();
      this.#target.peerIsSilent();
      return;
    }
    if (!this.sent) this.#target.sendHeartbeat();
    this.sent = false;
  }
}
