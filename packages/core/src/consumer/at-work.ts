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

/** A delivery that has begun, how it was started, and that it is the one which was to be tried alone. */
export interface Begun extends WaitingDelivery {
  readonly admission: Admission;
  readonly isProbe: boolean;
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

/** The handler of a delivery is at work. */
interface Running {
  readonly begun: Begun;
  readonly process: DeliveryProcess;
  ended: Promise<void> | undefined;
}

/** The deliveries of one consumer that are at work, side by side. */
export class AtWork {
  readonly #env: DeliveryEnvironment;
  readonly #host: AtWorkHost;
  readonly #begun = new Set<Begun>();
  readonly #running = new Set<Running>();

  constructor(env: DeliveryEnvironment, host: AtWorkHost) {
    this.#env = env;
    this.#host = host;
  }

  /** Deliveries that have begun and not had their turn. */
  get size(): number {
    return this.#begun.size;
  }

  get begun(): ReadonlySet<Begun> {
    return this.#begun;
  }

  /** Whose handlers are at work now, with the ends of that. */
  get works(): readonly Work[] {
    return [...this.#running].flatMap(({ begun, ended }) =>
      ended === undefined ? [] : { message: begun.delivery.message, ended },
    );
  }

  /** The one that is tried alone is at work. */
  get hasProbe(): boolean {
    for (const { isProbe } of this.#begun) if (isProbe) return true;
    return false;
  }

  /** When the first of them came. */
  get oldestSince(): number | undefined {
    let oldest: number | undefined;
    for (const { begun } of this.#running) oldest = Math.min(oldest ?? begun.since, begun.since);
    return oldest;
  }

  /** Deliveries whose handlers are at work now. */
  get deliveries(): readonly Delivery[] {
    return Array.from(this.#running, ({ begun }) => begun.delivery);
  }

  /** @param enter takes the handler to the async context in which the listener was started */
  begin(begun: Begun, enter: Enter): void {
    this.#begun.add(begun);
    if (begun.delivery.channel instanceof StreamDelivery) {
      void this.#fromStream(begun, begun.delivery.channel, enter).then(() => this.#had(begun));
      return;
    }
    const running = this.#run(begun, enter);
    void running.ended?.then(() => {
      this.#ended(running);
      this.#had(begun);
    });
  }

  /** Tells those that pass the test that waiting, or going on, is of no use. */
  interrupt(why: Interruption, test: (delivery: Delivery) => boolean = () => true): void {
    for (const { begun, process } of [...this.#running]) if (test(begun.delivery)) process.interrupt(why);
  }

  async #fromStream(begun: Begun, channel: StreamDelivery, enter: Enter): Promise<void> {
    const { position, clock } = this.#env;
    const host = this.#host;
    if (position?.isDone(channel.offset) === true) channel.ack();
    else await this.#once(begun, enter);
    for (let times = 1; channel.takeWish() && channel.isOpen && host.goesOn; times++) {
      await host.nudgedOr(pause(clock, backoffDelayMs(AGAIN, times)));
      if (!channel.isOpen || !host.goesOn) return;
      const delivery = { ...begun.delivery, message: { ...begun.delivery.message, redelivered: true } };
      await this.#once({ ...begun, delivery, since: clock.monotonic() }, enter);
    }
  }

  async #once(begun: Begun, enter: Enter): Promise<void> {
    const running = this.#run(begun, enter);
    await running.ended;
    this.#ended(running);
  }

  #run(begun: Begun, enter: Enter): Running {
    const { delivery, admission } = begun;
    const process = new DeliveryProcess(delivery, this.#env, enter, admission.crashes);
    // It counts from its first moment: it may be interrupted by what it does before its first pause.
    const running: Running = { begun, process, ended: undefined };
    this.#running.add(running);
    if (this.#host.isStopping) process.interrupt('stopping');
    const beganAt = this.#env.clock.monotonic();
    this.#env.load.began(beganAt);
    running.ended = enter(() => process.run(beganAt));
    return running;
  }

  #ended(running: Running): void {
    const { process, begun } = running;
    const { clock, load, stillAtWork } = this.#env;
    load.ended(clock.monotonic());
    this.#running.delete(running);
    if (process.isPutOff) this.#host.putOff(begun);
    const { channel, message } = begun.delivery;
    const still = channel.isOpen ? undefined : process.stillRunning();
    if (still !== undefined) stillAtWork.add({ message, ended: still });
  }

  #had(begun: Begun): void {
    this.#begun.delete(begun);
    this.#host.ended(begun);
  }
}

/** What of a stream is put back is tried again here: its order stays. */
const AGAIN: BackoffPolicy = { initialIntervalMs: 1000, multiplier: 2, maxIntervalMs: 30_000, jitter: 0.2 };
