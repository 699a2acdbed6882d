import type { Clock } from '../time/clock.js';
import type { ConsumeRequest, StreamStart } from '../transport/transport.js';

/** Broker and client may differ by so much about the time, and a chunk is as old as the first message in it. */
const MARGIN_MS = 10_000;

interface Taken {
  readonly offset: number;
  done: boolean;
}

/**
 * How far a listener has come in its stream: behind everything before it is done with. From there it goes on when it has to
 * consume again: the broker remembers nothing.
 */
export class StreamPosition {
  readonly #clock: Clock;
  /** What came and is not done with, or stands behind such a one; in the order of the stream. */
  #taken: Taken[] = [];
  /** Everything below is done with. */
  #next: number | undefined;
  #beganAt: number | undefined;
  #isFirst = false;
  readonly #moved: (offset: number) => void;

  /** @param moved told of the last offset below which everything is done with */
  constructor(clock: Clock, moved: (offset: number) => void = () => {}) {
    this.#clock = clock;
    this.#moved = moved;
  }

  /** Whether it knows where to go on. */
  get isKnown(): boolean {
    return this.#next !== undefined;
  }

  /** Goes on behind this offset. */
  startBehind(offset: number): void {
    this.#next = offset + 1;
  }

  /** Consuming begins, first or again: what was not done with comes again. */
  began(): void {
    this.#beganAt ??= this.#clock.now();
    this.#isFirst = true;
  }

  /** Answers whether it is to be handled: `false` for what is done with already. */
  took(offset: number): boolean {
    if (this.#isFirst) this.#beginsAt(offset);
    const last = this.#taken.at(-1);
    if (last !== undefined && offset <= last.offset) return !this.isDone(offset);
    if (this.#next !== undefined && offset < this.#next) return false;
    this.#taken.push({ offset, done: false });
    this.#next ??= offset;
    return true;
  }

  isDone(offset: number): boolean {
    if (this.#next !== undefined && offset < this.#next) return true;
    return this.#taken.find((taken) => taken.offset === offset)?.done === true;
  }

  done(offset: number): void {
    const own = this.#taken.find((taken) => taken.offset === offset);
    if (own === undefined) return;
    own.done = true;
    this.#moveOn();
  }

  /** The stream may have dropped what it has kept for too long. */
  #beginsAt(offset: number): void {
    this.#isFirst = false;
    this.#taken = this.#taken.filter((taken) => taken.done || taken.offset >= offset);
    this.#moveOn();
  }

  #moveOn(): void {
    let last: number | undefined;
    while (this.#taken[0]?.done === true) last = (this.#taken.shift() as Taken).offset;
    if (last === undefined) return;
    this.#next = last + 1;
    this.#moved(last);
  }

  /**
   * Where to consume from: `undefined` as the options say. Before the first message of a consumer that began at the end of
   * the stream, that is when it began: the end is another one by now, and what came in between would be lost.
   */
  start(fromEnd: boolean): StreamStart | undefined {
    if (this.#next !== undefined) return { offset: this.#next };
    if (!fromEnd || this.#beganAt === undefined) return undefined;
    return { timestamp: Math.floor((this.#beganAt - MARGIN_MS) / 1000) };
  }
}

/** A stream is consumed from where its listener has come to: its messages are put back nowhere. */
export function startAt(
  position: StreamPosition | undefined,
  { 'x-stream-offset': from }: Readonly<Record<string, unknown>>,
): Pick<ConsumeRequest, 'startAt'> {
  const isEnd = from === undefined || from === 'next' || from === 'last';
  return position === undefined ? {} : { startAt: () => position.start(isEnd) };
}
