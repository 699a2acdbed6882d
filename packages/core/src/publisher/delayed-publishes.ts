import { delayedRoute, dueTopology, levelsTopology, topLevel } from '../delay/levels.js';
import { returnTopology, type WaitingRoom, waitingRoom } from '../delay/waiting-room.js';
import { ConfigurationError, describeValue } from '../errors/configuration-error.js';
import type { Publication } from '../message/message.js';
import type { Topology } from '../topology/topology.js';
import type { Transport } from '../transport/transport.js';
import { PublishExchangeMissingError, PublishUnroutableError } from './publish-error.js';

/** Destinations that are remembered as there. */
const MAX_KNOWN = 1000;

/**
 * Sends messages by way of the queues in which they wait: any delay, by its binary digits. What this needs at the broker is
 * declared when it is first used, and from then on with every connection.
 */
export class DelayedPublishes {
  readonly #transport: Transport;
  readonly #timeoutMs: number;
  readonly #service: () => string | undefined;
  #room: WaitingRoom | undefined;
  /** The highest level that is declared, or being declared. */
  #levels: { readonly upTo: number; readonly declared: Promise<void> } = { upTo: -1, declared: Promise.resolve() };
  readonly #targets = new Map<string, Promise<void>>();
  readonly #returns = new Map<string, Promise<void>>();

  /**
   * @param timeoutMs how long the broker may take to say what there is
   * @param service asked when the first message is to wait
   */
  constructor(transport: Transport, timeoutMs: number, service: () => string | undefined = () => undefined) {
    this.#transport = transport;
    this.#timeoutMs = timeoutMs;
    this.#service = service;
  }

  /**
   * The message on its way to where it waits, from where it goes on to its exchange.
   * @throws {ConfigurationError} for a message with an `expiration`, which would end its wait
   * @throws {PublishExchangeMissingError} when its exchange does not exist
   * @throws {PublishUnroutableError} when it is for a queue that does not exist
   * @throws {LeveretError} when the broker refuses what is declared for it, or cannot be reached
   */
  async after(publication: Publication, delayMs: number): Promise<Publication> {
    if (publication.properties.expiration !== undefined) {
      throw new ConfigurationError([
        'delay and deliverAt do not go with expiration: the broker would end the wait with it. Give the queue a messageTtl, or leave one of them out',
      ]);
    }
    const room = await this.room();
    await this.#once(this.#targets, destinationOf(publication), () => this.#checkTarget(publication));
    return this.#onItsWay(room, publication, delayMs);
  }

  /** The message on its way to where it waits, from where it comes back to one queue alone. */
  async backTo(queue: string, exchange: string, publication: Publication, delayMs: number): Promise<Publication> {
    const room = await this.room();
    await this.#once(this.#returns, queue, () => this.#transport.declare(returnTopology(room, [queue])));
    return this.#onItsWay(room, { ...publication, exchange, routingKey: queue }, delayMs);
  }

  /** Where messages wait, which depends on the broker: connects if nothing has. */
  async room(): Promise<WaitingRoom> {
    if (this.#room !== undefined) return this.#room;
    if (this.#transport.broker === undefined) {
      const channel = await this.#transport.openPublishChannel({ confirm: false, timeoutMs: this.#timeoutMs });
      void channel.close();
    }
    this.#room ??= waitingRoom(this.#service(), this.#transport.broker);
    return this.#room;
  }

  async #onItsWay(room: WaitingRoom, publication: Publication, delayMs: number): Promise<Publication> {
    await this.#declareLevels(room, topLevel(delayMs));
    await this.#once(this.#targets, `exchange ${publication.exchange}`, () => this.#declareDue(room, publication.exchange));
    const { exchange, headers } = delayedRoute(room, delayMs, publication.exchange);
    return { ...publication, exchange, headers: { ...publication.headers, ...headers } };
  }

  async #declareLevels(room: WaitingRoom, upTo: number): Promise<void> {
    if (this.#levels.upTo < upTo) {
      const before = this.#levels;
      const declared = before.declared
        .catch(() => {})
        .then(() => this.#transport.declare(merged([returnTopology(room, []), levelsTopology(room, upTo)])));
      this.#levels = { upTo, declared };
      declared.catch(() => {
        if (this.#levels.declared === declared) this.#levels = { upTo: -1, declared: Promise.resolve() };
      });
    }
    await this.#levels.declared;
  }

  #declareDue(room: WaitingRoom, exchange: string): Promise<void> {
    return this.#transport.declare(dueTopology(room, exchange));
  }

  /** What has no queue when its time has come would hold up others to the same exchange: it is refused now, as far as can be told. */
  async #checkTarget(publication: Publication): Promise<void> {
    const { exchange, routingKey } = publication;
    if (exchange !== '') {
      const look = await this.#transport.lookForExchange?.(exchange, this.#timeoutMs);
      if (look?.missing === undefined) return;
      const text = `Exchange ${describeValue(exchange)} does not exist, so that nothing can be published there later; nothing was sent. The broker said: ${look.missing.replyText}`;
      throw new PublishExchangeMissingError(text, notSent(publication, look.missing.error));
    }
    if ((await this.#transport.countMessages?.(routingKey, this.#timeoutMs)) !== 'missing') return;
    const text = `Queue ${describeValue(routingKey)} does not exist, so that nothing can be sent there later; nothing was sent. Declare it first.`;
    const reply = { replyCode: 312, replyText: 'NO_ROUTE' };
    throw new PublishUnroutableError(text, { ...notSent(publication), ...reply });
  }

  /** Does something once for each name, and again when it failed. */
  async #once(done: Map<string, Promise<void>>, name: string, act: () => Promise<void>): Promise<void> {
    const known = done.get(name);
    if (known !== undefined) return known;
    if (done.size >= MAX_KNOWN) done.clear();
    const acting = act();
    done.set(name, acting);
    try {
      await acting;
    } catch (error) {
      if (done.get(name) === acting) done.delete(name);
      throw error;
    }
  }
}

function destinationOf({ exchange, routingKey }: Publication): string {
  return exchange === '' ? `queue ${routingKey}` : `target ${exchange}`;
}

function notSent(publication: Publication, cause?: Error) {
  return { publication, fate: 'not-sent', attempts: 0, causes: cause === undefined ? [] : [cause] } as const;
}

function merged(parts: readonly Topology[]): Topology {
  return {
    exchanges: parts.flatMap(({ exchanges }) => exchanges),
    queues: parts.flatMap(({ queues }) => queues),
    bindings: parts.flatMap(({ bindings }) => bindings),
    policies: [],
  };
}
