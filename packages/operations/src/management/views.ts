import type { TopologyArguments } from '@leveret/core';

/** A queue as the management API shows it. */
export interface QueueView {
  readonly name: string;
  readonly type: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly exclusive: boolean;
  readonly arguments: TopologyArguments;
  readonly messages: number;
  /** Of the bodies of all of them. */
  readonly bytes?: number;
  readonly consumers: number;
  /** Name of the policy that applies, and all that policies set on it. */
  readonly policy: string | undefined;
  readonly effective: TopologyArguments;
}

/** What the management API last heard of a queue, which may be some seconds ago; `undefined`: not yet. */
export interface QueueCounts {
  readonly messages: number | undefined;
  /** Of them, in the hands of consumers. */
  readonly unacked: number | undefined;
  readonly consumers: number | undefined;
}

/** What a queue holds and does, as the management API last heard of it. */
export interface QueueActivity extends Pick<QueueCounts, 'unacked' | 'consumers'> {
  readonly name: string;
  readonly type: string;
  readonly ready: number | undefined;
  /** Messages in a second. */
  readonly publishRate: number | undefined;
  readonly deliverRate: number | undefined;
  readonly ackRate: number | undefined;
}

/** A consumer as the management API shows it. */
export interface ConsumerView {
  readonly queue: string;
  readonly tag: string;
}

/** An exchange as the management API shows it. */
export interface ExchangeView {
  readonly name: string;
  readonly type: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: TopologyArguments;
  readonly policy: string | undefined;
}

/** A binding as the management API shows it. */
export interface BindingView {
  readonly source: string;
  readonly destination: string;
  readonly destinationType: 'queue' | 'exchange';
  readonly routingKey: string;
  readonly arguments: TopologyArguments;
}

/** A policy as the management API shows it. */
export interface PolicyView {
  readonly name: string;
  readonly pattern: string;
  readonly applyTo: string;
  readonly priority: number;
  readonly definition: TopologyArguments;
}

/** Reads a queue of the API, or of exported definitions, which say less. */
export function queueView(item: Record<string, unknown>): QueueView {
  const args = table(item['arguments']);
  const type = args['x-queue-type'];
  return {
    name: String(item['name']),
    type: textOf(item['type']) ?? textOf(type) ?? 'classic',
    durable: item['durable'] !== false,
    autoDelete: item['auto_delete'] === true,
    exclusive: item['exclusive'] === true,
    arguments: args,
    messages: numberOf(item['messages']),
    bytes: numberOf(item['message_bytes']),
    consumers: numberOf(item['consumers']),
    policy: textOf(item['policy']),
    effective: table(item['effective_policy_definition']),
  };
}

/** Reads the counts of a queue of the API. */
export function queueCounts(item: Record<string, unknown>): QueueCounts {
  const count = (name: string) => (typeof item[name] === 'number' ? item[name] : undefined);
  return {
    messages: count('messages'),
    unacked: count('messages_unacknowledged'),
    consumers: count('consumers'),
  };
}

/** Reads what a queue of the API does. */
export function queueActivity(item: Record<string, unknown>): QueueActivity {
  const { name, type } = queueView(item);
  const { unacked, consumers } = queueCounts(item);
  const stats = table(item['message_stats']);
  const rate = (of: string) => {
    const value = table(stats[of])['rate'];
    return typeof value === 'number' ? value : undefined;
  };
  const ready = item['messages_ready'];
  return {
    ...{ name, type, unacked, consumers, ready: typeof ready === 'number' ? ready : undefined },
    publishRate: rate('publish_details'),
    deliverRate: rate('deliver_get_details'),
    ackRate: rate('ack_details'),
  };
}

/** Reads a consumer of the API. */
export function consumerView(item: Record<string, unknown>): ConsumerView {
  return { queue: String(table(item['queue'])['name']), tag: String(item['consumer_tag']) };
}

/** Reads an exchange of the API, or of exported definitions. */
export function exchangeView(item: Record<string, unknown>): ExchangeView {
  return {
    name: String(item['name']),
    type: String(item['type']),
    durable: item['durable'] !== false,
    autoDelete: item['auto_delete'] === true,
    internal: item['internal'] === true,
    arguments: table(item['arguments']),
    policy: textOf(item['policy']),
  };
}

/** Reads a binding of the API, or of exported definitions. */
export function bindingView(item: Record<string, unknown>): BindingView {
  return {
    source: String(item['source']),
    destination: String(item['destination']),
    destinationType: item['destination_type'] === 'exchange' ? 'exchange' : 'queue',
    routingKey: String(item['routing_key'] ?? ''),
    arguments: table(item['arguments']),
  };
}

/** Reads a policy of the API, or of exported definitions. */
export function policyView(item: Record<string, unknown>): PolicyView {
  return {
    name: String(item['name']),
    pattern: String(item['pattern'] ?? ''),
    applyTo: String(item['apply-to'] ?? 'all'),
    priority: numberOf(item['priority']),
    definition: table(item['definition']),
  };
}

function table(value: unknown): TopologyArguments {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as TopologyArguments) : {};
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
