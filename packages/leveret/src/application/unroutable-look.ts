import { ManagementClient, type ResolvedManagementOptions } from '@leveret/amqplib';
import { AlikeLines, boundKeys, type Clock, errorText, type Logger, type Publication } from '@leveret/core';

/** It is for a person who reads the log: an answer that takes longer is not waited for. */
const LOOK_LIMIT_MS = 2_000;

/** Asks the management API with which keys an exchange is bound to which a message had no way, and writes them into the log. */
export class UnroutableLook {
  readonly #client: ManagementClient;
  readonly #logger: Logger;
  readonly #told: AlikeLines;

  constructor(management: ResolvedManagementOptions, logger: Logger, clock: Clock) {
    const timeoutMs = Math.min(management.timeoutMs, LOOK_LIMIT_MS);
    this.#client = new ManagementClient({ ...management, timeoutMs });
    this.#logger = logger;
    this.#told = new AlikeLines(clock);
  }

  /** Never rejects. The same exchange and key are looked up at growing distances. */
  async look({ exchange, routingKey }: Publication): Promise<void> {
    if (exchange === '' || !this.#told.decide(`${exchange.length}:${exchange}${routingKey}`).say) return;
    const fields = { exchange, routingKey };
    try {
      const keys = await this.#client.routingKeysOf(exchange);
      const found = keys.length === 0 ? 'nothing is bound to it' : boundKeys('it is bound with', keys);
      this.#logger.warn(fields, `a message had no queue: the management API says of its exchange that ${found}`);
    } catch (error) {
      this.#logger.debug({ ...fields, reason: errorText(error) }, 'the management API does not say how it is bound');
    }
  }
}
