import type { VersionProfile } from '../version/version-profile.js';
import type { Message } from './message.js';
import { MessageList, type SizeOf } from './message-list.js';
import type { QueueType } from './queue-arguments.js';

/** The ready messages of a queue, in the order in which they are handed out. */
export interface ReadyMessages {
  readonly length: number;
  /** Sum of the sizes, as the limits of this kind of queue count them. */
  readonly bytes: number;
  /** Clock time at which the first message expires that can; -1 when there is none. */
  readonly nextExpiry: number;
  /** Adds a new message. */
  push(message: Message): void;
  /** Puts a message back that was handed out. */
  putBack(message: Message): void;
  /** The next message; it stays. */
  peek(): Message | undefined;
  /** Takes the next message. */
  shift(): Message | undefined;
  /** Takes the messages that have expired at `now` and are first in their line. */
  takeExpired(now: number): readonly Message[];
  clear(): void;
  [Symbol.iterator](): Iterator<Message>;
}

/**
 * The order that a kind of queue keeps in a version.
 *
 * @param maxPriority `x-max-priority` of a classic queue
 */
export function readyMessagesFor(
  type: QueueType,
  maxPriority: number | undefined,
  profile: VersionProfile,
): ReadyMessages {
  if (type === 'classic') return maxPriority === undefined ? new FifoMessages() : new PriorityMessages(maxPriority + 1);
  switch (profile.quorumPriorities) {
    case 'strict':
      return new QuorumPriorityMessages();
    case 'two-levels':
      return new ReturnsFirst(new TwoLevelMessages());
    default:
      return new ReturnsFirst(new FifoMessages());
  }
}

/** Takes expired messages from the front, as long as the next one is. */
function takeExpiredHeads(ready: ReadyMessages, now: number): Message[] {
  const expired: Message[] = [];
  for (let head = ready.peek(); head !== undefined && isExpired(head, now); head = ready.peek()) {
    ready.shift();
    expired.push(head);
  }
  return expired;
}

function isExpired({ expiresAt }: Message, now: number): boolean {
  return expiresAt >= 0 && expiresAt <= now;
}

/** First in, first out; a message put back returns to its original place (classic queues). */
class FifoMessages implements ReadyMessages {
  readonly #list = new MessageList();

  get length(): number {
    return this.#list.length;
  }

  get bytes(): number {
    return this.#list.bytes;
  }

  get nextExpiry(): number {
    return this.#list.head?.expiresAt ?? -1;
  }

  push(message: Message): void {
    this.#list.push(message);
  }

  putBack(message: Message): void {
    this.#list.insert(message);
  }

  peek(): Message | undefined {
    return this.#list.head;
  }

  shift(): Message | undefined {
    return this.#list.shift();
  }

  takeExpired(now: number): readonly Message[] {
    return takeExpiredHeads(this, now);
  }

  clear(): void {
    this.#list.clear();
  }

  [Symbol.iterator](): Iterator<Message> {
    return this.#list[Symbol.iterator]();
  }
}

/** Several lists, by level; what differs is which level is next. */
abstract class LevelledMessages implements ReadyMessages {
  /** Lists from the lowest to the highest level. */
  protected readonly lists: readonly MessageList[];
  length = 0;

  constructor(levels: number, sizeOf?: SizeOf) {
    this.lists = Array.from({ length: levels }, () => new MessageList(sizeOf));
  }

  get bytes(): number {
    return this.lists.reduce((sum, list) => sum + list.bytes, 0);
  }

  get nextExpiry(): number {
    return this.peek()?.expiresAt ?? -1;
  }

  push(message: Message): void {
    this.listOf(message).push(message);
    this.length++;
  }

  putBack(message: Message): void {
    this.listOf(message).insert(message);
    this.length++;
  }

  peek(): Message | undefined {
    return this.next()?.head;
  }

  shift(): Message | undefined {
    const message = this.next()?.shift();
    if (message !== undefined) {
      this.length--;
      this.taken();
    }
    return message;
  }

  takeExpired(now: number): readonly Message[] {
    return takeExpiredHeads(this, now);
  }

  clear(): void {
    for (const list of this.lists) list.clear();
    this.length = 0;
  }

  *[Symbol.iterator](): Iterator<Message> {
    for (let level = this.lists.length - 1; level >= 0; level--) yield* this.lists[level] ?? [];
  }

  protected abstract listOf(message: Message): MessageList;

  /** The list whose head is next. */
  protected next(): MessageList | undefined {
    for (let level = this.lists.length - 1; level >= 0; level--) {
      const list = this.lists[level];
      if (list !== undefined && list.length > 0) return list;
    }
    return undefined;
  }

  /** Called after a message was handed out. */
  protected taken(): void {}
}

