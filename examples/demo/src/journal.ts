import type { DeliveryEvent, LeveretEvent, Message } from 'leveret';
import { Arrivals } from './arrivals.js';
import { names } from './names.js';
import { type Colour, step } from './trace.js';

type Line = readonly [who: string, what: string, colour?: Colour];

/** Writes down what happens to each message, by its id, and knows when its delivery has come to an end. */
export class Journal {
  /** How the delivery of a message ended, by the id of the message. */
  readonly settled = new Arrivals<'handled' | 'parked' | 'rejected' | 'dropped'>();
  /** Messages that were read from the error queue or the dead letter queue, by their ids. */
  readonly found = new Arrivals<Message>();
  readonly #calls = new Map<string, number>();
  readonly #lines = new Map<string, Line[]>();
  #followed = '';

  /** Calls of the handler for this message. */
  calls(id: string): number {
    return this.#calls.get(id) ?? 0;
  }

  called(id: string): void {
    this.#calls.set(id, this.calls(id) + 1);
  }

  /** Prints what was written about a message, and from now on each line at once. */
  follow(id: string): void {
    this.#followed = id;
    for (const line of this.#lines.get(id) ?? []) step(...line);
    this.#lines.delete(id);
  }

  write(id: string, ...line: Line): void {
    if (id === this.#followed) step(...line);
    else this.#lines.set(id, [...(this.#lines.get(id) ?? []), line]);
  }

  /** Takes the events of the application: what leveret did with each delivery of the service's listeners. */
  on(event: LeveretEvent): void {
    if (!('message' in event) || !WATCHED.includes(event.queue)) return;
    const id = event.message.messageId ?? '';
    const line = lineOf(event);
    if (line !== undefined) this.write(id, ...line);
    if (event.type === 'recovered') this.settled.arrive(id, 'parked');
    if (event.type === 'handled' || event.type === 'rejected' || event.type === 'dropped')
      this.settled.arrive(id, event.type);
  }
}

const WATCHED = [names.payQueue, names.queryQueue];

function lineOf(event: DeliveryEvent): Line | undefined {
  switch (event.type) {
    case 'received':
      return ['consumer', `received from ${event.queue}`];
    case 'failed':
      return ['handler', `attempt ${event.attempt} failed: ${text(event.error)}`, 'yellow'];
    case 'retried':
      return ['leveret', `holds the message and tries again after ${event.delayMs} ms`];
    case 'invalid':
      return ['leveret', `does not call the handler: ${text(event.error)}`, 'yellow'];
    case 'recovered':
      return ['leveret', `has parked it (${event.reason}): ${event.outcome} of the original`, 'red'];
    case 'rejected':
      return ['leveret', 'reject: to the dead letter exchange', 'red'];
    case 'replied':
      return ['leveret', 'sends what the handler returned as the reply, and waits for its confirm'];
    case 'handled':
      return ['leveret', `ack: attempt ${event.attempts} succeeded`, 'green'];
    case 'dropped':
    case 'requeued':
      return ['leveret', `${event.type}: ${text(event.error)}`, 'red'];
    default:
      return undefined;
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
