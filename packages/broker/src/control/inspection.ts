import type { Connection } from '../connection/connection.js';
import type { Message } from '../queue/message.js';
import type { Queue } from '../queue/queue.js';
import type { Exchange } from '../routing/exchange.js';
import { fromBinaryText } from '../wire/binary-text.js';
import type { FieldTable } from '../wire/field-table.js';
import { decodeProperties } from '../wire/properties.js';
import { type FieldView, viewTable } from './field-view.js';

/** Properties of a message by their AMQP names, such as `message_id`; headers apart. */
export type PropertiesView = { readonly [name: string]: string | number };

/** A message as it waits in a queue. */
export interface MessageView {
  readonly body: Buffer;
  /** The body as UTF-8. */
  readonly text: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  readonly properties: PropertiesView;
  readonly headers: { readonly [key: string]: FieldView };
}

/** A queue at one moment. */
export interface QueueView {
  readonly name: string;
  readonly vhost: string;
  readonly type: 'classic' | 'quorum' | 'stream';
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly arguments: { readonly [key: string]: FieldView };
  /** The policy in force. */
  readonly policy: string | undefined;
  /** How many messages could be handed out now. */
  readonly ready: number;
  /** How many are with consumers. */
  readonly unacked: number;
  readonly consumers: number;
  /** The ready messages, in the order in which they would be handed out. Read on demand. */
  readonly messages: readonly MessageView[];
}

/** An exchange at one moment. */
export interface ExchangeView {
  readonly name: string;
  readonly vhost: string;
  readonly type: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: { readonly [key: string]: FieldView };
  /** Where it sends messages to. */
  readonly bindings: readonly BindingView[];
  /** Messages that came in. */
  readonly published: number;
}

/** A binding at one moment. */
export interface BindingView {
  readonly source: string;
  readonly destination: string;
  readonly destinationType: 'queue' | 'exchange';
  readonly routingKey: string;
  readonly arguments: { readonly [key: string]: FieldView };
}

/** A connection at one moment. */
export interface ConnectionView {
  /** `127.0.0.1:50000 -> 127.0.0.1:5672`. */
  readonly name: string;
  readonly user: string;
  readonly vhost: string;
  /** Whether the alarm keeps it from being read. */
  readonly blocked: boolean;
  readonly clientProperties: { readonly [key: string]: FieldView };
  readonly channels: readonly ChannelView[];
}

/** A channel at one moment. */
export interface ChannelView {
  readonly number: number;
  readonly consumers: number;
  readonly unacked: number;
  readonly confirms: boolean;
  readonly transactional: boolean;
}

/** Shows a queue. */
export function viewQueue(queue: Queue): QueueView {
  return {
    name: fromBinaryText(queue.name),
    vhost: fromBinaryText(queue.vhost),
    type: queue.type,
    durable: queue.durable,
    exclusive: queue.owner !== undefined,
    autoDelete: queue.autoDelete,
    arguments: viewTable(queue.arguments),
    policy: queue.policy,
    ready: queue.readyCount,
    unacked: queue.unackedCount,
    consumers: queue.consumerCount,
    get messages() {
      return [...queue.readyMessages].map(viewMessage);
    },
  };
}

/** Shows a message. */
export function viewMessage(message: Message): MessageView {
  const decoded = decodeProperties(message.bytes, message.propertiesStart, message.propertiesEnd);
  const { headers = [], ...others } = decoded;
  const properties: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(others)) {
    properties[name] = typeof value === 'string' ? fromBinaryText(value) : Number(value);
  }
  const body = message.bodyBytes.subarray(message.bodyStart, message.bodyEnd);
  return {
    body,
    text: body.toString('utf8'),
    exchange: fromBinaryText(message.exchange),
    routingKey: fromBinaryText(message.routingKey),
    redelivered: message.redelivered,
    properties,
    headers: viewTable(headers as FieldTable),
  };
}

/** Shows an exchange with its bindings. */
export function viewExchange(exchange: Exchange<Queue>, vhost: string): ExchangeView {
  return {
    name: fromBinaryText(exchange.name),
    vhost: fromBinaryText(vhost),
    type: exchange.type,
    durable: exchange.durable,
    autoDelete: exchange.autoDelete,
    internal: exchange.internal,
    arguments: viewTable(exchange.arguments),
    bindings: [...exchange.bindings].map((binding) => ({
      source: fromBinaryText(exchange.name),
      destination: fromBinaryText(binding.destination.name),
      destinationType: 'readyCount' in binding.destination ? 'queue' : 'exchange',
      routingKey: fromBinaryText(binding.routingKey),
      arguments: viewTable(binding.arguments),
    })),
    published: exchange.published,
  };
}

/** Shows a connection that is open. */
export function viewConnection(connection: Connection): ConnectionView {
  return {
    name: connection.name,
    user: fromBinaryText(connection.userName),
    vhost: fromBinaryText(connection.vhost.name),
    blocked: connection.blocked,
    clientProperties: viewTable(connection.identity?.clientProperties ?? []),
    channels: [...connection.channels.values()].map((channel) => ({
      number: channel.number,
      consumers: channel.consumers.size,
      unacked: channel.unackedCount,
      confirms: channel.confirms !== undefined,
      transactional: channel.transaction !== undefined,
    })),
  };
}
