import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Type } from 'class-transformer';
import { IsArray, IsInt, IsString, ValidateNested } from 'class-validator';
import { type LeveretEvent, Listener, Payload } from 'leveret';
import { startApp } from '../support/start-app.js';
import { unique } from '../support/unique.js';
import { Random } from './random.js';
import { randomBody } from './random-body.js';
import { randomProperties } from './random-properties.js';
import { type RawMessage, RawPublisher } from './raw-publisher.js';

/** What to send, and where. */
export interface FuzzOptions {
  readonly url: string;
  readonly seed: number;
  /** The first message, so that a finding can be sent again. */
  readonly from: number;
  /** It ends after so many seconds, or so many messages. */
  readonly seconds: number;
  readonly messages: number;
  /** How long a message may keep the event loop, in milliseconds. */
  readonly slowMs: number;
  progress(line: string): void;
}

/** What came of it. */
export interface FuzzReport {
  readonly sent: number;
  /** Refused by the broker, which ended the sender's connection. */
  readonly refused: number;
  readonly handled: number;
  readonly rejected: number;
  /** The longest that a message kept the event loop, in milliseconds. */
  readonly slowestMs: number;
  readonly seconds: number;
  /** What should not be: each names the message by which it can be sent again. */
  readonly findings: readonly string[];
}

const TARGETS = ['class', 'list', 'object', 'bytes'] as const;
type Target = (typeof TARGETS)[number];
/** Messages between two looks at what became of them. */
const BATCH = 20;
const SETTLED_BOUND_MS = 20_000;
/** A message that seems slow is sent again: the machine may have been busy. */
const LOOKS = 3;

class Item {
  @IsString() name!: string;
  @IsInt() count!: number;
}

class Order {
  @IsInt() id!: number;

  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => Item)
  items!: Item[];
}

function listenersOn(queues: Readonly<Record<Target, string>>): (new () => object)[] {
  // Gone with the application, and what is rejected is dropped: nothing stays on a broker that is not ours.
  const on = (target: Target) => ({ queue: { name: queues[target], autoDelete: true } });
  class ClassListener {
    @Listener(on('class'))
    onOrder(@Payload(Order) _order: Order): void {}
  }
  class ListListener {
    @Listener(on('list'))
    onOrders(@Payload([Order]) _orders: Order[]): void {}
  }
  class ObjectListener {
    @Listener(on('object'))
    onAnything(@Payload(Object) _anything: object): void {}
  }
  class BytesListener {
    @Listener(on('bytes'))
    onBytes(@Payload(Buffer) _bytes: Buffer): void {}
  }
  return [ClassListener, ListListener, ObjectListener, BytesListener];
}

/**
 * Sends messages by chance to an application that listens with a class, an array of them, without a class and for bytes.
 * Whatever they are, each must be handled or rejected, without an error outside of it, without a lost connection, and
 * without keeping the event loop for long.
 */
export async function runFuzz(options: FuzzOptions): Promise<FuzzReport> {
  const name = unique('fuzz');
  const queues = Object.fromEntries(TARGETS.map((target) => [target, `${name}.${target}`])) as Record<Target, string>;
  const run = new FuzzRun(options, queues);
  const crashed = (error: unknown): void => run.find(`an error outside of any message: ${String(error)}`);
  process.on('uncaughtException', crashed);
  process.on('unhandledRejection', crashed);
  try {
    await using running = await startApp(options.url, {
      listeners: listenersOn(queues),
      onEvent: (event) => run.happened(event),
    });
    await run.run();
    const { status } = running.app.health();
    if (status !== 'up') run.find(`the application is ${status}`);
  } finally {
    process.off('uncaughtException', crashed);
    process.off('unhandledRejection', crashed);
  }
  return run.report();
}

class FuzzRun {
  readonly #options: FuzzOptions;
  readonly #queues: Readonly<Record<Target, string>>;
  readonly #publisher: RawPublisher;
  readonly #loop = monitorEventLoopDelay({ resolution: 5 });
  readonly #startedAt = performance.now();
  readonly #findings: string[] = [];
  #sent = 0;
  #refused = 0;
  #handled = 0;
  #rejected = 0;
  #slowestMs = 0;
  #about = 'before the first message';

