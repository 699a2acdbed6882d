import { Bag, type Placed } from '../collections/bag.js';
import type { Enter } from '../events/own-context.js';
import { type BackoffPolicy, backoffDelayMs } from '../time/backoff.js';
import { pause } from '../time/clock.js';
import type { Delivery } from '../transport/transport.js';
import type { Admission } from './admission.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import type { Interruption } from './interruptible.js';
import { DeliveryProcess } from './process-delivery.js';
import type { Work } from './still-at-work.js';
import { StreamDelivery } from './stream-delivery.js';
import type { WaitingDelivery } from './waiting-deliveries.js';

/** How a delivery begins. */
export interface Beginning {
  readonly admission: Admission;
  /** It is the one which is to be tried alone. */
  readonly isProbe: boolean;
  /** Takes the handler to the async context in which the listener was started. */
  readonly enter: Enter;
}

/** A delivery that has begun and not had its turn. */
export interface Begun extends WaitingDelivery {
  readonly admission: Admission;
  readonly isProbe: boolean;
}

/** The same, as it goes on. */
interface AtHand extends Begun, Placed {
  delivery: Delivery;
  since: number;
  /** Its handler is at work; what comes from a stream rests between its attempts. */
  process: DeliveryProcess | undefined;
  /** When that ends. */
  ended: Promise<void> | undefined;
}

/** What the deliveries at work need of their consumer, and tell it. */
export interface AtWorkHost {
  /** The consumer is being stopped. */
  readonly isStopping: boolean;
  /** What of a stream is put back is tried again here. */
  readonly goesOn: boolean;
  /** Resolves when the wait has passed, or something has happened to the consumer. Never rejects. */
  nudgedOr(ended: Promise<unknown>): Promise<void>;
  /** An attempt came to nothing because the listener is paused: the delivery waits again. */
  putOff(begun: Begun): void;
  /** It has had its turn. */
  ended(begun: Begun): void;
}

/** The deliveries of one consumer that are at work, side by side. */
export class AtWork {
  readonly #env: DeliveryEnvironment;
  readonly #host: AtWorkHost;
  readonly #begun = new Bag<AtHand>();

  constructor(env: DeliveryEnvironment, host: AtWorkHost) {
    this.#env = env;
    this.#host = host;
  }

  /** Deliveries that have begun and not had their turn. */
  get size(): number {
    return this.#begun.size;
  }

  get begun(): readonly Begun[] {
    return [...this.#begun.items];
  }

  /** Whose handlers are at work now, with the ends of that. */
  get works(): readonly Work[] {
    return this.#begun.items.flatMap(({ delivery: { message }, ended }) =>
      ended === undefined ? [] : { message, ended },
    );
  }

  /** The one that is tried alone is at work. */
  get hasProbe(): boolean {
    return this.#begun.items.some(({ isProbe }) => isProbe);
  }

  /** When the first of them came. */
  get oldestSince(): number | undefined {
    let oldest: number | undefined;
    for (const { since } of this.#running) oldest = Math.min(oldest ?? since, since);
    return oldest;
  }

  /** Deliveries whose handlers are at work now. */
  get deliveries(): readonly Delivery[] {
    return this.#running.map(({ delivery }) => delivery);
  }

  /** Its handler may have ended when this returns. */
  begin({ delivery, since }: WaitingDelivery, { admission, isProbe, enter }: Beginning): void {
    const begun: AtHand = { delivery, since, admission, isProbe, place: 0, process: undefined, ended: undefined };
    this.#begun.add(begun);
    if (delivery.channel instanceof StreamDelivery) {
      void this.#fromStream(begun, delivery.channel, enter).then(() => this.#had(begun));
      return;
    }
    const had = () => {
      this.#ended(begun);
      this.#had(begun);
    };
    const ended = this.#run(begun, enter);
    // What is told of a probe has to wait until whoever had it begin is ready to hear it.
    if (ended === undefined && !isProbe) had();
    else void (ended ?? Promise.resolve()).then(had);
  }

  /** Tells those that pass the test that waiting, or going on, is of no use. */
  interrupt(why: Interruption, test: (delivery: Delivery) => boolean = () => true): void {
    for (const { delivery, process } of this.#running) if (test(delivery)) process?.interrupt(why);
  }

  get #running(): readonly AtHand[] {
    return this.#begun.items.filter(({ process }) => process !== undefined);
  }

  async #fromStream(begun: AtHand, channel: StreamDelivery, enter: Enter): Promise<void> {
    const { position, clock } = this.#env;
    const host = this.#host;
    if (position?.isDone(channel.offset) === true) channel.ack();
    else await this.#once(begun, enter);
    for (let times = 1; channel.takeWish() && channel.isOpen && host.goesOn; times++) {
      await host.nudgedOr(pause(clock, backoffDelayMs(AGAIN, times)));
      if (!channel.isOpen || !host.goesOn) return;
      begun.delivery = { ...begun.delivery, message: { ...begun.delivery.message, redelivered: true } };
      begun.since = clock.monotonic();
      await this.#once(begun, enter);
    }
  }

  async #once(begun: AtHand, enter: Enter): Promise<void> {
    await this.#run(begun, enter);
    this.#ended(begun);
  }

  #run(begun: AtHand, enter: Enter): Promise<void> | undefined {
    const process = new DeliveryProcess(begun.delivery, this.#env, enter, begun.admission.crashes);
    // It counts from its first moment: it may be interrupted by what it does before its first pause.
    begun.process = process;
    if (this.#host.isStopping) process.interrupt('stopping');
    const beganAt = this.#env.clock.monotonic();
    this.#env.load.began(beganAt);
    begun.ended = enter(() => process.run(beganAt));
    return begun.ended;
  }

  #ended(begun: AtHand): void {
    const { clock, load, stillAtWork } = this.#env;
    const { process, delivery } = begun;
    load.ended(clock.monotonic());
    begun.process = undefined;
    begun.ended = undefined;
    if (process?.isPutOff === true) this.#host.putOff(begun);
    const { channel, message } = delivery;
    const still = channel.isOpen ? undefined : process?.stillRunning();
    if (still !== undefined) stillAtWork.add({ message, ended: still });
  }

  #had(begun: AtHand): void {
    this.#begun.delete(begun);
    this.#host.ended(begun);
  }
}

/** What of a stream is put back is tried again here: its order stays. */
const AGAIN: BackoffPolicy = { initialIntervalMs: 1000, multiplier: 2, maxIntervalMs: 30_000, jitter: 0.2 };
