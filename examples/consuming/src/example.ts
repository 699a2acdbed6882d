import { randomBytes } from 'node:crypto';
import type { LeveretEvent } from 'leveret';

/** Where the broker is. Examples print for themselves, so leveret's own log is off. */
export const broker = {
  connection: { urls: process.env['AMQP_URL'] ?? 'amqp://127.0.0.1:5672', startTimeout: '5s' },
  logger: 'silent',
} as const;

const run = randomBytes(3).toString('hex');

/** A name on the broker that no other run of an example has. */
export function name(text: string): string {
  return `leveret.examples.${text}.${run}`;
}

/** For every queue of an example: the broker deletes it when it was unused for a minute. */
export const expires = '1m';

export function say(text: string): void {
  console.log(text);
}

/** Prints what leveret did with each delivery, and lets an example wait for it. */
export class Outcomes {
  readonly #counts = new Map<string, number>();
  readonly #waiting = new Set<() => void>();

  /** Give it to `Leveret.start` as `onEvent`. */
  readonly watch = (event: LeveretEvent): void => {
    const text = describe(event);
    if (text !== undefined) say(`  leveret: ${text}`);
    this.#counts.set(event.type, this.count(event.type) + 1);
    for (const look of this.#waiting) look();
  };

  count(type: LeveretEvent['type']): number {
    return this.#counts.get(type) ?? 0;
  }

  /** Waits until something has happened so many times; throws after 10 seconds. */
  async until(type: LeveretEvent['type'], times = 1): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle();
      };
      const look = () => {
        if (this.count(type) >= times) end(resolve);
      };
      const late = new Error(`expected ${times} x ${type} within 10 s, received ${this.count(type)}`);
      const timer = setTimeout(() => end(() => reject(late)), 10_000);
      this.#waiting.add(look);
      look();
    });
  }
}

function describe(event: LeveretEvent): string | undefined {
  switch (event.type) {
    case 'failed':
      return `attempt ${event.attempt} failed: ${reason(event.error)}`;
    case 'retried':
      return `next attempt after ${event.delayMs} ms`;
    case 'redelivery':
      return `waits at the broker for ${event.delayMs} ms`;
    case 'invalid':
      return `the handler is not called: ${reason(event.error)}`;
    case 'recovered':
      return `the recoverer took it (${event.reason}) and says ${event.outcome}`;
    case 'handled':
      return 'handled';
    case 'requeued':
      return 'reject with requeue: the broker delivers it again';
    case 'rejected':
      return 'reject: the broker moves it to the dead letter exchange';
    case 'dropped':
      return 'dropped: the broker keeps no copy';
    case 'left-unsettled':
      return 'left unacknowledged until the channel closes';
    default:
      return undefined;
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
