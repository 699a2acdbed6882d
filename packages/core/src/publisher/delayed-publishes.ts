import { delayedRoute, dueTopology, levelsTopology, topLevel } from '../delay/levels.js';
import { returnTopology, type WaitingRoom, waitingRoom } from '../delay/waiting-room.js';
import { ConfigurationError, describeValue } from '../errors/configuration-error.js';
import type { Publication } from '../message/message.js';
import type { Topology } from '../topology/topology.js';
import type { Transport } from '../transport/transport.js';
import { PublishError, PublishUnroutableError } from './publish-error.js';

/** How many messages waited in a queue when somebody looked, in milliseconds since the epoch. */
export interface WaitingCount {
  readonly messages: number;
  readonly lookedAt: number;
}

/** Names that are remembered as declared, or as there. */
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
  readonly #done = new Map<string, Promise<void>>();
  /** How many messages waited where when somebody looked last. */
  readonly #counts = new Map<string, WaitingCount>();
  /** The highest level that is declared. */
  #upTo = -1;

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
   * @throws {PublishError} LEV_PUBLISH_EXCHANGE_MISSING when its exchange does not exist
   * @throws {PublishUnroutableError} when it is for a queue that does not exist
   * @throws {LeveretError} when the broker refuses what is declared for it, or cannot be reached
   */
  async after(publication: Publication, delayMs: number): Promise<Publication> {
    if (publication.properties.expiration !== undefined) {
      throw new ConfigurationError([
        'delay and deliverAt do not go with expiration: the broker would end the wait with it. Give the queue a messageTtl, or leave one of them out',
      ]);
    }
    const { exchange, routingKey } = publication;
    // Connected first: without a connection nobody can tell what there is.
    await this.room();
    await this.#once(exchange === '' ? `queue ${routingKey}` : `target ${exchange}`, () =>
      this.#checkTarget(publication),
    );
    return this.onItsWay(publication, delayMs);
  }

  /** The same for a message whose exchange is known to be there. */
  async onItsWay(publication: Publication, delayMs: number): Promise<Publication> {
    const room = await this.room();
    const upTo = topLevel(delayMs);
    if (upTo > this.#upTo) {
      await this.once(`levels ${upTo}`, () => [returnTopology(room, []), levelsTopology(room, upTo)]);
      this.#upTo = Math.max(this.#upTo, upTo);
    }
    await this.once(`due ${publication.exchange}`, () => [dueTopology(room, publication.exchange)]);
    const { exchange, headers } = delayedRoute(room, delayMs, publication.exchange);
    return { ...publication, exchange, headers: { ...publication.headers, ...headers } };
  }

  /** The same, as far as it is known. */
  get knownRoom(): WaitingRoom | undefined {
    return this.#room;
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

  /** Declares something, unless it was declared under this name before. */
  async once(name: string, topologies: () => readonly Topology[]): Promise<void> {
    await this.#once(name, () => this.#transport.declare(together(topologies())));
  }

  /** The highest level that is declared; -1 for none. */
  get upTo(): number {
    return this.#upTo;
  }

  /** Looks how many messages wait in some queues; what cannot be told now stays as it was. */
  async look(queues: Iterable<string>, lookedAt: number): Promise<void> {
    for (const queue of new Set(queues)) {
      const messages = await this.#transport.countMessages?.(queue, this.#timeoutMs).catch(() => undefined);
      if (messages !== undefined)
        this.#counts.set(queue, { messages: messages === 'missing' ? 0 : messages, lookedAt });
    }
  }

  /** What the last look found; `undefined` before the first. */
  counted(queue: string): WaitingCount | undefined {
    return this.#counts.get(queue);
  }

  /** From now on everything is declared, and looked for, once more. */
  forget(): void {
    this.#done.clear();
    this.#upTo = -1;
  }

  /** What has no queue when its time has come would hold up others to the same exchange: it is refused now, as far as can be told. */
  async #checkTarget(publication: Publication): Promise<void> {
    const { exchange, routingKey } = publication;
    if (exchange !== '') {
      const look = await this.#transport.lookForExchange?.(exchange, this.#timeoutMs);
      if (look?.missing === undefined) return;
      const text = `Exchange ${describeValue(exchange)} does not exist, so that nothing can be published there later; nothing was sent. The broker said: ${look.missing.replyText}`;
      throw new PublishError('LEV_PUBLISH_EXCHANGE_MISSING', text, notSent(publication, look.missing.error));
    }
    if ((await this.#transport.countMessages?.(routingKey, this.#timeoutMs)) !== 'missing') return;
    const text = `Queue ${describeValue(routingKey)} does not exist, so that nothing can be sent there later; nothing was sent. Declare it first.`;
    throw new PublishUnroutableError(text, { ...notSent(publication), replyCode: 312, replyText: 'NO_ROUTE' });
  }

  /** Does something once for each name, and again when it failed. */
  async #once(name: string, act: () => Promise<void>): Promise<void> {
    const known = this.#done.get(name);
    if (known !== undefined) return known;
    if (this.#done.size >= MAX_KNOWN) this.#done.clear();
    const acting = act();
    this.#done.set(name, acting);
    try {
      await acting;
    } catch (error) {
      if (this.#done.get(name) === acting) this.#done.delete(name);
      throw error;
    }
  }
}

function notSent(publication: Publication, cause?: Error) {
  return { publication, fate: 'not-sent', attempts: 0, causes: cause === undefined ? [] : [cause] } as const;
}

function together(parts: readonly Topology[]): Topology {
  return {
    exchanges: parts.flatMap(({ exchanges }) => exchanges),
    queues: parts.flatMap(({ queues }) => queues),
    bindings: parts.flatMap(({ bindings }) => bindings),
    policies: [],
  };
}
