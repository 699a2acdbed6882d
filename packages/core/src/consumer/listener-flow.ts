import { errorText } from '../errors/error-text.js';
import { KillSwitch, type KillSwitchState } from '../outage/kill-switch.js';
import { RateLimit } from '../outage/rate-limit.js';
import type { Clock } from '../time/clock.js';
import type { Transport } from '../transport/transport.js';
import { type InHand, inHandAtPause, keepsInHand } from './at-pause.js';
import { consumesStream } from './check-stream.js';
import type { Consumer } from './consumer.js';
import type { DeliveryFlow } from './delivery-flow.js';
import type { ListenerDefinition } from './listener-definition.js';
import type { PauseState } from './pause-options.js';

/** Who ended a pause. `time`: its own `for`. */
export type ResumedBy = 'person' | 'kill-switch' | 'time';

/** What a flow needs of its listener, and tells it. */
export interface FlowHost {
  readonly definition: ListenerDefinition;
  readonly transport: Pick<Transport, 'broker'>;
  readonly clock: Clock;
  /** What texts of errors go through before they are shown. */
  readonly redact: (text: string) => string;
  consumers(): readonly Consumer[];
  paused(state: PauseState, forMs: number | undefined): void;
  resumed(by: ResumedBy, pausedForMs: number): void;
  probed(succeeded: boolean): void;
  /** `killSwitch.when` threw about the error of an attempt. */
  doubted(doubt: unknown): void;
}

/** A kill switch as it stands. */
export interface KillSwitchSnapshot {
  readonly state: KillSwitchState;
  /** How often it has tripped. */
  readonly trips: number;
  /** Of the latest attempts, as far as they count. */
  readonly failed: number;
  readonly of: number;
}

/** What costs a delivery to give back is kept for so long by a pause that may last: it is not to be kept from others for ever. */
const KEEP_MS = 60_000;
/** What a probe that proved nothing is followed by another after, and how long one waits for a message that nobody has tried. */
const SOON_MS = 1000;
/** While it comes back, twice as many workers after each. */
const RAMP_STEP_MS = 1000;
/** Messages that failed as probes are kept, so that the next is another: one that fails for ever must not look like an outage. */
const PROBES_KEPT = 5;

/** A pause as it stands; `since` is by the monotonic clock. */
interface Standing {
  readonly state: PauseState;
  readonly since: number;
  readonly inHand: InHand;
  readonly endTimers: () => void;
}

/**
 * Whether a listener takes deliveries. What a person says outlives connections, stops and starts, until it is taken back, and
 * counts for more than what the kill switch finds.
 */
export class ListenerFlow implements DeliveryFlow {
  readonly rate: RateLimit | undefined;
  readonly #host: FlowHost;
  readonly #switch: KillSwitch | undefined;
  #pause: Standing | undefined;
  /** Workers that are back, while it comes back. */
  #ramp: { readonly workers: number; readonly endTimer: () => void } | undefined;

  constructor(host: FlowHost) {
    const { killSwitch, maxRate } = host.definition;
    this.#host = host;
    this.rate = maxRate && new RateLimit(maxRate, host.clock);
    this.#switch = killSwitch && new KillSwitch(killSwitch, host.clock);
  }

  get inHand(): InHand | undefined {
    return this.#pause?.inHand;
  }

  get isOutage(): boolean {
    return this.#pause?.state.by === 'kill-switch';
  }

  /** Why it takes nothing, when it does not. */
  get pause(): PauseState | undefined {
    return this.#pause?.state;
  }

  /** Workers that are to have deliveries now. */
  get wanted(): number {
    return this.#pause === undefined ? (this.#ramp?.workers ?? this.#host.definition.concurrency) : 0;
  }

  get killSwitch(): KillSwitchSnapshot | undefined {
    const { state, trips, share } = this.#switch ?? {};
    return state === undefined || trips === undefined || share === undefined ? undefined : { state, trips, ...share };
  }

  get moment(): number {
    return this.#switch?.moment ?? 0;
  }

