import type { MethodName, MethodValue } from './codec.js';
import type { Seen } from './seen.js';

/** A delivery that nobody has settled yet. */
export interface OpenDelivery {
  readonly tag: number;
  readonly queue: string;
  /** Deliveries of one step on one channel from several queues may come in either order, and so may their tags. */
  readonly step: number;
  readonly consumerTag: string;
}

interface Consumer {
  readonly queue: string;
  readonly noAck: boolean;
  confirmed: boolean;
  cancelled: boolean;
}

type Fields = Readonly<Record<string, MethodValue>>;

/**
 * What a client must remember of a channel to go on: which deliveries it may settle, which publishes wait for a confirm,
 * and the laws of AMQP that hold for any grouping the broker chooses. A broken law is a line like any other observation.
 */
export class ChannelRecord {
  state: 'opening' | 'open' | 'closing' | 'closed' = 'opening';
  /** Answers to channel.flow that are due, in order: those to the program's own are observations. */
  readonly flows: ('barrier' | 'program')[] = [];
  unsettled: OpenDelivery[] = [];
  readonly #consumers = new Map<string, Consumer>();
  readonly #consuming: { readonly queue: string; readonly noAck: boolean }[] = [];
  readonly #getting: { readonly queue: string; readonly noAck: boolean }[] = [];
  #settledInTransaction: OpenDelivery[] | undefined;
  #confirming = false;
  #published = 0;
  readonly #unconfirmed = new Map<number, string>();
  readonly #confirmedBodies = new Set<string>();
  #lastTag = 0;

  /** The queue behind a consumer. */
  queueOf(consumerTag: string): string {
    return this.#consumers.get(consumerTag)?.queue ?? '';
  }

  sent(name: MethodName, fields: Fields, body: string | undefined): void {
    switch (name) {
      case 'basic.consume': {
        const consumer = { queue: String(fields['queue'] ?? ''), noAck: fields['noAck'] === true };
        const tag = String(fields['consumerTag'] ?? '');
        if (fields['nowait'] === true) this.#consumers.set(tag, { ...consumer, confirmed: true, cancelled: false });
        else this.#consuming.push(consumer);
        break;
      }
      case 'basic.get':
        this.#getting.push({ queue: String(fields['queue'] ?? ''), noAck: fields['noAck'] === true });
        break;
      case 'confirm.select':
        this.#confirming = true;
        break;
      case 'basic.publish':
        this.#published++;
        if (this.#confirming) this.#unconfirmed.set(this.#published, body ?? '');
        break;
      case 'tx.select':
        this.#settledInTransaction = [];
        break;
      case 'tx.commit':
        this.#settledInTransaction = [];
        break;
      case 'tx.rollback':
        this.unsettled.push(...(this.#settledInTransaction ?? []));
        this.unsettled.sort((a, b) => a.tag - b.tag);
        this.#settledInTransaction = [];
        break;
      case 'basic.recover':
      case 'basic.recover-async':
        if (fields['requeue'] === true) this.unsettled = [];
        break;
      case 'basic.ack':
      case 'basic.nack':
      case 'basic.reject':
        this.#settle(Number(fields['deliveryTag'] ?? 0), fields['multiple'] === true);
        break;
      default:
    }
    // Publishes before confirm.select do not count.
    if (name === 'confirm.select' && this.#unconfirmed.size === 0 && this.#confirmedBodies.size === 0)
      this.#published = 0;
  }

  /** Takes note of what came; returns the laws it broke. */
  saw(seen: Seen, step: number): string[] {
    const { method } = seen;
    if (method === undefined) return [];
    switch (seen.name) {
      case 'basic.consume-ok': {
        const consumer = this.#consuming.shift() ?? { queue: '', noAck: false };
        this.#consumers.set(method.text('consumerTag'), { ...consumer, confirmed: true, cancelled: false });
        return [];
      }
      case 'basic.cancel-ok':
      case 'basic.cancel': {
        const consumer = this.#consumers.get(method.text('consumerTag'));
        if (consumer !== undefined) consumer.cancelled = true;
        return [];
      }
      case 'basic.deliver': {
        const tag = method.text('consumerTag');
        const consumer = this.#consumers.get(tag);
        // Direct replies are not counted: they all carry the tag of the next delivery.
        const isReply = consumer?.queue === 'amq.rabbitmq.reply-to';
        const laws = isReply ? [] : this.#nextTag(method.number('deliveryTag'));
        if (consumer === undefined) laws.push(`law broken: ${tag} delivers before its consume-ok`);
        else if (consumer.cancelled) laws.push(`law broken: ${tag} delivers after its cancel`);
        const queue = consumer?.queue ?? '';
        if (consumer?.noAck !== true) {
          this.unsettled.push({ tag: method.number('deliveryTag'), queue, step, consumerTag: tag });
        }
        return laws;
      }
      case 'basic.get-ok': {
        const getting = this.#getting.shift();
        const tag = method.number('deliveryTag');
        if (getting?.noAck !== true) {
          this.unsettled.push({ tag, queue: getting?.queue ?? '', step, consumerTag: '' });
        }
        return this.#nextTag(tag);
      }
      case 'basic.get-empty':
        this.#getting.shift();
        return [];
      case 'basic.return':
        return this.#confirmedBodies.has(String(seen.body)) ? ['law broken: confirmed before it was returned'] : [];
      default:
        return [];
    }
  }

  /** Which publishes an ack or nack settles, counted from 1. */
  confirmed(tag: number, multiple: boolean): number[] {
    const tags = multiple ? [...this.#unconfirmed.keys()].filter((each) => tag === 0 || each <= tag) : [tag];
    for (const each of tags) {
      const body = this.#unconfirmed.get(each);
      if (body !== undefined) this.#confirmedBodies.add(body);
      this.#unconfirmed.delete(each);
    }
    return tags;
  }

  #settle(tag: number, multiple: boolean): void {
    const settles = (each: OpenDelivery): boolean => (multiple ? tag === 0 || each.tag <= tag : each.tag === tag);
    this.#settledInTransaction?.push(...this.unsettled.filter(settles));
    this.unsettled = this.unsettled.filter((each) => !settles(each));
  }

  #nextTag(tag: number): string[] {
    const expected = ++this.#lastTag;
    this.#lastTag = tag;
    return tag === expected ? [] : [`law broken: delivery tag ${tag} where ${expected} is next`];
  }
}
