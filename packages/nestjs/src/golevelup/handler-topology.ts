import type { ExchangeOptions, QueueOptions as LeveretQueue, ListenerOptions, TopologyOptions } from 'leveret';
import type { MessageHandlerOptions, QueueOptions, RabbitMQConfig } from './rabbit-types.js';

/** What a handler's queue and bindings are in leveret. */
export function queueOf({
  queue,
  queueOptions = {},
  createQueueIfNotExists = true,
}: MessageHandlerOptions): NonNullable<ListenerOptions['queue']> {
  if (queue === undefined || queue === '')
    return { anonymous: true, ...declaredQueue(queueOptions, false) } as LeveretQueue;
  if (!createQueueIfNotExists) return { name: queue, declare: false } as LeveretQueue;
  return { name: queue, declare: true, ...declaredQueue(queueOptions, true) } as LeveretQueue;
}

function declaredQueue(options: QueueOptions, named: boolean): object {
  const { bindQueueArguments: _b, channel: _c, consumerOptions: _o, durable, exclusive, autoDelete, ...rest } = options;
  // One without a name is of this process alone; amqplib would leave it behind at each start.
  return named ? defined({ durable, exclusive, autoDelete, ...rest }) : defined(rest);
}

/** The bindings of a handler. An exchange must be there, or stand in the options of the module. */
export function bindingsOf(
  { exchange, routingKey, bindings = [], queueOptions }: MessageHandlerOptions,
  config: RabbitMQConfig,
): NonNullable<ListenerOptions['bindings']> {
  const keys = (Array.isArray(routingKey) ? routingKey : [routingKey]).filter(
    (key) => key !== undefined && key !== null,
  );
  const own = exchange === undefined ? [] : keys.map((key) => ({ exchange, routingKey: key }));
  return [...own, ...bindings].map((binding) => bindingOf(binding, queueOptions?.bindQueueArguments, config)) as never;
}

interface Bound {
  readonly exchange: string;
  readonly routingKey: string;
}

function bindingOf(
  { exchange, routingKey }: Bound,
  args: Readonly<Record<string, unknown>> | undefined,
  config: RabbitMQConfig,
) {
  const known = config.exchanges?.find(({ name }) => name === exchange);
  const type = known === undefined ? undefined : (known.type ?? config.defaultExchangeType ?? 'topic');
  const to = known === undefined ? { name: exchange, declare: false } : exchange;
  // Headers exchanges compare arguments, and know no keys.
  const { 'x-match': match, ...headers } = args ?? {};
  if (type === 'headers') return { exchange: to, headers, ...(match !== undefined && { match }) };
  if (type === 'fanout') return { exchange: to };
  return { exchange: to, routingKey };
}

/** What the options of the module declare. */
export function moduleTopology(config: RabbitMQConfig): TopologyOptions {
  const { exchanges = [], queues = [], exchangeBindings = [], defaultExchangeType = 'topic' } = config;
  return {
    exchanges: exchanges.map(({ name, type = defaultExchangeType, createExchangeIfNotExists = true, options }) =>
      createExchangeIfNotExists
        ? ({ name, type, ...defined(options ?? {}) } as ExchangeOptions)
        : ({ name, type, declare: false } as ExchangeOptions),
    ),
    queues: queues.map(
      ({ name, options = {}, createQueueIfNotExists = true }) =>
        queueOf({ queue: name, queueOptions: options, createQueueIfNotExists }) as never,
    ),
    bindings: [
      ...queues.flatMap((queue) => boundQueue(queue, config)),
      ...exchangeBindings.map(({ destination, source, pattern, args }) => ({
        exchange: destination,
        from: defined({ exchange: source, routingKey: pattern, arguments: args }),
      })),
    ] as never,
  };
}

function boundQueue(queue: NonNullable<RabbitMQConfig['queues']>[number], config: RabbitMQConfig): readonly object[] {
  const { name, exchange, routingKey, bindQueueArguments } = queue;
  const options = { exchange, routingKey, queueOptions: defined({ bindQueueArguments }) };
  return (bindingsOf(defined(options), config) as readonly object[]).map((binding) => ({ queue: name, ...binding }));
}

/** Without what is `undefined`, which is not the same as left out. */
function defined<T extends object>(given: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never;
}
