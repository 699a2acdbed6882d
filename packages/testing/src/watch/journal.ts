import { AsyncLocalStorage } from 'node:async_hooks';
import type {
  Delivery,
  DeliveryChannel,
  DeliveryContext,
  InterceptorFunction,
  Message,
  Publication,
} from '@leveret/core';
import type { LeveretEvent } from 'leveret';
import { type Attempt, ConsumerWatch, DeliveryRecord, type MutableCall } from './delivery-record.js';
import { type Failure, failureOf } from './failure.js';

/** Writes down all that happens in one application under test. */
export class Journal {
  /** Every delivery, in the order in which they arrived. */
  readonly records: DeliveryRecord[] = [];
  readonly consumers = new Set<ConsumerWatch>();
  /** Written to the broker and not confirmed yet. */
  readonly publishes = new Set<Publication>();
  /** All failures, expected or not. */
  readonly failures: Failure[] = [];
  readonly #byMessage = new WeakMap<Message, DeliveryRecord>();
  readonly #attempts = new AsyncLocalStorage<Attempt>();
  #activity = 0;

  /** Grows with everything that happens. */
  get activity(): number {
    return this.#activity;
  }

  /** Some delivery waits for time to pass. */
  get hasWaiting(): boolean {
    return [...this.consumers].some(({ open }) => [...open].some(({ phase }) => phase === 'waiting'));
  }

  /** Something happened that is not written down by itself. */
  stir(): void {
    this.#activity++;
  }

  /** A delivery came; the answer is what leveret gets instead, so that its settlement is seen. */
  arrived(delivery: Delivery, consumer: ConsumerWatch): Delivery {
    this.#activity++;
    const record = new DeliveryRecord(delivery, consumer);
    this.records.push(record);
    this.#byMessage.set(delivery.message, record);
    consumer.open.add(record);
    return { ...delivery, channel: this.#watchedChannel(delivery.channel, record) };
  }

  /** A publish was written; the answer is called when it has its confirm. */
  published(publication: Publication): () => void {
    this.#activity++;
    this.publishes.add(publication);
    return () => {
      this.#activity++;
      this.publishes.delete(publication);
    };
  }

  /** Takes in an event of the application. */
  readonly onEvent = (event: LeveretEvent): void => {
    this.#activity++;
    if ('message' in event) {
      const record = this.#byMessage.get(event.message);
      record?.happened(event);
    }
    const failure = failureOf(event);
    if (failure !== undefined) this.failures.push(failure);
  };

  /** Around every handler, outside all other interceptors. */
  readonly intercept: InterceptorFunction = async (context, next) => {
    const record = this.#byMessage.get(context.message);
    if (record === undefined) return next();
    const attempt = this.#begin(record, context);
    try {
      return await this.#attempts.run(attempt, next);
    } finally {
      this.#activity++;
      record.attemptEnded(attempt);
    }
  };

  /** The attempt in whose course this is called, if it has not called its handler yet. */
  attemptBeforeCall(): Attempt | undefined {
    const attempt = this.#attempts.getStore();
    return attempt?.call === undefined ? attempt : undefined;
  }

  /** Writes down a call, and how it ends. Answers what the call answers, and throws what it throws. */
  call<T>(attempt: Attempt, args: readonly unknown[], invoke: () => T): T {
    this.#activity++;
    const { record, number, payload } = attempt;
    const call: MutableCall = {
      arguments: args,
      payload,
      message: record.message,
      attempt: number,
      state: 'running',
      result: undefined,
      error: undefined,
    };
    attempt.call = call;
    record.calls.push(call);
    const returned = (result: unknown) => Object.assign(call, { state: 'returned', result });
    const threw = (error: unknown) => Object.assign(call, { state: 'threw', error });
    try {
      const answer = invoke();
      if (isThenable(answer)) answer.then(returned, threw);
      else returned(answer);
      return answer;
    } catch (error) {
      threw(error);
      throw error;
    }
  }

  #begin(record: DeliveryRecord, context: DeliveryContext): Attempt {
    this.#activity++;
    const attempt: Attempt = {
      record,
      number: context.attempt,
      payload: context.payload,
      startedAtMs: performance.now(),
      call: undefined,
    };
    record.attemptStarted(attempt);
    return attempt;
  }

  #watchedChannel(channel: DeliveryChannel, record: DeliveryRecord): DeliveryChannel {
    const watch = (sent: boolean, how: 'ack' | 'reject' | 'requeue' | 'give-back'): boolean => {
      this.#activity++;
      if (sent) record.settled(how);
      return sent;
    };
    return {
      get isOpen() {
        return channel.isOpen;
      },
      ack: (tag) => watch(channel.ack(tag), 'ack'),
      reject: (tag, requeue) => watch(channel.reject(tag, requeue), requeue ? 'requeue' : 'reject'),
      giveBack: (tag) => watch(channel.giveBack(tag), 'give-back'),
    };
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