  /** A pause that stands is replaced: its reason, and its end. */
  pauseFor(reason: string, forMs: number | undefined): void {
    const { clock, definition, transport } = this.#host;
    this.#switch?.reset();
    const inHand = inHandAtPause(definition, transport, 'person');
    const keepsTooLong = inHand === 'keep' && definition.acknowledge !== 'none' && (forMs ?? Infinity) > KEEP_MS;
    this.#shut('person', reason, forMs, inHand, [
      ...(forMs === undefined ? [] : [clock.after(forMs, () => this.resume('time'))]),
      ...(keepsTooLong ? [clock.after(KEEP_MS, () => this.#letGo())] : []),
    ]);
    this.#host.paused((this.#pause as Standing).state, forMs);
  }

  /** Does nothing when it is not paused. */
  resume(by: ResumedBy): void {
    this.#switch?.reset();
    this.#endRamp();
    if (this.#pause === undefined) return;
    this.#end(by);
    for (const consumer of this.#host.consumers()) consumer.open();
  }

  /** The listener has stopped: what its kill switch found is of no use any more. */
  stopped(): void {
    this.#switch?.reset();
    this.#endRamp();
    if (this.#pause?.state.by !== 'kill-switch') return;
    this.#pause.endTimers();
    this.#pause = undefined;
  }

  succeeded(moment: number): void {
    if (this.#switch?.succeeded(moment) !== true) return;
    this.#host.probed(true);
    this.#end('kill-switch');
    this.#rampUp(1);
  }

  failed(error: unknown, moment: number, failures: number): boolean {
    const killSwitch = this.#switch;
    if (killSwitch === undefined || !this.#counts(error)) return false;
    const isProbe = killSwitch.state === 'probing';
    if ((isProbe || failures <= killSwitch.hearsMessage) && this.#pause?.state.by !== 'person') {
      const share = killSwitch.failed(moment);
      if (share !== undefined) this.#trip(isProbe, `${share.failed} of the latest ${share.of} attempts failed`, error);
    }
    return killSwitch.isOutage(moment);
  }

  /** A consumer has nothing more to do. The probe may have proved nothing: then another is made. */
  rests(): void {
    if (this.#switch?.state !== 'probing' || this.#pause === undefined) return;
    if (this.#host.consumers().some((consumer) => consumer.isProbing)) return;
    this.#planProbe(SOON_MS);
  }

  #counts(error: unknown): boolean {
    try {
      const { killSwitch, retry } = this.#host.definition;
      const when = killSwitch?.when ?? retry?.retryable;
      return when === undefined || when(error) === true;
    } catch (doubt) {
      this.#host.doubted(doubt);
      return true;
    }
  }

  #trip(isProbe: boolean, share: string, error: unknown): void {
    const { definition, transport, redact, clock } = this.#host;
    const pauseMs = definition.killSwitch?.pauseMs ?? 0;
    if (isProbe) {
      this.#host.probed(false);
      this.#planProbe(pauseMs);
      return;
    }
    const reason = redact(`${share}; the last: ${errorText(error)}`);
    const inHand = inHandAtPause(definition, transport, 'kill-switch');
    this.#shut('kill-switch', reason, pauseMs, inHand, [clock.after(pauseMs, () => this.#probe())]);
    this.#host.paused((this.#pause as Standing).state, pauseMs);
  }

  #shut(
    by: PauseState['by'],
    reason: string,
    forMs: number | undefined,
    inHand: InHand,
    timers: readonly (() => void)[],
  ): void {
    const { clock } = this.#host;
    this.#endRamp();
    this.#pause?.endTimers();
    const pausedAt = clock.now();
    const resumesAt = forMs === undefined ? undefined : pausedAt + forMs;
    const state: PauseState = { by, reason, pausedAt, resumesAt };
    this.#pause = { state, since: this.#pause?.since ?? clock.monotonic(), inHand, endTimers: ending(timers) };
    for (const consumer of this.#host.consumers()) consumer.shut(inHand);
  }

  #end(by: ResumedBy): void {
    const pause = this.#pause;
    if (pause === undefined) return;
    pause.endTimers();
    this.#pause = undefined;
    this.#host.resumed(by, this.#host.clock.monotonic() - pause.since);
  }

  #letGo(): void {
    if (this.#pause === undefined) return;
    this.#pause = { ...this.#pause, inHand: 'give-back' };
    for (const consumer of this.#host.consumers()) consumer.shut('give-back');
  }

  #planProbe(inMs: number): void {
    const pause = this.#pause;
    if (pause === undefined) return;
    const { clock } = this.#host;
    pause.endTimers();
    const plannedAt = clock.now();
    this.#pause = {
      ...pause,
      state: { ...pause.state, resumesAt: plannedAt + inMs },
      endTimers: ending([clock.after(inMs, () => this.#probe())]),
    };
  }

  /** Tries one message: one that has not been tried, where that does not break the order, else the one kept for longest. */
  #probe(): void {
    const consumers = this.#host.consumers();
    const pause = this.#pause;
    const consumer =
      consumers.find(({ waits }) => waits > 0) ?? consumers.find(({ isAtWork }) => !isAtWork) ?? consumers[0];
    if (pause === undefined || consumer === undefined) return;
    this.#switch?.probe();
    // What fails as a probe is kept, whatever its queue, but for streams: there it comes again from its place.
    const { inHand: before } = pause;
    const inHand = keepsInHand(before) || consumesStream(this.#host.definition) ? before : 'keep';
    this.#pause = { ...pause, inHand };
    const fetches = inHand === 'keep' && consumer.waits < PROBES_KEPT;
    consumer.takeOne(inHand, fetches);
    if (!fetches || consumer.waits === 0) return;
    const timer = this.#host.clock.after(SOON_MS, () => {
      if (this.#switch?.state === 'probing' && consumer.isProbing) consumer.takeOne(inHand, false);
    });
    this.#pause = { ...this.#pause, endTimers: timer };
  }

  #rampUp(workers: number): void {
    const { definition, clock } = this.#host;
    const all = [...this.#host.consumers()].sort((one, other) => other.waits - one.waits);
    if (workers > definition.concurrency) {
      this.#endRamp();
      this.#switch?.ramped();
      for (const consumer of all) consumer.open();
      return;
    }
    this.#ramp = {
      workers,
      endTimer: clock.after(RAMP_STEP_MS, () => this.#rampUp(nextStep(workers, definition.concurrency))),
    };
    // Those that are open already stay.
    const [open, shut] = [all.filter(({ isShut }) => !isShut), all.filter(({ isShut }) => isShut)];
    let left = workers;
    for (const consumer of [...open, ...shut]) {
      const limit = Math.min(left, consumer.workers);
      left -= limit;
      if (limit > 0 && (consumer.isShut || consumer.limit !== limit)) consumer.open(1, limit);
    }
  }

  #endRamp(): void {
    this.#ramp?.endTimer();
    this.#ramp = undefined;
  }
}

/** Twice as many, but not more than there are; and then everything that they fetch in advance. */
function nextStep(workers: number, concurrency: number): number {
  return workers === concurrency ? concurrency + 1 : Math.min(workers * 2, concurrency);
}

function ending(timers: readonly (() => void)[]): () => void {
  return () => {
    for (const end of timers) end();
  };
}
