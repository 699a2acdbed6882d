/** What RabbitMQ allows unless somebody says otherwise. */
export const DEFAULT_CONSUMER_TIMEOUT_MS = 30 * 60_000;

/** What has waited for this share of the timeout without being begun goes back: the rest is for what was begun in time. */
const SHARE = 3 / 4;

/**
 * How long the broker waits for a settlement of what it delivered before it takes that back, as far as a listener knows.
 * @see https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout
 */
export class BrokerPatience {
  #timeoutMs: number;

  /** @param timeoutMs from what is declared, or assumed; infinite where the broker waits for ever */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** In milliseconds. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** How long a delivery may wait in this process for its turn, in milliseconds. */
  get turnMs(): number {
    return this.#timeoutMs * SHARE;
  }

  /** The broker has taken back what it had waited this long for. */
  learn(timeoutMs: number): void {
    if (timeoutMs > 0) this.#timeoutMs = Math.min(this.#timeoutMs, timeoutMs);
  }
}
