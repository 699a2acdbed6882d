import type { Permissions, User } from '../connection/authentication.js';
import type { Connection } from '../connection/connection.js';
import { viewTable } from '../control/field-view.js';
import { viewMessage } from '../control/inspection.js';
import type { Message } from '../queue/message.js';
import type { Queue, QueueConsumer } from '../queue/queue.js';
import type { Binding, Exchange } from '../routing/exchange.js';
import { type Policy, policyFor } from '../vhost/policy.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import { fromBinaryText } from '../wire/binary-text.js';
import type { ManagementTarget } from './management-target.js';

/** A resource as JSON, with the keys of RabbitMQ's management API. */
export type Json = Readonly<Record<string, unknown>>;

export function overviewJson(target: ManagementTarget): Json {
  const { profile, clusterName } = target.environment;
  const vhosts = [...target.vhosts];
  const queues = vhosts.flatMap((vhost) => [...vhost.queues]);
  const connections = [...target.connections];
  return {
    management_version: profile.release,
    rabbitmq_version: profile.release,
    product_name: 'RabbitMQ',
    product_version: profile.release,
    erlang_version: profile.platform.split('/').at(-1),
    cluster_name: clusterName,
    node: clusterName,
    queue_totals: totals(queues),
    object_totals: {
      connections: connections.length,
      channels: connections.reduce((sum, connection) => sum + connection.channels.size, 0),
      queues: queues.length,
      exchanges: vhosts.reduce((sum, vhost) => sum + [...vhost.exchanges].length, 0),
      consumers: queues.reduce((sum, queue) => sum + queue.consumerCount, 0),
    },
    listeners: [{ node: clusterName, protocol: 'amqp', port: target.port }],
  };
}

function totals(queues: readonly Queue[]): Json {
  const ready = queues.reduce((sum, queue) => sum + queue.readyCount, 0);
  const unacked = queues.reduce((sum, queue) => sum + queue.unackedCount, 0);
  return { messages: ready + unacked, messages_ready: ready, messages_unacknowledged: unacked };
}

export function vhostJson(vhost: VirtualHost): Json {
  return { name: fromBinaryText(vhost.name), ...totals([...vhost.queues]) };
}

export function nodeJson(target: ManagementTarget): Json {
  const { clusterName, alarm } = target.environment;
  return { name: clusterName, type: 'disc', running: true, mem_alarm: alarm !== undefined, disk_free_alarm: false };
}

export function permissionsJson(user: User, vhost: VirtualHost, { configure, write, read }: Permissions): Json {
  return {
    user: fromBinaryText(user.name),
    vhost: fromBinaryText(vhost.name),
    // An empty one reads `^$`, which allows the same.
    configure: configure.source,
    write: write.source,
    read: read.source,
  };
}

export function queueJson(queue: Queue, vhost: VirtualHost, node: string): Json {
  const policy = policyFor(vhost.policies, queue.name, queue.type);
  return {
    name: fromBinaryText(queue.name),
    vhost: fromBinaryText(queue.vhost),
    type: queue.type,
    durable: queue.durable,
    auto_delete: queue.autoDelete,
    exclusive: queue.owner !== undefined,
    arguments: viewTable(queue.arguments),
    node,
    state: 'running',
    ...totals([queue]),
    message_bytes_ready: queue.readyBytes,
    consumers: queue.consumerCount,
    policy: policy?.name ?? null,
    operator_policy: null,
    effective_policy_definition: policy?.definition ?? {},
    ...(queue.singleActive ? { single_active_consumer_tag: fromBinaryText(queue.activeConsumer?.tag ?? '') } : {}),
  };
}

export function exchangeJson(exchange: Exchange<Queue>, vhost: VirtualHost): Json {
  return {
    name: fromBinaryText(exchange.name),
    vhost: fromBinaryText(vhost.name),
    type: exchange.type,
    durable: exchange.durable,
    auto_delete: exchange.autoDelete,
    internal: exchange.internal,
    arguments: viewTable(exchange.arguments),
    message_stats: { publish_in: exchange.published },
  };
}

export function bindingJson(binding: Binding<Queue>, vhost: VirtualHost): Json {
  return {
    source: fromBinaryText(binding.source.name),
    vhost: fromBinaryText(vhost.name),
    destination: fromBinaryText(binding.destination.name),
    destination_type: 'readyCount' in binding.destination ? 'queue' : 'exchange',
    routing_key: fromBinaryText(binding.routingKey),
    arguments: viewTable(binding.arguments),
    properties_key: propertiesKey(binding),
  };
}

