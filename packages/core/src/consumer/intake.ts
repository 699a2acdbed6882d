import type { ConsumeRequest, DeliverySink, Subscription, Transport } from '../transport/transport.js';

/** What a consumer's subscription is made of. */
export interface IntakeSetup {
  readonly transport: Pick<Transport, 'subscribe'>;
  readonly request: Omit<ConsumeRequest, 'prefetch'>;
  readonly sink: DeliverySink;
}

/**
 * Whether the broker may deliver to a consumer: its subscription, opened and shut again and again. Shutting cancels at the
 * broker and keeps the channel, so that what came can be settled. Where the order is kept (`handsOverAtClose`) it sends no
 * `basic.cancel`: the place is left with the channel, as soon as nothing is at work any more.
 */
export class Intake {
  readonly #setup: IntakeSetup;
  #subscription: Subscription | undefined;
  #isOpen = false;
  #prefetch = 0;
  /** Its subscription is cancelled, and is closed as soon as nothing is at work. */
  #isLeaving = false;
  #left: Promise<void> = Promise.resolve();
  #isEnded = false;

  constructor(setup: IntakeSetup) {
    this.#setup = setup;
  }

  /** The broker may deliver. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Lets the broker deliver. Resolves when it has the consumer, if it has never had it; rejects when it can never have it. */
  open(prefetch: number): Promise<void> {
    if (this.#isEnded) return Promise.resolve();
    if (this.#isOpen && this.#prefetch !== prefetch) this.shut();
    else if (this.#isOpen) return Promise.resolve();
    this.#isOpen = true;
    this.#prefetch = prefetch;
    if (this.#isLeaving) return Promise.resolve();
    if (this.#subscription === undefined) return this.#subscribe();
    this.#subscription.resume(prefetch);
    return Promise.resolve();
  }

  /** Takes nothing more until it is opened again. */
  shut(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#setup.request.handsOverAtClose !== true) {
      this.#subscription?.pause();
    } else if (!this.#isLeaving) {
      this.#isLeaving = true;
      void this.#subscription?.cancel();
    }
  }

  /** Nothing is at work: a place that is to be left is left. */
  idle(): void {
    const left = this.#subscription;
    if (!this.#isLeaving || this.#isEnded || left === undefined) return;
    this.#subscription = undefined;
    this.#left = left.close().then(() => {
      this.#isLeaving = false;
      // Whoever opened it meanwhile was not kept waiting: what fails now reaches the sink.
      if (this.#isOpen) this.#subscribe().catch(() => {});
    });
  }

  /** Takes nothing more, for good. Resolves when the broker knows. */
  async cancel(): Promise<void> {
    this.#isEnded = true;
    this.#isOpen = false;
    await this.#subscription?.cancel();
  }

  /** Closes the channel: what is not settled by now goes back to the queue. Never rejects. */
  async close(): Promise<void> {
    this.#isEnded = true;
    this.#isOpen = false;
    const subscription = this.#subscription;
    this.#subscription = undefined;
    await Promise.all([subscription?.close(), this.#left]);
  }

  #subscribe(): Promise<void> {
    const { transport, request, sink } = this.#setup;
    this.#subscription = transport.subscribe({ ...request, prefetch: this.#prefetch }, sink);
    return this.#subscription.ready;
  }
}
