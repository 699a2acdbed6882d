import type {
  BindingDeclaration,
  ExchangeDeclaration,
  Publication,
  PublishChannel,
  PublishOutcome,
  QueueDeclaration,
  Topology,
} from '@leveret/core';

/** A topology of the given parts. */
export function topologyOf(parts: Partial<Topology>): Topology {
  return { exchanges: [], queues: [], bindings: [], policies: [], ...parts };
}

export function queueOf(name: string, changes: Partial<QueueDeclaration> = {}): QueueDeclaration {
  return {
    name,
    declare: 'always',
    type: 'classic',
    durable: true,
    exclusive: false,
    autoDelete: false,
    lazy: false,
    arguments: {},
    ...changes,
  };
}

export function exchangeOf(name: string, changes: Partial<ExchangeDeclaration> = {}): ExchangeDeclaration {
  return {
    name,
    declare: 'always',
    type: 'direct',
    durable: true,
    autoDelete: false,
    internal: false,
    arguments: {},
    ...changes,
  };
}

export function bindingOf(source: string, destination: string, routingKey: string): BindingDeclaration {
  return { source, destination, destinationType: 'queue', routingKey, arguments: {} };
}

export function publicationOf(exchange: string, routingKey: string, changes: Partial<Publication> = {}): Publication {
  return { exchange, routingKey, body: Buffer.from('body'), properties: {}, headers: {}, mandatory: true, ...changes };
}

/** Publishes and resolves with the outcome. */
export function publish(channel: PublishChannel, publication: Publication): Promise<PublishOutcome> {
  return new Promise((resolve) => channel.publish(publication, resolve));
}
