import type { Clock } from '../time/clock.js';
import type { Transport } from '../transport/transport.js';
import { type InHand, inHandAtPause } from './at-pause.js';
import type { Consumer } from './consumer.js';
import type { DeliveryFlow } from './delivery-flow.js';
import type { ListenerDefinition } from './listener-definition.js';
import type { PauseState } from './pause-options.js';

/** What a flow needs of its listener. */
export interface FlowHost {
  readonly definition: ListenerDefinition;
  readonly transport: Pick<Transport, 'broker'>;
  readonly clock: Clock;
  consumers(): readonly Consumer[];
  paused(state: PauseState, forMs: number | undefined): void;
  resumed(by: ResumedBy, pausedForMs: number): void;
}

/** Who ended a pause. `time`: its own `for`. */
export type ResumedBy = 'person' | 'kill-switch' | 'time';

/** What costs a delivery to give back is kept for so long by a pause that may last: it is not to be kept from others for ever. */
const KEEP_MS = 60_000;

/** A pause as it stands; `since` is by the monotonic clock. */
interface Standing {
  readonly state: PauseState;
  readonly since: number;
  readonly inHand: InHand;
  readonly endTimers: () => void;
}

/** Whether a listener takes deliveries. What a person says outlives connections, stops and starts, until it is taken back. */
export class ListenerFlow implements DeliveryFlow {
  readonly #host: FlowHost;
  #pause: Standing | undefined;

  constructor(host: FlowHost) {
    this.#host = host;
  }

  get inHand(): InHand | undefined {
    return this.#pause?.inHand;
  }

  /** Why it takes nothing, when it does not. */
  get pause(): PauseState | undefined {
    return this.#pause?.state;
  }

  /** Consumers that the broker is to have now. */
  get wanted(): number {
    return this.#pause === undefined ? this.#host.definition.concurrency : 0;
  }

  /** A pause that stands is replaced: its reason, and its end. */
  pauseFor(reason: string, forMs: number | undefined): void {
    const { clock, definition, transport } = this.#host;
    this.#pause?.endTimers();
    const inHand = inHandAtPause(definition, transport, 'person');
    const pausedAt = clock.now();
    const state: PauseState = {
      by: 'person',
      reason,
      pausedAt,
      resumesAt: forMs === undefined ? undefined : pausedAt + forMs,
    };
    const timers = [
      ...(forMs === undefined ? [] : [clock.after(forMs, () => this.resume('time'))]),
      ...(inHand === 'keep' && (forMs ?? KEEP_MS + 1) > KEEP_MS ? [clock.after(KEEP_MS, () => this.#letGo())] : []),
    ];
    const endTimers = () => {
      for (const end of timers) end();
    };
    this.#pause = { state, since: this.#pause?.since ?? clock.monotonic(), inHand, endTimers };
    for (const consumer of this.#host.consumers()) consumer.shut(inHand);
    this.#host.paused(state, forMs);
  }

  #letGo(): void {
    if (this.#pause === undefined || this.#host.definition.acknowledge === 'none') return;
    this.#pause = { ...this.#pause, inHand: 'give-back' };
    for (const consumer of this.#host.consumers()) consumer.shut('give-back');
  }

  /** Does nothing when it is not paused. */
  resume(by: ResumedBy): void {
    const pause = this.#pause;
    if (pause === undefined) return;
    pause.endTimers();
    this.#pause = undefined;
    this.#host.resumed(by, this.#host.clock.monotonic() - pause.since);
    for (const consumer of this.#host.consumers()) consumer.open();
  }
}
