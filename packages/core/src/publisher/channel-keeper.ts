import { asError } from '../errors/error-text.js';
import type { Clock } from '../time/clock.js';
import type { ChannelEnd, PublishChannel } from '../transport/transport.js';
import type { ChannelSlot, PublishWrite } from './publish-job.js';

/** What a keeper tells its lane. */
export interface ChannelKeeperEvents {
  opened(slot: ChannelSlot): void;
  /** One try to open a channel failed; `again`, as the last one did. */
  failed(error: Error, again: boolean): void;
  /** A channel ended; every write in flight on it is in `slot.lost`. */
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
  /** The last try failed. */
  #hasFailed = false;
  /** The try that is to replace the current channel, while it is wanted. */
  #replacement: object | undefined;
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
  drainLost(): PublishWrite[] {
    return [...this.#slots].flatMap((slot) => slot.lost.splice(0));
  }

  /** Whether writes were lost that nobody has decided about yet. */
  get hasLost(): boolean {
    for (const { lost } of this.#slots) if (lost.length > 0) return true;
    return false;
  }

  /** The channel to publish on, when there is one. */
  get current(): ChannelSlot | undefined {
    return this.#state.kind === 'open' ? this.#state.slot : undefined;
  }

  /** Whether a channel is the one to publish on. */
  isCurrent(slot: ChannelSlot): boolean {
    return this.#state.kind === 'open' && this.#state.slot === slot;
  }

  /** Gives a channel up, with all that is still unconfirmed on it; the next {@link acquire} opens another. */
  retire(slot: ChannelSlot): void {
    if (this.isCurrent(slot)) this.#state = { kind: 'none' };
    slot.channel.close().catch(ignore);
  }

  /** Gives up the current channel, if there is one. */
  retireCurrent(): void {
    if (this.#state.kind === 'open') this.retire(this.#state.slot);
  }

  /**
   * Opens another channel beside the current one and takes its place, so that what has no answer on the old one is in
   * nobody's way. The old one stays open until it is retired. Nothing changes when no other can be opened.
   */
  replace(): void {
    if (this.#state.kind !== 'open' || this.#replacement !== undefined) return;
    const replacement = {};
    this.#replacement = replacement;
    const isWanted = () => this.#replacement === replacement;
    this.#openOne(isWanted, () => {
      this.#replacement = undefined;
    });
  }

  /** Ends the pause after a failed try, as when the connection is known to be back. */
  endPause(): void {
    this.#notBefore = 0;
    if (this.#state.kind !== 'pausing') return;
    this.#state.cancel();
    this.#state = { kind: 'none' };
  }

  /** Closes every channel and opens none again. Never rejects. */
  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    this.#replacement = undefined;
    if (state.kind === 'pausing') state.cancel();
    await Promise.all([...this.#slots].map(({ channel }) => channel.close().catch(ignore)));
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
    this.#replacement = undefined;
    this.#openOne(
      () => this.#state === opening,
      (error) => this.#failed(error),
    );
  }

  /** Opens one channel, unless it is not wanted any more when it comes. */
  #openOne(isWanted: () => boolean, failed: (error: Error) => void): void {
    const cancel = this.#clock.after(this.#timeoutMs + GRACE_MS, () => {
      if (isWanted()) failed(new Error(`no channel was opened within ${this.#timeoutMs} ms`));
    });
    startOpening(this.#open, this.#timeoutMs).then(
      (channel) => {
        cancel();
        if (isWanted()) this.#opened(channel, failed);
        else channel.close().catch(ignore);
      },
      (error: unknown) => {
        cancel();
        if (isWanted()) failed(asError(error));
      },
    );
  }

  #opened(channel: PublishChannel, failed: (error: Error) => void): void {
    if (!channel.isOpen) {
      failed(new Error('the channel ended as soon as it was open'));
      return;
    }
    const old = this.#state.kind === 'open' ? this.#state.slot : undefined;
    const onIdle = () => {
      if (!this.isCurrent(slot)) this.retire(slot);
    };
    const openedAt = this.#clock.monotonic();
    const slot: ChannelSlot = { channel, openedAt, lost: [], inFlight: 0, abandoned: 0, end: undefined, onIdle };
    this.#replacement = undefined;
    this.#slots.add(slot);
    this.#state = { kind: 'open', slot };
    this.#hasFailed = false;
    if (old?.inFlight === 0) this.retire(old);
    channel.onEnd((end) => {
      if (this.isCurrent(slot)) this.#state = { kind: 'none' };
      this.#slots.delete(slot);
      slot.end = end;
      this.#events.ended(slot, end);
    });
    this.#events.opened(slot);
  }

  #failed(error: Error): void {
    this.#state = { kind: 'none' };
    this.#notBefore = this.#clock.monotonic() + this.#pauseMs;
    const again = this.#hasFailed;
    this.#hasFailed = true;
    this.#events.failed(error, again);
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
