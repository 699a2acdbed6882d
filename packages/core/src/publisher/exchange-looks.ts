import type { ExchangeLook, Transport } from '../transport/transport.js';

/** Names that are remembered at most; with more of them, all are looked for again. */
const MAX_KNOWN = 10_000;

/**
 * Which exchanges are there. A message to one that is missing makes the broker close the channel, and everything in flight on
 * it has to be published again: so each name is looked for before the first message goes there, once for each connection.
 */
export class ExchangeLooks {
  readonly #transport: Pick<Transport, 'lookForExchange'>;
  readonly #timeoutMs: number;
  readonly #known = new Set<string>();
  readonly #looks = new Map<string, Promise<ExchangeLook['missing']>>();
  /** The one that was asked for last: mostly it is the same again. */
  #last: string | undefined;
  /** Looks of an older connection tell nothing about this one. */
  #connection = 0;

  constructor(transport: Pick<Transport, 'lookForExchange'>, timeoutMs: number) {
    this.#transport = transport;
    this.#timeoutMs = timeoutMs;
  }

  /** Whether messages may be written to an exchange. */
  isKnown(exchange: string): boolean {
    if (exchange === this.#last || exchange === '') return true;
    if (this.#transport.lookForExchange !== undefined && !this.#known.has(exchange)) return false;
    this.#last = exchange;
    return true;
  }

  /** Calls back, later, with why an exchange is not there; with nothing when it is, or when nobody can tell. */
  lookFor(exchange: string, done: (missing: ExchangeLook['missing']) => void): void {
    let look = this.#looks.get(exchange);
    if (look === undefined) {
      look = this.#look(exchange, this.#connection);
      this.#looks.set(exchange, look);
    }
    void look.then(done);
  }

  /** An exchange is not there any more. */
  forget(exchange: string): void {
    this.#known.delete(exchange);
    this.#last = undefined;
  }

  /** The connection is another one: whatever was there may be gone. */
  forgetAll(): void {
    this.#connection++;
    this.#known.clear();
    this.#last = undefined;
  }

  /** Never rejects. */
  async #look(exchange: string, connection: number): Promise<ExchangeLook['missing']> {
    try {
      const look = await this.#transport.lookForExchange?.(exchange, this.#timeoutMs);
      if (look?.missing !== undefined) return look.missing;
    } catch {
      // Nobody can tell, as when this user may not look: the publish itself will show.
    } finally {
      this.#looks.delete(exchange);
    }
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    if (connection === this.#connection) this.#known.add(exchange);
    return undefined;
  }
}
