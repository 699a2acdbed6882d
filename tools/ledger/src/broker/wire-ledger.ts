import type { ProxyLook } from '../../../scripts/tcp-proxy.mjs';
import { numberIn } from '../workload/order.js';
import { FrameReader, type Seen } from './frames.js';

/** Where the lines of the wire go. */
export interface WireLines {
  write(event: string, words: string): void;
}

/**
 * What passes on one connection, as lines of the wire's ledger. Read off the wire and not asked of the code under test, so
 * that the same is known of every client:
 *
 * | event | words | |
 * |---|---|---|
 * | `open`, `end` | connection; at the end how many deliveries it held unsettled, and how many publishes unconfirmed | |
 * | `publish`, `copy` | n, connection.channel | to the exchange of the workload; to any other |
 * | `confirm`, `copied` | n | the broker has it: the message, or its copy |
 * | `refuse`, `return` | n | the broker has it not: nacked, or nobody wanted it |
 * | `deliver`, `redeliver` | n, connection.channel, tag | |
 * | `ack`, `drop`, `requeue` | n, connection.channel | how the client settled it: `drop` is a reject without requeue |
 */
export class WireConnection implements ProxyLook {
  readonly #connection: number;
  readonly #exchange: string;
  readonly #lines: WireLines;
  readonly #channels = new Map<number, Channel>();
  readonly #fromClient = new FrameReader(true, (seen) => this.#client(seen));
  readonly #fromBroker = new FrameReader(false, (seen) => this.#broker(seen));

  /** @param exchange of the workload: what is published elsewhere is a copy */
  constructor(connection: number, exchange: string, lines: WireLines) {
    this.#connection = connection;
    this.#exchange = exchange;
    this.#lines = lines;
    lines.write('open', `${connection}`);
  }

  up(chunk: Buffer): void {
    this.#fromClient.push(chunk);
  }

  down(chunk: Buffer): void {
    this.#fromBroker.push(chunk);
  }

  end(): void {
    let unsettled = 0;
    let unconfirmed = 0;
    for (const channel of this.#channels.values()) {
      unsettled += channel.deliveries.size;
      unconfirmed += channel.publishes.size;
    }
    this.#lines.write('end', `${this.#connection} ${unsettled} ${unconfirmed}`);
  }

  #client(seen: Seen): void {
    const channel = this.#channel(seen.channel);
    switch (seen.kind) {
      case 'confirm-select':
        channel.confirms = true;
        return;
      case 'publish': {
        const n = numberIn(seen.messageId);
        const isCopy = seen.exchange !== this.#exchange;
        channel.sequence++;
        if (n === undefined) return;
        if (channel.confirms) channel.publishes.set(channel.sequence, { n, isCopy });
        this.#lines.write(isCopy ? 'copy' : 'publish', `${n} ${this.#connection}.${seen.channel}`);
        return;
      }
      case 'ack':
      case 'nack':
        for (const { value } of taken(channel.deliveries, seen)) {
          const event = seen.kind === 'ack' ? 'ack' : seen.requeue ? 'requeue' : 'drop';
          this.#lines.write(event, `${value} ${this.#connection}.${seen.channel}`);
        }
        return;
      case 'channel-closed':
        this.#closed(seen.channel);
        return;
      default:
    }
  }

  #broker(seen: Seen): void {
    const channel = this.#channel(seen.channel);
    switch (seen.kind) {
      case 'deliver': {
        const n = numberIn(seen.messageId);
        if (n === undefined) return;
        channel.deliveries.set(seen.tag, n);
        const event = seen.redelivered ? 'redeliver' : 'deliver';
        this.#lines.write(event, `${n} ${this.#connection}.${seen.channel} ${seen.tag}`);
        return;
      }
      case 'return': {
        const n = numberIn(seen.messageId);
        if (n === undefined) return;
        forget(channel.publishes, n);
        this.#lines.write('return', `${n}`);
        return;
      }
      case 'ack':
      case 'nack':
        for (const { value } of taken(channel.publishes, seen)) {
          const event = seen.kind === 'nack' ? 'refuse' : value.isCopy ? 'copied' : 'confirm';
          this.#lines.write(event, `${value.n}`);
        }
        return;
      case 'channel-closed':
        this.#closed(seen.channel);
        return;
      default:
    }
  }

  #channel(number: number): Channel {
    let channel = this.#channels.get(number);
    if (channel === undefined) {
      channel = { confirms: false, sequence: 0, deliveries: new Map(), publishes: new Map() };
      this.#channels.set(number, channel);
    }
    return channel;
  }

  /** What a channel had in hand when it was closed may come again, as with its connection. */
  #closed(number: number): void {
    const channel = this.#channels.get(number);
    if (channel === undefined) return;
    this.#channels.delete(number);
    const { deliveries, publishes } = channel;
    if (deliveries.size + publishes.size === 0) return;
    this.#lines.write('channel-end', `${this.#connection}.${number} ${deliveries.size} ${publishes.size}`);
  }
}

/** The ack that follows a return says only that the broker has done with it. */
function forget(publishes: Map<number, { readonly n: number }>, n: number): void {
  for (const [sequence, publish] of publishes) if (publish.n === n) publishes.delete(sequence);
}

interface Channel {
  confirms: boolean;
  /** Of the last publish, as confirms count them. */
  sequence: number;
  /** Numbers of messages by delivery tag. */
  readonly deliveries: Map<number, number>;
  readonly publishes: Map<number, { readonly n: number; readonly isCopy: boolean }>;
}

/** Takes out what a settlement stands for. Tag 0 with `multiple` stands for all. */
function taken<T>(
  open: Map<number, T>,
  { tag, multiple }: { readonly tag: number; readonly multiple: boolean },
): { value: T }[] {
  const found: { value: T }[] = [];
  const take = (key: number) => {
    const value = open.get(key);
    open.delete(key);
    if (value !== undefined) found.push({ value });
  };
  if (!multiple) take(tag);
  else for (const key of [...open.keys()]) if (tag === 0 || key <= tag) take(key);
  return found;
}
