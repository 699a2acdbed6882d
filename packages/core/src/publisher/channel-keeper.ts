import { asError } from '../errors/error-text.js';
import type { Clock } from '../time/clock.js';
import type { ChannelEnd, PublishChannel } from '../transport/transport.js';
import { JobList } from './job-list.js';
import type { PublishJob } from './publish-job.js';

/** A channel in use, and what its lane must remember about it. */
export interface ChannelSlot {
  readonly channel: PublishChannel;
  /** Messages whose answer was lost with it, until {@link ChannelKeeperEvents.ended} decides about all of them together. */
  readonly lost: JobList;
  /** Messages still unconfirmed on it that were given up after `confirmTimeout`. */
  abandoned: number;
  /** How it ended, once that is known. */
  end: ChannelEnd | undefined;
}

/** What a keeper tells its lane. */
export interface ChannelKeeperEvents {
  opened(slot: ChannelSlot): void;
  /** One try to open a channel failed. */
  failed(error: Error): void;
  /** A channel ended; every message in flight on it is in `slot.lost`. */
  ended(slot: ChannelSlot, end: ChannelEnd): void;
}

type State =
  | { readonly kind: 'none' }
  /** A try failed a moment ago; the next one begins when the pause is over. */
  | { readonly kind: 'pausing'; readonly cancel: () => void }
  | { readonly kind: 'opening' }
  | { readonly kind: 'open'; readonly slot: ChannelSlot }
  | { readonly kind: 'closed' };

/** The transport bounds the wait for a channel; this much later it is taken to have forgotten. */
const GRACE_MS = 1_000;

/** Keeps one channel to publish on: opens it when it is asked for, one try at a time, and again after it has ended. */
export class ChannelKeeper {
  readonly #open: (timeoutMs: number) => Promise<PublishChannel>;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #pauseMs: number;
  readonly #events: ChannelKeeperEvents;
  #state: State = { kind: 'none' };
  #notBefore = 0;
  /** Every channel whose end has not been reported. */
  readonly #slots = new Set<ChannelSlot>();

  /**
   * @param timeoutMs how long one try may take
   * @param pauseMs pause after a failed try, so that a stream of new messages does not become a stream of connects
   */
  constructor(
    open: (timeoutMs: number) => Promise<PublishChannel>,
    clock: Clock,
    timeoutMs: number,
    pauseMs: number,
    events: ChannelKeeperEvents,
  ) {
    this.#open = open;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#pauseMs = pauseMs;
    this.#events = events;
  }

  /** The channel to publish on now. When there is none it is opened, and {@link ChannelKeeperEvents} tell how it went. */
  acquire(): ChannelSlot | undefined {
    if (this.#state.kind === 'open') {
      if (this.#state.slot.channel.isOpen) return this.#state.slot;
      this.#state = { kind: 'none' };
    }
    if (this.#state.kind === 'none') this.#begin();
    return undefined;
  }

  /** Takes out what was lost with channels whose end has not been reported yet. */
  drainLost(): PublishJob[] {
    return [...this.#slots].flatMap((slot) => slot.lost.drain());
  }

  /** Gives a channel up, with all that is still unconfirmed on it; the next {@link acquire} opens another. */
  retire(slot: ChannelSlot): void {
    if (this.#isCurrent(slot)) this.#state = { kind: 'none' };
    slot.channel.close().catch(ignore);
  }

  /** Ends the pause after a failed try, as when the connection is known to be back. */
  endPause(): void {
    this.#notBefore = 0;
    if (this.#state.kind !== 'pausing') return;
    this.#state.cancel();
    this.#state = { kind: 'none' };
  }

  /** Closes the channel and opens none again. Never rejects. */
  close(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    if (state.kind === 'pausing') state.cancel();
    return state.kind === 'open' ? state.slot.channel.close().catch(ignore) : Promise.resolve();
  }

  #isCurrent(slot: ChannelSlot): boolean {
    return this.#state.kind === 'open' && this.#state.slot === slot;
  }

  #begin(): void {
    const pauseMs = this.#notBefore - this.#clock.monotonic();
    if (pauseMs <= 0) {
      this.#tryOnce();
      return;
    }
    const goOn = () => {
      this.#state = { kind: 'none' };
      this.#tryOnce();
    };
    this.#state = { kind: 'pausing', cancel: this.#clock.after(pauseMs, goOn, true) };
  }

  #tryOnce(): void {
    const opening: State = { kind: 'opening' };
    this.#state = opening;
    const cancel = this.#clock.after(this.#timeoutMs + GRACE_MS, () => {
      if (this.#state === opening) this.#failed(new Error(`no channel was opened within ${this.#timeoutMs} ms`));
    });
    startOpening(this.#open, this.#timeoutMs).then(
      (channel) => {
        cancel();
        if (this.#state === opening) this.#opened(channel);
        else channel.close().catch(ignore);
      },
      (error: unknown) => {
        cancel();
        if (this.#state === opening) this.#failed(asError(error));
      },
    );
  }

  #opened(channel: PublishChannel): void {
    if (!channel.isOpen) {
      this.#failed(new Error('the channel ended as soon as it was open'));
      return;
    }
    const slot: ChannelSlot = { channel, lost: new JobList(), abandoned: 0, end: undefined };
    this.#slots.add(slot);
    this.#state = { kind: 'open', slot };
    this.#notBefore = 0;
    channel.onEnd((end) => {
      if (this.#isCurrent(slot)) this.#state = { kind: 'none' };
      this.#slots.delete(slot);
      slot.end = end;
      this.#events.ended(slot, end);
    });
    this.#events.opened(slot);
  }

  #failed(error: Error): void {
    this.#state = { kind: 'none' };
    this.#notBefore = this.#clock.monotonic() + this.#pauseMs;
    this.#events.failed(error);
  }
}

async function startOpening(
  open: (timeoutMs: number) => Promise<PublishChannel>,
  timeoutMs: number,
): Promise<PublishChannel> {
  return open(timeoutMs);
}

function ignore(): void {
  // A channel that cannot be closed is gone.
}
