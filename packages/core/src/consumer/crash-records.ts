import { errorText } from '../errors/error-text.js';
import { type Logger, logSafely } from '../events/logger.js';
import { claimKey } from '../idempotency/claim-key.js';
import type { Claim, IdempotencyStore } from '../idempotency/idempotency-store.js';
import type { Message } from '../message/message.js';
import type { Recoverer } from '../recoverer/recoverer.js';
import { type Clock, pause, within } from '../time/clock.js';
import { contentKey, messageIdentity } from './message-identity.js';

/** What a listener does about messages that end the process, resolved. */
export interface CrashLoopPolicy {
  /** So many ends of a process are one message's fault. From 2. */
  readonly after: number;
  /** A start that was longer ago is forgotten. */
  readonly withinMs: number;
  /** Where such a message goes; `undefined` for the recoverer of the listener. */
  readonly quarantine?: Recoverer | undefined;
  /** What remembers starts; `undefined` where nothing outlives the process. */
  readonly store?: IdempotencyStore | undefined;
}

/** A start that is written down. */
export interface RecordedStart {
  /** From 1: how often the message has been started, as far as anybody knows, and not ended. */
  readonly starts: number;
  readonly claim: Claim;
}

/** What is known of a message that comes again. */
export type Suspicion =
  | { readonly kind: 'started'; readonly start: RecordedStart }
  /** As often as the listener bears: it is not to be started again. */
  | { readonly kind: 'crash-loop'; readonly starts: number }
  | { readonly kind: 'unknown'; readonly error: unknown };

const STORE_TIMEOUT_MS = 10_000;
/** Pauses between the tries to take a record away. */
const PAUSES_MS = [100, 1000, 10_000];

/**
 * Which messages were started and never ended: the process ended first. Only what comes again is written down, so that a
 * message that comes once costs nothing. The first start is therefore in no record; the n-th start is a claim in the store
 * that nobody lets go of when the process dies.
 */
export class CrashRecords {
  readonly #listenerId: string;
  readonly #policy: CrashLoopPolicy;
  readonly #store: IdempotencyStore;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(listenerId: string, policy: CrashLoopPolicy, store: IdempotencyStore, clock: Clock, logger: Logger) {
    this.#listenerId = listenerId;
    this.#policy = policy;
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Writes down that a message is about to be started, and says how often it was before. Never rejects. */
  async begin(message: Message): Promise<Suspicion> {
    const recorded = this.#policy.after - 1;
    try {
      for (let starts = 1; starts <= recorded; starts++) {
        const key = this.#key(message, starts);
        const answer = await this.#answerOf(this.#store.claim(key, { leaseMs: this.#policy.withinMs }));
        if (answer.kind === 'claimed')
          return { kind: 'started', start: { starts, claim: { key, token: answer.token } } };
      }
      return { kind: 'crash-loop', starts: recorded };
    } catch (error) {
      return { kind: 'unknown', error };
    }
  }

  /** The process lives, whatever became of the message. Never rejects: what stays is forgotten in time. */
  async end({ claim }: RecordedStart): Promise<void> {
    for (const pauseMs of [...PAUSES_MS, undefined]) {
      try {
        await this.#answerOf(this.#store.release(claim));
        return;
      } catch (error) {
        if (pauseMs === undefined) {
          const fields = { listener: this.#listenerId, err: error, reason: errorText(error) };
          logSafely(this.#logger, 'warn', fields, 'the record that a message was started could not be taken away');
        } else await pause(this.#clock, pauseMs);
      }
    }
  }

  #answerOf<T>(asked: Promise<T>): Promise<T> {
    return within(this.#clock, STORE_TIMEOUT_MS, asked, (): never => {
      throw new Error(`The store did not answer within ${STORE_TIMEOUT_MS} ms.`);
    });
  }

  #key(message: Message, starts: number): string {
    const identity = messageIdentity(message) ?? contentKey(message);
    return claimKey(`${this.#listenerId}/started#${starts}`, identity);
  }
}
