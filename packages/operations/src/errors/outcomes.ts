import { type Delivery, type MessageHeaders, pause } from '@leveret/core';
import { OUTCOME_TO, RETRY_OF } from '../parked/parked-headers.js';
import type { OperationsSession } from '../session/operations-session.js';

/** What a listener of leveret said became of a message that was sent back. */
export interface RetryOutcome {
  readonly key: string;
  /** `handled`, `duplicate` (it had been handled before), `acknowledged`, `recovered` (parked again), `rejected`, `dropped`, `skipped`. */
  readonly outcome: string;
  readonly listener: string | undefined;
  readonly error: string | undefined;
}

/** Whether it need not be looked at any more. */
export function isGood({ outcome }: RetryOutcome): boolean {
  return outcome === 'handled' || outcome === 'duplicate' || outcome === 'acknowledged';
}

/** A queue of this connection's own, on which listeners say what became of messages. It goes with the connection. */
export class OutcomeQueue {
  readonly name: string;
  readonly #session: OperationsSession;
  readonly #outcomes = new Map<string, RetryOutcome>();
  readonly #stop: () => Promise<void>;

  private constructor(
    session: OperationsSession,
    name: string,
    outcomes: Map<string, RetryOutcome>,
    stop: () => Promise<void>,
  ) {
    this.#session = session;
    this.name = name;
    this.#outcomes = outcomes;
    this.#stop = stop;
  }

  static async open(session: OperationsSession, id: string): Promise<OutcomeQueue> {
    const name = `leveret.outcome.${id}`;
    const { broker } = session;
    await broker.declareQueue(name, { durable: false, exclusive: true, autoDelete: true });
    const outcomes = new Map<string, RetryOutcome>();
    const consumer = await broker.consume(
      name,
      { prefetch: 0, noAck: true },
      {
        delivered: ({ message }: Delivery) => {
          const outcome = readOutcome(message.headers);
          if (outcome !== undefined) outcomes.set(outcome.key, outcome);
        },
        ended: () => {},
      },
    );
    return new OutcomeQueue(session, name, outcomes, async () => {
      await consumer.close();
      await broker.deleteQueue(name).catch(() => {});
    });
  }

  /** Headers that ask for the outcome of a message. */
  get headers(): MessageHeaders {
    return { [OUTCOME_TO]: this.name };
  }

  /** Waits until each of these has an outcome, the time is up, the connection is lost or the signal fires. Answers what there is. */
  async wait(keys: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<readonly RetryOutcome[]> {
    const { clock } = this.#session;
    const until = clock.monotonic() + timeoutMs;
    const known = () => keys.flatMap((key) => this.#outcomes.get(key) ?? []);
    while (known().length < keys.length && clock.monotonic() < until && this.#session.broker.isOpen) {
      if ((await pause(clock, 20, signal)) === 'aborted') break;
    }
    return known();
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await this.#stop().catch(() => {});
  }
}

function readOutcome(headers: MessageHeaders): RetryOutcome | undefined {
  const text = (name: string) => (typeof headers[name] === 'string' ? (headers[name] as string) : undefined);
  const [key, outcome] = [text(RETRY_OF), text('x-leveret-outcome')];
  if (key === undefined || outcome === undefined) return undefined;
  return { key, outcome, listener: text('x-leveret-listener'), error: text('x-leveret-error') };
}
