import { messageIdOf, type WireMethod } from '../support/amqp-frames.js';
import type { ProxyObserver } from '../support/tcp-proxy.js';

/** What the ledger has against a run; all empty or 0 when it was right. */
export interface SoakVerdict {
  /** Confirmed to the publisher, and never handled. */
  readonly lost: readonly number[];
  /** Acknowledged on the wire before any call of the handler for them had ended. */
  readonly ackedUnhandled: number;
  /** Put back or rejected for more than one delivery at once. */
  readonly refusedTogether: number;
  /** Messages that fail always and did not come to the error queue. */
  readonly notParked: readonly number[];
  /** Still on the queue at the end. */
  readonly left: number;
}

/**
 * Who did what with which message, kept by number in arrays that do not grow. What is acknowledged is read off the
 * wire, not asked of the code under test.
 */
export class SoakLedger implements ProxyObserver {
  readonly #confirmed: Uint8Array;
  readonly #ended: Uint16Array;
  readonly #parked: Uint8Array;
  /** How often the broker had been killed when a message was handled last. */
  readonly #epochs: Uint8Array;
  /** Deliveries on their way or at work, by connection and channel: message number by tag. */
  readonly #outstanding = new Map<string, Map<number, number>>();
  readonly #awaitingHeader = new Map<string, number>();
  #distinct = 0;
  #byCuts = 0;
  #byKills = 0;
  #epoch = 0;
  #ackedUnhandled = 0;
  #refusedTogether = 0;
  #connection = 0;

  constructor(messages: number) {
    this.#confirmed = new Uint8Array(messages);
    this.#ended = new Uint16Array(messages);
    this.#parked = new Uint8Array(messages);
    this.#epochs = new Uint8Array(messages);
  }

  /** Messages handled at least once. */
  get distinct(): number {
    return this.#distinct;
  }

  /** Messages handled again: since a kill, and without one. A killed broker forgets acks that it had not yet written. */
  get duplicates(): { readonly byKills: number; readonly byCuts: number } {
    return { byKills: this.#byKills, byCuts: this.#byCuts };
  }

  /** The broker is about to be killed. */
  killed(): void {
    this.#epoch++;
  }

  confirmed(id: number): void {
    this.#confirmed[id] = 1;
  }

  /** A delivery has been handled: its handler ended, or failed for the last time. */
  handled(id: number): void {
    const before = this.#ended[id] ?? 0;
    if (before === 0) this.#distinct++;
    else if (this.#epochs[id] === this.#epoch) this.#byCuts++;
    else this.#byKills++;
    this.#ended[id] = before + 1;
    this.#epochs[id] = this.#epoch;
  }

  parked(id: number): void {
    this.#parked[id] = 1;
  }

  fromBroker(connection: number, method: WireMethod): void {
    if (connection > this.#connection) this.#forgetBefore(connection);
    if (method.name !== 'basic.deliver' || method.deliveryTag === undefined) return;
    this.#awaitingHeader.set(`${connection}.${method.channel}`, method.deliveryTag);
  }

  headerFromBroker(connection: number, channel: number, properties: Buffer): void {
    const place = `${connection}.${channel}`;
    const tag = this.#awaitingHeader.get(place);
    if (tag === undefined) return;
    this.#awaitingHeader.delete(place);
    const tags = this.#outstanding.get(place) ?? new Map();
    this.#outstanding.set(place, tags.set(tag, Number(messageIdOf(properties))));
  }

  fromClient(connection: number, { name, channel, deliveryTag, multiple }: WireMethod): void {
    if (name !== 'basic.ack' && name !== 'basic.reject' && name !== 'basic.nack') return;
    if (deliveryTag === undefined) return;
    const tags = this.#outstanding.get(`${connection}.${channel}`) ?? new Map<number, number>();
    if (name !== 'basic.ack') {
      if (multiple === true) this.#refusedTogether++;
      tags.delete(deliveryTag);
      return;
    }
    // Every delivery that an ack stands for must have been handled.
    const acked = multiple === true ? [...tags.keys()].filter((tag) => tag <= deliveryTag) : [deliveryTag];
    for (const tag of acked) {
      const id = tags.get(tag);
      tags.delete(tag);
      if (id === undefined || !this.#ended[id]) this.#ackedUnhandled++;
    }
  }

  judge(left: number, mustBeParked: (id: number) => boolean): SoakVerdict {
    const lost: number[] = [];
    const notParked: number[] = [];
    for (const [id, confirmed] of this.#confirmed.entries()) {
      if (confirmed && !this.#ended[id]) lost.push(id);
      if (confirmed && mustBeParked(id) && !this.#parked[id]) notParked.push(id);
    }
    return { lost, notParked, left, ackedUnhandled: this.#ackedUnhandled, refusedTogether: this.#refusedTogether };
  }

  /** What was outstanding on connections that are gone comes again on others. Two connections stand at a time. */
  #forgetBefore(connection: number): void {
    this.#connection = connection;
    for (const place of this.#outstanding.keys()) {
      if (Number(place.split('.', 1)[0]) < connection - 3) this.#outstanding.delete(place);
    }
  }
}

/** Whether nothing is wrong. */
export function isRight({ lost, notParked, left, ackedUnhandled, refusedTogether }: SoakVerdict): boolean {
  return lost.length + notParked.length + left + ackedUnhandled + refusedTogether === 0;
}
