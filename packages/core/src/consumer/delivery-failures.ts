import { createHash } from 'node:crypto';
import type { Message } from '../message/message.js';
import type { RememberedFailures } from '../retry/redelivery-attempts.js';
import type { DeliveryEnvironment } from './delivery-environment.js';

const NONE: RememberedFailures = { failures: 0, firstFailedAt: 0, lastFailedAt: 0, lastError: undefined };

/**
 * Failed attempts of the message of one delivery, in this process. With retry they are remembered beyond the delivery: its
 * next one may be stateful retry's, or follow on a channel that was lost during a wait.
 */
export class DeliveryFailures {
  readonly #env: DeliveryEnvironment;
  readonly #message: Message;
  #known: RememberedFailures;

  constructor(env: DeliveryEnvironment, message: Message) {
    this.#env = env;
    this.#message = message;
    this.#known = this.#ifRemembered((key) => env.attempts.find(key, message.redelivered)) ?? NONE;
  }

  get known(): RememberedFailures {
    return this.#known;
  }

  get count(): number {
    return this.#known.failures;
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

/** Its message id, if it has one to be known by; one that is no text by its bytes. */
export function messageIdentity({ messageId, verbatim }: Message): string | undefined {
  const bytes = verbatim?.properties.messageId;
  if (bytes !== undefined) return `bytes:${bytes.toString('hex')}`;
  return messageId === '' ? undefined : messageId;
}

/** How the message is known again; `undefined` where nothing is to be remembered of it. */
function keyOf({ definition }: DeliveryEnvironment, message: Message): string | undefined {
  const { retry, acknowledge } = definition;
  if (retry === undefined || acknowledge === 'none') return undefined;
  // Without an id, stateful retry goes by the redelivered flag.
  return messageIdentity(message) ?? (retry.stateless ? contentKey(message) : undefined);
}

/** Of what the broker does not change from delivery to delivery, as it does some headers. */
function contentKey({ exchange, routingKey, correlationId, timestamp, type, body }: Message): string {
  const facts = JSON.stringify([exchange, routingKey, correlationId, timestamp, type]);
  return `content:${createHash('sha256').update(facts).update('\0').update(body).digest('hex')}`;
}
