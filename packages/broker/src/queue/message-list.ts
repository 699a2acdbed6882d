import type { Message } from './message.js';

/** How many bytes a message counts for in the limits of its queue. */
export type SizeOf = (message: Message) => number;

const bodySize: SizeOf = (message) => message.bodySize;

/** A linked list of messages in the order of their positions. */
export class MessageList {
  #head: Message | undefined;
  #tail: Message | undefined;
  readonly #sizeOf: SizeOf;
  length = 0;
  /** Sum of the sizes. */
  bytes = 0;

  /** @param sizeOf default: the size of the body */
  constructor(sizeOf: SizeOf = bodySize) {
    this.#sizeOf = sizeOf;
  }

  get head(): Message | undefined {
    return this.#head;
  }

  /** Appends a message whose position is the highest. */
  push(message: Message): void {
    message.next = undefined;
    if (this.#tail === undefined) this.#head = message;
    else this.#tail.next = message;
    this.#tail = message;
    this.length++;
    this.bytes += this.#sizeOf(message);
  }

  /** Puts a message back where its position says. Cheap near the head, where requeued messages belong. */
  insert(message: Message): void {
    const head = this.#head;
    if (head === undefined || (this.#tail?.position ?? 0) < message.position) {
      this.push(message);
      return;
    }
    this.length++;
    this.bytes += this.#sizeOf(message);
    if (message.position < head.position) {
      message.next = head;
      this.#head = message;
      return;
    }
    let before = head;
    while (before.next !== undefined && before.next.position < message.position) before = before.next;
    message.next = before.next;
    before.next = message;
  }

  shift(): Message | undefined {
    const head = this.#head;
    if (head === undefined) return undefined;
    this.#head = head.next;
    if (this.#head === undefined) this.#tail = undefined;
    head.next = undefined;
    this.length--;
    this.bytes -= this.#sizeOf(head);
    return head;
  }

  clear(): void {
    this.#head = undefined;
    this.#tail = undefined;
    this.length = 0;
    this.bytes = 0;
  }

  *[Symbol.iterator](): Iterator<Message> {
    for (let message = this.#head; message !== undefined; message = message.next) yield message;
  }
}
