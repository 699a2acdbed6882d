import type { BindingOptions, DeclaredBindingOptions, HeadersMatch } from './binding-options.js';
import type { ExchangeReference } from './exchange-builder.js';
import { type BuiltExchange, ExchangeBuilder } from './exchange-builder.js';
import { looksLikeQueue, type QueueReference } from './queue-builder.js';
import type { TopologyArguments } from './topology.js';

/**
 * Builds bindings in the words of Spring AMQP: `BindingBuilder.bind('error.queue').to('error.direct').with('error')`.
 * What its last step returns are plain {@link DeclaredBindingOptions}.
 */
export class BindingBuilder {
  readonly #finish: (binding: BindingOptions) => DeclaredBindingOptions;

  private constructor(finish: (binding: BindingOptions) => DeclaredBindingOptions) {
    this.#finish = finish;
  }

  /** Binds a queue (a name is one of a queue), or an exchange given by a builder or by options with its type. */
  static bind(destination: QueueReference | ExchangeBuilder | BuiltExchange): BindingBuilder {
    const isExchange = destination instanceof ExchangeBuilder || !looksLikeQueue(destination);
    if (typeof destination === 'string' || !isExchange) {
      return new BindingBuilder((binding) => ({ ...binding, queue: destination as QueueReference }));
    }
    return BindingBuilder.bindExchange(destination as ExchangeBuilder | BuiltExchange);
  }

  /** Binds an exchange, which takes messages from another one. */
  static bindExchange(destination: ExchangeReference): BindingBuilder {
    return new BindingBuilder((from) => ({ exchange: destination, from }));
  }

  /** The exchange that messages come from. */
  to(exchange: ExchangeReference): BindingBuilderTo {
    return new BindingBuilderTo(exchange, this.#finish);
  }
}

/** The second step of a {@link BindingBuilder}: which messages of the exchange. */
export class BindingBuilderTo {
  readonly #exchange: ExchangeReference;
  readonly #finish: (binding: BindingOptions) => DeclaredBindingOptions;

  constructor(exchange: ExchangeReference, finish: (binding: BindingOptions) => DeclaredBindingOptions) {
    this.#exchange = exchange;
    this.#finish = finish;
  }

  /** Those with one of these routing keys (patterns, for a topic exchange). */
  with(...routingKeys: readonly string[]): DeclaredBindingOptions {
    const [first] = routingKeys;
    const routingKey = routingKeys.length === 1 && first !== undefined ? first : routingKeys;
    return this.#finish({ exchange: this.#exchange, routingKey });
  }

  /** Those with this header; say next whether its value counts. */
  where(header: string): BindingBuilderWhere {
    const match = header.startsWith('x-') ? 'all-with-x' : 'all';
    return new BindingBuilderWhere((value) => this.whereAll({ [header]: value }, match));
  }

  /** Those with all of these headers. `null` as a value means that the header is there. */
  whereAll(headers: Readonly<Record<string, unknown>>, match: HeadersMatch = 'all'): DeclaredBindingOptions {
    return this.#finish({ exchange: this.#exchange, headers, match });
  }

  /** Those with at least one of these headers. `null` as a value means that the header is there. */
  whereAny(headers: Readonly<Record<string, unknown>>, match: HeadersMatch = 'any'): DeclaredBindingOptions {
    return this.#finish({ exchange: this.#exchange, headers, match });
  }

  /** All of them: for a fanout exchange. */
  noargs(): DeclaredBindingOptions {
    return this.#finish({ exchange: this.#exchange });
  }

  /** Those that an exchange of a plugin chooses by these arguments. */
  withArguments(routingKey: string, args: TopologyArguments): DeclaredBindingOptions {
    return this.#finish({ exchange: this.#exchange, routingKey, arguments: args });
  }
}

/** The last step of a binding by one header. */
export class BindingBuilderWhere {
  readonly #finish: (value: unknown) => DeclaredBindingOptions;

  constructor(finish: (value: unknown) => DeclaredBindingOptions) {
    this.#finish = finish;
  }

  /** The header has this value. */
  matches(value: unknown): DeclaredBindingOptions {
    return this.#finish(value);
  }

  /** The header is there, whatever its value. */
  exists(): DeclaredBindingOptions {
    return this.#finish(null);
  }
}
