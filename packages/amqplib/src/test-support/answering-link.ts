import { EventEmitter } from 'node:events';
import type { Link } from '../connection/link.js';

type Answer = () => Promise<unknown>;

/** A close frame of the broker, as amqplib tells it. */
export function refusal(code: number, text: string): Error {
  return new Error(`Operation failed: QueueDeclare; ${code} (NAME) with message "${text}"`);
}

/** A connection that answers declarations as a test says, and notes what it was asked. */
export class AnsweringLink {
  readonly facts: Link['facts'];
  readonly holdingBack = new Set<string>();
  /** Such as `assertQueue orders`, in order. */
  readonly asked: string[] = [];
  /** What the last assertion of a name gave. */
  readonly options = new Map<string, unknown>();
  /** How the queue or exchange of this name is answered; everything else is at once. */
  readonly answers = new Map<string, Answer>();
  channels = 0;
  /** Channels that are not closed. */
  open = 0;
  ended = false;
  error: Error | undefined;
  readonly #ends = new Set<() => void>();

  constructor(version = '4.3.0') {
    this.facts = { product: 'RabbitMQ', version, frameMax: 131_072 };
  }

  /** Listeners for its end. */
  get listeners(): number {
    return this.#ends.size;
  }

  get link(): Link {
    return this as unknown as Link;
  }

  onEnd(listener: () => void): () => void {
    this.#ends.add(listener);
    return () => this.#ends.delete(listener);
  }

  end(error: Error): void {
    this.ended = true;
    this.error = error;
    for (const listener of this.#ends) listener();
  }

  async openChannel(): Promise<unknown> {
    this.channels++;
    this.open++;
    const channel = new EventEmitter();
    let isOpen = true;
    const closed = () => {
      if (isOpen) this.open--;
      isOpen = false;
      channel.emit('close');
    };
    const ask =
      (method: string) =>
      async (...given: readonly unknown[]) => {
        const [name] = given;
        const isBinding = method.startsWith('bind');
        this.asked.push(`${method} ${given.filter((each) => typeof each === 'string').join(' ')}`.trim());
        this.options.set(String(name), given.at(-1));
        try {
          const answer =
            this.answers.get(`${method} ${name}`) ?? (isBinding ? undefined : this.answers.get(String(name)));
          return await (answer?.() ?? {});
        } catch (error) {
          closed();
          throw error;
        }
      };
    const methods = ['assertExchange', 'assertQueue', 'bindQueue', 'bindExchange', 'checkExchange', 'checkQueue'];
    return Object.assign(
      channel,
      { close: async () => closed() },
      Object.fromEntries(methods.map((method) => [method, ask(method)])),
    );
  }
}
