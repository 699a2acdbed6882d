import { type DeliveryContext, listener, RejectMessage, RequeueMessage } from 'leveret';
import type { FurtherListeners, ListenerSource, SourceSearch } from '../connection/listener-source.js';
import { DEFAULT_CONNECTION } from '../options/connection-name.js';
import { callRabbitMethod } from './call-rabbit-method.js';
import { consumeMessage } from './consume-message.js';
import { getHandlerForLegacyBehavior, type MessageErrorHandler, Nack } from './error-behaviors.js';
import { bindingsOf, queueOf } from './handler-topology.js';
import { jsonConverter } from './json-converter.js';
import { type RabbitHandlerMethod, rabbitHandlers } from './rabbit-handlers.js';
import type { RabbitHandlerConfig, RabbitMQConfig } from './rabbit-types.js';
import { matchesRoutingKey } from './routing-key.js';
import { settledBy } from './settling.js';

const PREFETCH = 10;
const MOST_HANDLERS = 2047;

/** Finds `@RabbitSubscribe` and `@RabbitRPC` methods, and makes listeners of them. */
export class RabbitSource implements ListenerSource {
  readonly #config: RabbitMQConfig;

  constructor(config: RabbitMQConfig) {
    this.#config = config;
  }

  /** @throws {ConfigurationError} with every option that leveret has nothing for */
  find(search: SourceSearch): FurtherListeners {
    const config = this.#config;
    if (config.registerHandlers === false) return { listeners: [], warnings: [] };
    const connection = config.name ?? DEFAULT_CONNECTION;
    const handlers = rabbitHandlers({ ...search, connection }, config);
    const [requests, others] = [
      handlers.filter(({ options }) => options.type === 'rpc'),
      handlers.filter(({ options }) => options.type !== 'rpc'),
    ];
    const warnings: string[] = [];
    if (config.enableDirectReplyTo === false && requests.length > 0) {
      warnings.push(`enableDirectReplyTo is off, so nobody calls ${requests.map(({ id }) => id).join(', ')}`);
    }
    const answered = config.enableDirectReplyTo === false ? [] : byQueue(requests);
    return {
      listeners: [...others.map((each) => [each] as const), ...answered].map((sharing) =>
        this.#listener(sharing, search),
      ),
      warnings,
    };
  }

  /** One for each queue of requests, among whose handlers the routing key chooses; one for each other handler. */
  #listener(sharing: readonly [RabbitHandlerMethod, ...RabbitHandlerMethod[]], search: SourceSearch): object {
    const [{ id, options }] = sharing;
    const config = this.#config;
    const { queueOptions: { consumerOptions: consumer = {} } = {} } = options;
    const prefetch = prefetchOf(options, config);
    return listener(
      {
        id,
        queue: queueOf(options),
        bindings: sharing.flatMap((each) => bindingsOf(each.options, config) as never[]),
        payload: Object,
        converter: jsonConverter({
          deserializer: options.deserializer ?? config.deserializer,
          serializer: config.serializer,
          allowNonJsonMessages: options.allowNonJsonMessages,
        }),
        // As many are handled at once as golevelup holds.
        prefetch: 1,
        concurrency: prefetch === 0 ? MOST_HANDLERS : Math.min(prefetch, MOST_HANDLERS),
        ...(consumer.noAck === true && { acknowledge: 'none' as const }),
        ...(consumer.exclusive !== undefined && { exclusive: consumer.exclusive }),
        ...(consumer.priority !== undefined && { priority: consumer.priority }),
        ...(consumer.arguments !== undefined && { consumerArguments: consumer.arguments }),
      },
      (payload: unknown, context: DeliveryContext) => this.#handle(sharing, payload, context, search),
    );
  }

  async #handle(
    sharing: readonly [RabbitHandlerMethod, ...RabbitHandlerMethod[]],
    payload: unknown,
    context: DeliveryContext,
    search: SourceSearch,
  ): Promise<unknown> {
    const chosen = chosenFor(sharing, context);
    const message = consumeMessage(context);
    let answer: unknown;
    try {
      answer = await callRabbitMethod(chosen, payload, context, message, search);
    } catch (error) {
      const handler = this.#errorHandler(chosen.options);
      throw handler === undefined ? error : await settledBy(handler, message, error, search.publisher);
    }
    if (answer instanceof Nack) {
      throw answer.requeue
        ? new RequeueMessage('The handler answered Nack.')
        : new RejectMessage('The handler answered Nack.');
    }
    if (chosen.options.type !== 'rpc') return undefined;
    // Who asked waits for an answer, be it nothing.
    return answer === undefined && context.message.replyTo !== undefined ? Buffer.alloc(0) : answer;
  }

  /** What is said of errors; nothing where leveret decides, which requeues as golevelup does, unless `leveret.defaults` say more. */
  #errorHandler({ type, errorHandler, errorBehavior }: RabbitHandlerConfig): MessageErrorHandler | undefined {
    const { defaultRpcErrorHandler, defaultSubscribeErrorBehavior } = this.#config;
    if (errorHandler !== undefined) return errorHandler;
    if (type === 'rpc' && defaultRpcErrorHandler !== undefined) return defaultRpcErrorHandler;
    const behavior = errorBehavior ?? defaultSubscribeErrorBehavior;
    return behavior === undefined ? undefined : getHandlerForLegacyBehavior(behavior);
  }
}

function byQueue(handlers: readonly RabbitHandlerMethod[]) {
  const queues = new Map<unknown, [RabbitHandlerMethod, ...RabbitHandlerMethod[]]>();
  for (const handler of handlers) {
    // One without a queue has a queue of its own.
    const queue = handler.options.queue || handler;
    const sharing = queues.get(queue);
    if (sharing === undefined) queues.set(queue, [handler]);
    else sharing.push(handler);
  }
  return [...queues.values()];
}

function chosenFor(
  sharing: readonly [RabbitHandlerMethod, ...RabbitHandlerMethod[]],
  { message }: DeliveryContext,
): RabbitHandlerMethod {
  const [first] = sharing;
  if (first.options.type !== 'rpc') return first;
  const found = sharing.find(({ options: { routingKey } }) => matchesRoutingKey(message.routingKey, routingKey));
  if (found !== undefined) return found;
  const known = sharing.map(({ options: { routingKey } }) => String(routingKey)).join(', ');
  throw new RejectMessage(
    `No RPC handler of this queue takes the routing key ${JSON.stringify(message.routingKey)}; known are: ${known}.`,
  );
}

function prefetchOf(
  { queueOptions }: RabbitHandlerConfig,
  { channels = {}, prefetchCount = PREFETCH }: RabbitMQConfig,
): number {
  const named = queueOptions?.channel === undefined ? undefined : channels[queueOptions.channel];
  const channel = named ?? Object.values(channels).find(({ default: isDefault }) => isDefault === true);
  return channel?.prefetchCount ?? prefetchCount;
}
