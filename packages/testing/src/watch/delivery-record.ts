import type { ConsumeRequest, Delivery, DeliveryEvent, Message } from '@leveret/core';

/**
 * What a delivery came to.
 *
 * | outcome | when |
 * |---|---|
 * | `handled` | the handler returned, and the message was acknowledged (in manual mode: by the handler) |
 * | `acknowledged` | acknowledged although it failed: the handler threw `AcknowledgeMessage`, or the error went to the requester |
 * | `duplicate` | it was handled before; the handler was not called |
 * | `recovered` | the recoverer took it, such as `republish` |
 * | `requeued` | back to its queue |
 * | `rejected` | to the dead letter exchange |
 * | `dropped` | rejected, and no queue keeps a copy |
 * | `given-back` | back to its queue without fault |
 * | `channel-gone` | its channel went away first; the broker delivers it again |
 * | `redelivery` | it failed and waits at the broker: it comes again after its delay |
 * | `left-unsettled` | manual mode: the handler failed without settling |
 * | `abandoned` | its handler was still running when the application closed |
 */
export type DeliveryOutcome =
  | 'handled'
  | 'acknowledged'
  | 'duplicate'
  | 'redelivery'
  | 'recovered'
  | 'requeued'
  | 'rejected'
  | 'dropped'
  | 'given-back'
  | 'channel-gone'
  | 'left-unsettled'
  | 'abandoned';

/** One call of a handler method. */
export interface HandlerCall<Arguments extends readonly unknown[] = readonly unknown[], Result = unknown> {
  readonly arguments: Arguments;
  /** The payload as it was converted, whichever parameter takes it. */
  readonly payload: unknown;
  readonly message: Message;
  /** From 1: how often this message has been tried, this call included. */
  readonly attempt: number;
  readonly state: 'running' | 'returned' | 'threw';
  /** What it returned, or what its promise resolved to. */
  readonly result: Result | undefined;
  /** What it threw, or what its promise rejected with. */
  readonly error: unknown;
}

/** A consumer of the application and what it holds. */
export class ConsumerWatch {
  readonly request: ConsumeRequest;
  /** Deliveries that are not settled, or whose handler is still at work. */
  readonly open = new Set<DeliveryRecord>();
  /** What it may have unsettled; 0 for no limit. */
  prefetch: number;
  /** It takes nothing until it is resumed. */
  isPaused = false;

  constructor(request: ConsumeRequest) {
    this.request = request;
    this.prefetch = request.prefetch;
  }

  /** Deliveries that the broker counts as unacknowledged. */
  get unsettled(): number {
    if (this.request.noAck) return 0;
    let count = 0;
    for (const record of this.open) if (record.isUnsettled) count++;
    return count;
  }

  /** It gets nothing more before it settles what it has. */
  get saturated(): boolean {
    return this.isPaused || (this.prefetch > 0 && this.unsettled >= this.prefetch);
  }
}

/** One attempt at a delivery, from its interceptors to the end of its handler. */
export interface Attempt {
  readonly record: DeliveryRecord;
  readonly number: number;
  readonly payload: unknown;
  /** When it began, by the real time of the process. */
  readonly startedAtMs: number;
  /** The call of the handler method, once it was made. */
  call: MutableCall | undefined;
}

/** A {@link HandlerCall} while it is written. */
export type MutableCall = { -readonly [Key in keyof HandlerCall]: HandlerCall[Key] };

/**
 * - `queued`: it waits behind other deliveries of its consumer.
 * - `working`: it is read, handled or settled at the moment.
 * - `waiting`: nothing happens to it before time has passed.
 * - `done`: nothing more happens to it.
 */
export type DeliveryPhase = 'queued' | 'working' | 'waiting' | 'done';

/** Everything that is known of one delivery. */
export class DeliveryRecord {
  readonly message: Message;
  readonly listenerId: string;
  readonly queue: string;
  readonly consumer: ConsumerWatch;
  readonly events: DeliveryEvent[] = [];
  readonly calls: MutableCall[] = [];
  /** Attempts whose handler is running. */
  readonly running = new Set<Attempt>();
  readonly #delivery: Delivery;
  phase: DeliveryPhase = 'queued';
  #settled: 'ack' | 'reject' | 'requeue' | 'give-back' | undefined;

  constructor(delivery: Delivery, consumer: ConsumerWatch) {
    this.#delivery = delivery;
    this.message = delivery.message;
    this.queue = delivery.queue;
    this.listenerId = consumer.request.tagPrefix;
    this.consumer = consumer;
  }

  /** The broker waits for its settlement. */
  get isUnsettled(): boolean {
    return this.#settled === undefined && this.#delivery.channel.isOpen;
  }

  settled(how: 'ack' | 'reject' | 'requeue' | 'give-back'): void {
    this.#settled = how;
    this.#to('done');
  }

  attemptStarted(attempt: Attempt): void {
    this.running.add(attempt);
    this.#to('working');
  }

  attemptEnded(attempt: Attempt): void {
    this.running.delete(attempt);
    this.#forgetWhenOver();
  }

  /** Takes in what leveret reports of it. */
  happened(event: DeliveryEvent): void {
    this.events.push(event);
    switch (event.type) {
      case 'received':
        this.#to('working');
        break;
      case 'failed':
        // A handler that ran past its timeout may go on, but counts no more.
        this.running.clear();
        this.#to('working');
        break;
      case 'retried':
      case 'recoverer-failed':
      case 'redelivery-failed':
      case 'put-off':
      case 'throttled':
      case 'in-progress':
      case 'idempotency-failed':
        this.#to('waiting');
        break;
      case 'recovered':
        if (this.consumer.request.noAck) this.#to('done');
        break;
      case 'handled':
      case 'acknowledged':
      case 'duplicate':
      case 'redelivery':
      case 'requeued':
      case 'rejected':
      case 'dropped':
      case 'given-back':
      case 'channel-gone':
      case 'left-unsettled':
        this.#to('done');
        break;
      default:
        break;
    }
  }

  /** What it came to; `undefined` as long as that is open. */
  get outcome(): DeliveryOutcome | undefined {
    const last = this.events.findLast(({ type }) => FINAL.has(type))?.type as DeliveryOutcome | undefined;
    return last === 'handled' && !this.consumer.request.noAck ? this.#outcomeOfSettlement() : last;
  }

  /** In manual mode the handler may settle in any way, before or after it returns. */
  #outcomeOfSettlement(): DeliveryOutcome | undefined {
    switch (this.#settled) {
      case 'ack':
        return this.phase === 'done' && this.running.size === 0 ? 'handled' : undefined;
      case 'reject':
        return 'rejected';
      case 'requeue':
        return 'requeued';
      case 'give-back':
        return 'given-back';
      default:
        return undefined;
    }
  }

  #to(phase: DeliveryPhase): void {
    this.phase = phase;
    this.#forgetWhenOver();
  }

  #forgetWhenOver(): void {
    if (this.phase === 'done' && this.running.size === 0 && (this.consumer.request.noAck || !this.isUnsettled)) {
      this.consumer.open.delete(this);
    }
  }
}

const FINAL: ReadonlySet<DeliveryEvent['type']> = new Set([
  'handled',
  'acknowledged',
  'duplicate',
  'redelivery',
  'recovered',
  'requeued',
  'rejected',
  'dropped',
  'given-back',
  'channel-gone',
  'left-unsettled',
  'abandoned',
]);
