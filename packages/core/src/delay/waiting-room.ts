import { createHash } from 'node:crypto';
import { EMPTY_TOPOLOGY } from '../topology/merge-topologies.js';
import type { BindingDeclaration, ExchangeDeclaration, QueueDeclaration, Topology } from '../topology/topology.js';
import { isAtLeast } from '../transport/broker-version.js';
import type { BrokerFacts } from '../transport/transport.js';

/**
 * Where the messages of an application wait at the broker: what its exchanges and queues are called, and of which kind they
 * are. All of their properties follow from their names, so that two applications never declare one of them differently.
 */
export interface WaitingRoom {
  /** `leveret`, or `leveret.<service>`. */
  readonly prefix: string;
  /** Quorum queues hand a message on at least once; where there are none, classic durable ones do it at most once. */
  readonly type: 'quorum' | 'classic';
}

/** The room of a service at a broker. Quorum queues hand on at least once from RabbitMQ 3.10 on. */
export function waitingRoom(service: string | undefined, broker: BrokerFacts | undefined): WaitingRoom {
  const prefix = service === undefined || service === '' ? 'leveret' : `leveret.${service}`;
  const hasQuorum = broker === undefined || (broker.product === 'RabbitMQ' && isAtLeast(broker.version, 3, 10, true));
  return { prefix, type: hasQuorum ? 'quorum' : 'classic' };
}

/** What comes back to a queue comes by this exchange: nobody can publish to it, the broker alone hands messages on to it. */
export function returnExchange({ prefix }: WaitingRoom): string {
  return `${prefix}.return`;
}

/** Whether a message came by the return exchange of a waiting room, also of one that had another name before. */
export function cameBack(exchange: string): boolean {
  return exchange.startsWith('leveret.') && exchange.endsWith('.return');
}

/** Queue of messages whose queue was gone when their time had come. */
export function strandedQueue({ prefix, type }: WaitingRoom): string {
  return named(prefix, 'stranded', type);
}

/** The way back to queues: {@link returnExchange}, and where a message goes whose queue is gone. */
export function returnTopology(room: WaitingRoom, queues: readonly string[]): Topology {
  const stranded = strandedQueue(room);
  return {
    ...EMPTY_TOPOLOGY,
    exchanges: [
      exchange(stranded, 'fanout', { internal: true }),
      exchange(returnExchange(room), 'direct', { internal: true, arguments: { 'alternate-exchange': stranded } }),
    ],
    queues: [queue(room, stranded, {})],
    bindings: [binding(stranded, stranded, ''), ...queues.map((each) => binding(returnExchange(room), each, each))],
  };
}

/**
 * A queue in which every message waits equally long, and then goes on to `next` with the routing key that it has. Never with
 * `x-expires`, with which a quorum queue loses confirmed messages, and never with a time to live for one message, for one that
 * waits long would hold up those behind it.
 * @see https://www.rabbitmq.com/docs/quorum-queues#dead-lettering
 */
export function waitingQueue(room: WaitingRoom, name: string, delayMs: number, next: string): QueueDeclaration {
  return queue(room, name, {
    'x-message-ttl': delayMs,
    'x-dead-letter-exchange': next,
    ...(room.type === 'quorum' ? { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' } : {}),
  });
}

/** `leveret.wait.10000`; what no name of the broker holds is named by its digest. */
export function named(prefix: string, name: string, type: WaitingRoom['type']): string {
  const text = `${prefix}.${name}${type === 'classic' ? '.classic' : ''}`;
  if (Buffer.byteLength(text) <= 255) return text;
  return `${prefix}.sha256.${createHash('sha256').update(text).digest('hex')}`;
}

export function exchange(
  name: string,
  type: string,
  rest: Partial<Pick<ExchangeDeclaration, 'internal' | 'arguments'>> = {},
): ExchangeDeclaration {
  return { name, declare: 'always', type, durable: true, autoDelete: false, internal: false, arguments: {}, ...rest };
}

export function binding(
  source: string,
  destination: string,
  routingKey: string,
  rest: Partial<Pick<BindingDeclaration, 'destinationType' | 'arguments'>> = {},
): BindingDeclaration {
  return { source, destination, destinationType: 'queue', routingKey, arguments: {}, ...rest };
}

function queue({ type }: WaitingRoom, name: string, args: Readonly<Record<string, unknown>>): QueueDeclaration {
  return {
    name,
    declare: 'always',
    type,
    durable: true,
    exclusive: false,
    autoDelete: false,
    lazy: false,
    arguments: { ...args, ...(type === 'quorum' ? { 'x-queue-type': 'quorum' } : {}) },
  };
}