  constructor(options: FuzzOptions, queues: Readonly<Record<Target, string>>) {
    this.#options = options;
    this.#queues = queues;
    this.#publisher = new RawPublisher(options.url);
  }

  find(what: string): void {
    this.#findings.push(`${what} (${this.#about})`);
  }

  happened(event: LeveretEvent): void {
    if (event.type === 'handled') this.#handled++;
    else if (event.type === 'rejected' || event.type === 'dropped') this.#rejected++;
    else if (event.type === 'interrupted')
      this.find(`a listener was interrupted: ${event.cause}, ${event.error?.message}`);
    else if (event.type === 'failed') this.find(`taken for a failure of the handler: ${String(event.error)}`);
  }

  async run(): Promise<void> {
    const { from, seconds, messages, progress } = this.#options;
    const end = from + messages;
    let reportedAt = performance.now();
    this.#loop.enable();
    for (let index = from; index < end && this.#elapsed() < seconds; index += BATCH) {
      await this.#batch(index, Math.min(BATCH, end - index));
      if (performance.now() - reportedAt < 5_000) continue;
      reportedAt = performance.now();
      progress(`${this.#sent} messages in ${Math.round(this.#elapsed())} s, ${this.#findings.length} findings`);
    }
    this.#loop.disable();
    this.#publisher.close();
  }

  report(): FuzzReport {
    return {
      sent: this.#sent,
      refused: this.#refused,
      handled: this.#handled,
      rejected: this.#rejected,
      slowestMs: Math.round(this.#slowestMs),
      seconds: this.#elapsed(),
      findings: this.#findings,
    };
  }

  #elapsed(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }

  async #batch(from: number, count: number): Promise<void> {
    this.#about = `seed ${this.#options.seed}, messages ${from} to ${from + count - 1}`;
    const indexes = Array.from({ length: count }, (_, i) => from + i);
    const blockedMs = await this.#send(indexes);
    if (blockedMs <= this.#options.slowMs) {
      this.#slowestMs = Math.max(this.#slowestMs, blockedMs);
      return;
    }
    for (const index of indexes) {
      this.#about = `seed ${this.#options.seed}, message ${index}`;
      let leastMs = Number.POSITIVE_INFINITY;
      for (let look = 0; look < LOOKS && leastMs > this.#options.slowMs; look++) {
        leastMs = Math.min(leastMs, await this.#send([index]));
      }
      this.#slowestMs = Math.max(this.#slowestMs, leastMs);
      if (leastMs > this.#options.slowMs) this.find(`kept the event loop for ${Math.round(leastMs)} ms`);
    }
  }

  /** Sends these and waits until each has been settled; resolves with how long the event loop stood still meanwhile. */
  async #send(indexes: readonly number[]): Promise<number> {
    const messages = indexes.map((index) => this.#message(index));
    // What making them has cost is not theirs.
    await delay(15);
    this.#loop.reset();
    const settledBefore = this.#handled + this.#rejected;
    let taken = 0;
    for (const message of messages) {
      this.#sent++;
      if ((await this.#publisher.publish(message)) === 'taken') taken++;
      else this.#refused++;
    }
    const deadline = performance.now() + SETTLED_BOUND_MS;
    while (this.#handled + this.#rejected < settledBefore + taken) {
      if (performance.now() > deadline) {
        this.find(`${settledBefore + taken - this.#handled - this.#rejected} were neither handled nor rejected`);
        break;
      }
      await delay(2);
    }
    return this.#loop.max / 1e6;
  }

  #message(index: number): RawMessage {
    const random = new Random(this.#options.seed * 1_000_003 + index);
    return {
      queue: this.#queues[random.pick(TARGETS)],
      properties: randomProperties(random),
      body: randomBody(random),
    };
  }
}