/** The binding every queue has to the default exchange. */
export function defaultBindingJson(queue: Queue): Json {
  const name = fromBinaryText(queue.name);
  return {
    source: '',
    vhost: fromBinaryText(queue.vhost),
    destination: name,
    destination_type: 'queue',
    routing_key: name,
    arguments: {},
    properties_key: name,
  };
}

/** What names a binding between the same two ends: its routing key, and its arguments if it has any. */
export function propertiesKey(binding: Binding<Queue>): string {
  const key = encodeURIComponent(fromBinaryText(binding.routingKey));
  const { length } = binding.arguments;
  return length === 0 ? key || '~' : `${key}~${Buffer.from(binding.identity, 'latin1').toString('base64url')}`;
}

export function policyJson(policy: Policy, vhost: VirtualHost): Json {
  return {
    vhost: fromBinaryText(vhost.name),
    name: policy.name,
    pattern: policy.source,
    'apply-to': policy.applyTo,
    definition: policy.definition,
    priority: policy.priority,
  };
}

export function connectionJson(connection: Connection, node: string): Json {
  const { identity } = connection;
  const [peer = '', local = ''] = connection.name.split(' -> ');
  return {
    name: connection.name,
    node,
    user: fromBinaryText(connection.userName),
    vhost: fromBinaryText(connection.vhost.name),
    protocol: 'AMQP 0-9-1',
    state: connection.blocked ? 'blocked' : 'running',
    channels: connection.channels.size,
    channel_max: identity?.channelMax,
    frame_max: identity?.frameMax,
    timeout: identity?.heartbeatSeconds,
    connected_at: Math.round(connection.connectedAt),
    client_properties: viewTable(identity?.clientProperties ?? []),
    peer_host: hostOf(peer),
    peer_port: portOf(peer),
    host: hostOf(local),
    port: portOf(local),
  };
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'));
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

export function channelsJson(connection: Connection): Json[] {
  return [...connection.channels.values()].map((channel) => ({
    name: `${connection.name} (${channel.number})`,
    number: channel.number,
    user: fromBinaryText(connection.userName),
    vhost: fromBinaryText(connection.vhost.name),
    confirm: channel.confirms !== undefined,
    transactional: channel.transaction !== undefined,
    consumer_count: channel.consumers.size,
    messages_unacknowledged: channel.unackedCount,
    prefetch_count: channel.prefetch,
    global_prefetch_count: channel.sharedPrefetch,
    connection_details: { name: connection.name },
  }));
}

export function consumerJson(consumer: QueueConsumer, channel: number, connection: Connection): Json {
  const { queue } = consumer;
  return {
    consumer_tag: fromBinaryText(consumer.tag),
    queue: { name: fromBinaryText(queue.name), vhost: fromBinaryText(queue.vhost) },
    ack_required: !consumer.noAck,
    exclusive: consumer.exclusive,
    prefetch_count: consumer.prefetch,
    active: !queue.singleActive || queue.activeConsumer === consumer,
    arguments: viewTable(consumer.arguments),
    channel_details: {
      name: `${connection.name} (${channel})`,
      number: channel,
      connection_name: connection.name,
      user: fromBinaryText(connection.userName),
    },
  };
}

/** A message as `POST /api/queues/{vhost}/{name}/get` shows it. */
export function messageJson(message: Message, messageCount: number, encoding: string): Json {
  const view = viewMessage(message);
  const hasHeaders = Object.keys(view.headers).length > 0;
  const properties = { ...view.properties, ...(hasHeaders ? { headers: view.headers } : {}) };
  const asText = encoding === 'auto' && Buffer.from(view.text, 'utf8').equals(view.body);
  return {
    payload_bytes: view.body.length,
    redelivered: view.redelivered,
    exchange: view.exchange,
    routing_key: view.routingKey,
    message_count: messageCount,
    // An empty list stands for no properties: the management plug-in cannot tell the two apart either.
    properties: Object.keys(properties).length === 0 ? [] : properties,
    payload: asText ? view.text : view.body.toString('base64'),
    payload_encoding: asText ? 'string' : 'base64',
  };
}
