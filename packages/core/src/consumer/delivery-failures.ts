import { longerHistory } from '../delay/waiting-copy.js';
import { brokerDeliveryCount } from '../delivery/delivery-counts.js';
import { errorText, isError } from '../errors/error-text.js';
import { redactUrls } from '../errors/redact.js';
import type { Message } from '../message/message.js';
import type { WaitRecord } from '../message/wait-record.js';
import type { RememberedFailures } from '../retry/redelivery-attempts.js';
import type { Delivery } from '../transport/transport.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import { contentKey, messageIdentity } from './message-identity.js';

const NONE: RememberedFailures = { failures: 0, firstFailedAt: 0, lastFailedAt: 0, lastError: undefined };

/**
 * Failed attempts of the message of one delivery, in this process. With retry they are remembered beyond the delivery: its
 * next one may be stateful retry's, or follow on a channel that was lost during a wait.
 */
export class DeliveryFailures {
  readonly #env: DeliveryEnvironment;
  readonly #delivery: Delivery;
  readonly #message: Message;
  #known: RememberedFailures;

  constructor(env: DeliveryEnvironment, delivery: Delivery) {
    const { message } = delivery;
    this.#env = env;
    this.#delivery = delivery;
    this.#message = message;
    this.#known = this.#ifRemembered((key) => env.attempts.find(key, message.redelivered)) ?? NONE;
  }

  get known(): RememberedFailures {
    return this.#known;
  }

  /** Since the message came to this queue: what it did before it waited at the broker is not among them. */
  get count(): number {
    return this.#known.failures;
  }

  /** How often the message has waited at the broker. */
  get redeliveries(): number {
    const { waited, message } = this.#delivery;
    const native = this.#env.redeliveries.isNative && message.redelivered ? brokerDeliveryCount(message) : 0;
    return (waited?.redeliveries ?? 0) + native;
  }

  /** Calls of the handler that failed, in all. */
  get total(): number {
    return this.#before + this.count;
  }

  /** What goes along with the message when it waits. */
  record(counts: boolean): WaitRecord {
    const { redact = redactUrls } = this.#env;
    const { waited } = this.#delivery;
    const { firstFailedAt, lastFailedAt, lastError } = this.#known;
    const name = isError(lastError) ? lastError.name : typeof lastError;
    const line = `${new Date(lastFailedAt).toISOString()} ${redact(`${name}: ${errorText(lastError)}`)}`;
    return {
      redeliveries: this.redeliveries + (counts ? 1 : 0),
      attempts: this.total,
      firstFailedAt: waited?.firstFailedAt || firstFailedAt,
      history: longerHistory(waited?.history ?? [], line),
    };
  }

  get #before(): number {
    const { waited } = this.#delivery;
    const { retry } = this.#env.definition;
    const native = this.redeliveries - (waited?.redeliveries ?? 0);
    return (waited?.attempts ?? 0) + native * (retry?.maxAttempts ?? 1);
  }

  /** One more. A redelivery does not know of it until it is remembered. */
  add(error: unknown): void {
    const failedAt = this.#env.clock.now();
    const { failures, firstFailedAt } = this.#known;
    this.#known = {
      failures: failures + 1,
      firstFailedAt: failures === 0 ? failedAt : firstFailedAt,
      lastFailedAt: failedAt,
      lastError: error,
    };
  }

  /** Once for each failure that counts. */
  remember(): void {
    const key = keyOf(this.#env, this.#message);
    if (key !== undefined) this.#env.attempts.record(key, this.#known.lastError, this.#known.lastFailedAt);
  }

  /** The wait for the next attempt begins. */
  waits(delayMs: number): void {
    const since = this.#env.clock.monotonic();
    this.#ifRemembered((key) => this.#env.attempts.waits(key, since, delayMs));
  }

  /** The message is done with. */
  forget(): void {
    this.#ifRemembered((key) => this.#env.attempts.forget(key));
  }

  /** Most messages never fail: nothing is worked out for them. */
  #ifRemembered<T>(act: (key: string) => T): T | undefined {
    if (this.#env.attempts.size === 0) return undefined;
    const key = keyOf(this.#env, this.#message);
    return key === undefined ? undefined : act(key);
  }
}

/** How the message is known again; `undefined` where nothing is to be remembered of it. */
function keyOf({ definition }: DeliveryEnvironment, message: Message): string | undefined {
  const { retry, acknowledge } = definition;
  if (retry === undefined || acknowledge === 'none') return undefined;
  // Without an id, stateful retry goes by the redelivered flag.
  return messageIdentity(message) ?? (retry.stateless ? contentKey(message) : undefined);
}
