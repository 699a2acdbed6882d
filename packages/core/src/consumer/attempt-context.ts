import type { Outcome } from '../acknowledgement/outcome.js';
import type { AttemptParts } from '../delivery/attempt-parts.js';
import type { DeliveryContext } from '../delivery/delivery-context.js';
import { brokerDeliveryCount, deathCount } from '../delivery/delivery-counts.js';
import { LeveretError } from '../errors/leveret-error.js';
import type { Message } from '../message/message.js';
import type { AcknowledgeMode } from '../retry/failure-policy.js';
import type { Delivery } from '../transport/transport.js';
import type { HandlerSettlement } from './deferred-settlement.js';

/** Which attempt it is: of this process, and how often the message was sent to wait before. */
export interface Tries {
  readonly attempt: number;
  readonly redeliveries: number;
}

/**
 * One attempt, as its handler sees it and as leveret follows it: it has a result, and later or at once an end. What costs
 * something, such as the AbortController, is made when it is first asked for.
 */
export class AttemptContext implements DeliveryContext, AttemptParts {
  readonly listenerId: string;
  readonly payload: unknown;
  readonly attempt: number;
  readonly redeliveries: number;
  readonly transaction: unknown;
  readonly #delivery: Delivery;
  readonly #acknowledgement: HandlerSettlement;
  readonly #mode: AcknowledgeMode;
  #controller: AbortController | undefined;
  #abortReason: unknown;
  #aborted = false;
  #hasResult = false;
  /** Parts that have begun and not ended. */
  #running = 0;
  #lastEnded: (() => void) | undefined;

  constructor(
    listenerId: string,
    mode: AcknowledgeMode,
    delivery: Delivery,
    acknowledgement: HandlerSettlement,
    payload: unknown,
    { attempt, redeliveries }: Tries,
    transaction: unknown,
  ) {
    this.listenerId = listenerId;
    this.payload = payload;
    this.attempt = attempt;
    this.redeliveries = redeliveries;
    this.transaction = transaction;
    this.#mode = mode;
    this.#delivery = delivery;
    this.#acknowledgement = acknowledgement;
  }

  get message(): Message {
    return this.#delivery.message;
  }

  get queue(): string {
    return this.#delivery.queue;
  }

  get redelivered(): boolean {
    return this.#delivery.message.redelivered;
  }

  get deliveryTag(): number {
    return this.#delivery.deliveryTag;
  }

  get consumerTag(): string {
    return this.#delivery.consumerTag;
  }

  get receivedAt(): number {
    return this.#delivery.receivedAt;
  }

  get brokerDeliveryCount(): number {
    // On a first delivery the header is not the broker's.
    return this.redelivered ? brokerDeliveryCount(this.#delivery.message) : 0;
  }

  get deathCount(): number {
    return deathCount(this.#delivery.message, this.#delivery.queue);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  /** Somebody has looked at the signal: a handler may have returned because it fired. */
  get hasShownSignal(): boolean {
    return this.#controller !== undefined;
  }

  /** Fires the signal; later calls change nothing. */
  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#abortReason = reason;
    this.#controller?.abort(reason);
  }

  began(): void {
    if (this.#hasResult) {
      throw new LeveretError(
        'LEV_ATTEMPT_OVER',
        `This attempt of listener ${this.listenerId} is over: an interceptor called next() when the delivery was decided already. Wait for next() before the interceptor ends.`,
      );
    }
    this.#running++;
  }

  ended(): void {
    if (--this.#running === 0) this.#lastEnded?.();
  }

  /** The handler returned; what it left running, such as a promise that nobody waits for, goes on. */
  returned(): void {
    this.#hasResult = true;
  }

  /** The attempt failed: its signal fires, for something of it may run on. */
  failed(error: unknown): void {
    this.#hasResult = true;
    if (this.#aborted) return;
    this.abort(new LeveretError('LEV_ATTEMPT_OVER', 'This attempt is over: it has failed.', { cause: error }));
  }

  /** To be asked at the result: resolves at the end, `undefined` when that has come already. */
  stillRunning(): Promise<void> | undefined {
    if (this.#running === 0) return undefined;
    return new Promise((resolve) => {
      const before = this.#lastEnded;
      this.#lastEnded = () => {
        before?.();
        resolve();
      };
    });
  }

  ack(): boolean {
    return this.#settle('ack');
  }

  requeue(options: { readonly failed?: boolean } = {}): boolean {
    return this.#settle(options.failed === false ? 'give-back' : 'requeue');
  }

  reject(): boolean {
    return this.#settle('reject');
  }

  #settle(outcome: Outcome): boolean {
    if (this.#mode !== 'manual') {
      throw new LeveretError(
        'LEV_INVALID_STATE',
        `Listener ${this.listenerId} runs in ${this.#mode} mode, where ack(), requeue() and reject() are not the handler's. Set acknowledge: 'manual', or throw RejectMessage or RequeueMessage.`,
      );
    }
    const settlement = this.#acknowledgement.settle(outcome);
    if (settlement === 'conflict') {
      throw new LeveretError(
        'LEV_ALREADY_SETTLED',
        `The delivery ${this.deliveryTag} of listener ${this.listenerId} was settled with ${this.#acknowledgement.outcome} before; ${outcome} is refused. Settle each delivery once.`,
      );
    }
    return settlement === 'sent';
  }
}
