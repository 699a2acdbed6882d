import type { ExchangeOptions } from './exchange-options.js';
import type { ExchangeType, TopologyArguments } from './topology.js';

/** What an {@link ExchangeBuilder} builds: options whose type is always said. */
export type BuiltExchange = ExchangeOptions & { readonly type: ExchangeType };

/**
 * Builds {@link ExchangeOptions} step by step, in the words of Spring AMQP:
 * `ExchangeBuilder.topic('pay.topic').alternate('unrouted').build()`. A builder can be given wherever options can.
 * Every step changes the builder and returns it. Nothing is checked here: faults are listed at start.
 */
export class ExchangeBuilder {
  #options: BuiltExchange;

  private constructor(options: BuiltExchange) {
    this.#options = options;
  }

  /** Routes to the queues bound with exactly the routing key of a message. */
  static direct(name: string): ExchangeBuilder {
    return ExchangeBuilder.ofType('direct', name);
  }

  /** Routes by patterns of words: `*` stands for one word, `#` for any number. */
  static topic(name: string): ExchangeBuilder {
    return ExchangeBuilder.ofType('topic', name);
  }

  /** Routes to every queue bound. */
  static fanout(name: string): ExchangeBuilder {
    return ExchangeBuilder.ofType('fanout', name);
  }

  /** Routes by headers instead of the routing key. */
  static headers(name: string): ExchangeBuilder {
    return ExchangeBuilder.ofType('headers', name);
  }

  /** An exchange of any type, such as one that a plugin of the broker adds. */
  static ofType(type: ExchangeType, name: string): ExchangeBuilder {
    return new ExchangeBuilder({ name, type });
  }

  /** Whether it survives a restart of the broker. Exchanges do unless this says `false`. */
  durable(durable = true): this {
    return this.#with({ durable });
  }

  /** Deleted when its last binding goes. */
  autoDelete(): this {
    return this.#with({ autoDelete: true });
  }

  /** Only other exchanges may publish to it. */
  internal(): this {
    return this.#with({ internal: true });
  }

  /** Holds messages back for the time in their `x-delay` header; needs the delayed message exchange plugin. */
  delayed(): this {
    return this.#with({ delayed: true });
  }

  /** Where messages go that it cannot route. */
  alternate(exchange: string): this {
    return this.#with({ alternateExchange: exchange });
  }

  withArgument(name: string, value: unknown): this {
    return this.withArguments({ [name]: value });
  }

  withArguments(more: TopologyArguments): this {
    return this.#with({ arguments: { ...this.#options.arguments, ...more } });
  }

  /** The options so far. */
  build(): BuiltExchange {
    return this.#options;
  }

  #with(more: Partial<BuiltExchange>): this {
    this.#options = { ...this.#options, ...more };
    return this;
  }
}

/** An exchange by its name, its options, or a builder. */
export type ExchangeReference = string | ExchangeOptions | ExchangeBuilder;

/** The options behind a reference that is not a mere name. Not checked. */
export function exchangeOptionsOf(reference: unknown): unknown {
  return reference instanceof ExchangeBuilder ? reference.build() : reference;
}