/** Strict priorities: `levels` of them, higher first; a priority above the highest counts as the highest. */
class PriorityMessages extends LevelledMessages {
  protected override listOf(message: Message): MessageList {
    const level = Math.min(message.priority, this.lists.length - 1);
    return this.lists[level] as MessageList;
  }
}

const QUORUM_LEVELS = 32;
const QUORUM_DEFAULT_PRIORITY = 4;

/** What counts against the limit of a quorum queue from 4.3 on: the body and the properties it was stored with. */
function storedSize(message: Message): number {
  const { propertiesStart, propertiesEnd, extra } = message;
  return message.bodySize + (extra?.storedPropertiesBytes ?? propertiesEnd - propertiesStart);
}

/**
 * Quorum queues of 4.3: 32 strict priorities, a message without one stands at 4, and before all of them what came back, in
 * the order it did. Each level expires by itself.
 */
class QuorumPriorityMessages extends LevelledMessages {
  /** Messages with a time to live: as long as there is none, nobody looks for the next to expire. */
  #mortal = 0;

  constructor() {
    super(QUORUM_LEVELS + 1, storedSize);
  }

  override get nextExpiry(): number {
    if (this.#mortal === 0) return -1;
    let next = -1;
    for (const { head } of this.lists) {
      const expiresAt = head?.expiresAt ?? -1;
      if (expiresAt >= 0 && (next < 0 || expiresAt < next)) next = expiresAt;
    }
    return next;
  }

  override push(message: Message): void {
    super.push(message);
    if (message.expiresAt >= 0) this.#mortal++;
  }

  override putBack(message: Message): void {
    (this.lists[QUORUM_LEVELS] as MessageList).push(message);
    this.length++;
    if (message.expiresAt >= 0) this.#mortal++;
  }

  override shift(): Message | undefined {
    const message = super.shift();
    if (message !== undefined && message.expiresAt >= 0) this.#mortal--;
    return message;
  }

  override takeExpired(now: number): readonly Message[] {
    const expired: Message[] = [];
    for (let level = this.lists.length - 1; level >= 0; level--) {
      const list = this.lists[level] as MessageList;
      for (let { head } = list; head !== undefined && isExpired(head, now); { head } = list) {
        list.shift();
        expired.push(head);
      }
    }
    this.length -= expired.length;
    this.#mortal -= expired.length;
    return expired;
  }

  override clear(): void {
    super.clear();
    this.#mortal = 0;
  }

  protected override listOf(message: Message): MessageList {
    const level = message.hasPriority ? Math.min(message.priority, QUORUM_LEVELS - 1) : QUORUM_DEFAULT_PRIORITY;
    return this.lists[level] as MessageList;
  }
}

const HIGH_PRIORITY_FROM = 5;
const HIGH_BEFORE_LOW = 2;

/** The two levels of quorum queues in 4.0: after two messages it is the other level's turn, if that one came earlier. */
class TwoLevelMessages extends LevelledMessages {
  #counter = 0;

  constructor() {
    super(2);
  }

  protected override listOf(message: Message): MessageList {
    return this.lists[message.priority >= HIGH_PRIORITY_FROM ? 1 : 0] as MessageList;
  }

  protected override next(): MessageList | undefined {
    const [low, high] = this.lists;
    if (low?.head === undefined || high?.head === undefined) return high?.head === undefined ? low : high;
    const lowIsDue = this.#counter === HIGH_BEFORE_LOW && high.head.position > low.head.position;
    return lowIsDue ? low : high;
  }

  protected override taken(): void {
    this.#counter = this.#counter === HIGH_BEFORE_LOW ? 0 : this.#counter + 1;
  }
}

/** Quorum queues before 4.3 hand out returned messages first, in the order they came back. */
class ReturnsFirst implements ReadyMessages {
  readonly #returns = new MessageList();
  readonly #fresh: ReadyMessages;

  constructor(fresh: ReadyMessages) {
    this.#fresh = fresh;
  }

  get length(): number {
    return this.#returns.length + this.#fresh.length;
  }

  get bytes(): number {
    return this.#returns.bytes + this.#fresh.bytes;
  }

  push(message: Message): void {
    this.#fresh.push(message);
  }

  putBack(message: Message): void {
    this.#returns.push(message);
  }

  get nextExpiry(): number {
    return this.peek()?.expiresAt ?? -1;
  }

  peek(): Message | undefined {
    return this.#returns.head ?? this.#fresh.peek();
  }

  takeExpired(now: number): readonly Message[] {
    return takeExpiredHeads(this, now);
  }

  shift(): Message | undefined {
    return this.#returns.shift() ?? this.#fresh.shift();
  }

  clear(): void {
    this.#returns.clear();
    this.#fresh.clear();
  }

  *[Symbol.iterator](): Iterator<Message> {
    yield* this.#returns;
    yield* this.#fresh;
  }
}
