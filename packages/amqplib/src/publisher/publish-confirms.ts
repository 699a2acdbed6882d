import { call } from './call.js';
import type { InFlightList } from './in-flight.js';

/** What `basic.ack` and `basic.nack` of the broker say. */
export interface Confirm {
  readonly deliveryTag: number;
  readonly multiple: boolean;
}

/** So many of those whom the broker confirms with one frame are told at a time. */
const AT_A_TIME = 64;

/**
 * Tells who waits for the publishes of one channel what the broker says of them.
 *
 * Who is told often publishes the next message, and a broker that confirms hundreds at once has nothing to do until it gets
 * them. So those behind the first are told a moment later, within the same turn of the event loop: what the first publish is
 * on its way by then. What comes behind an ack finds it told.
 */
export class PublishConfirms {
  readonly #inFlight: InFlightList;
  #ackedThrough = 0;

  constructor(inFlight: InFlightList) {
    this.#inFlight = inFlight;
  }

  acked({ deliveryTag, multiple }: Confirm): void {
    if (!multiple) {
      this.settle(deliveryTag, 'ack');
      return;
    }
    const isTelling = this.#hasAcked;
    this.#ackedThrough = Math.max(this.#ackedThrough, deliveryTag);
    if (!isTelling) this.#tellSome();
  }

  nacked({ deliveryTag, multiple }: Confirm): void {
    this.tellAcked();
    if (!multiple) this.settle(deliveryTag, 'nack');
    else while (this.#isThrough(deliveryTag)) this.#settleFirst('nack');
  }

  settle(tag: number, kind: 'ack' | 'nack'): void {
    const entry = this.#inFlight.take(tag);
    if (entry !== undefined) call(entry.settled, { kind, returned: entry.returned });
  }

  /** Tells now all of whom the broker has said that it has their message. */
  tellAcked(most = Number.POSITIVE_INFINITY): void {
    for (let count = 0; count < most && this.#hasAcked; count++) this.#settleFirst('ack');
  }

  readonly #tellSome = (): void => {
    this.tellAcked(AT_A_TIME);
    if (this.#hasAcked) queueMicrotask(this.#tellSome);
  };

  get #hasAcked(): boolean {
    return this.#isThrough(this.#ackedThrough);
  }

  #isThrough(tag: number): boolean {
    const { first } = this.#inFlight;
    return first !== undefined && first.tag <= tag;
  }

  #settleFirst(kind: 'ack' | 'nack'): void {
    const { first } = this.#inFlight;
    if (first !== undefined) this.settle(first.tag, kind);
  }
}
