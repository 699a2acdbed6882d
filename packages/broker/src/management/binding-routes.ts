import type { Queue } from '../queue/queue.js';
import type { Exchange } from '../routing/exchange.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import { type HttpReply, NO_CONTENT, notFound, ok } from './http-reply.js';
import { tableFromJson, toShortText } from './json-fields.js';
import { exchangeOf, type ManagementRequest, queueOf, type Route, vhostOf } from './request.js';
import * as views from './resource-views.js';

/** Bindings: all of them, those of one queue or exchange, and those between two. */
export const BINDING_ROUTES: readonly Route[] = [
  ['GET', 'queues/:v/:q/bindings', (request) => ok(bindingsTo(vhostOf(request), queueOf(request)))],
  ['GET', 'exchanges/:v/:e/bindings/source', (request) => ok(bindingsFrom(vhostOf(request), exchangeOf(request)))],
  ['GET', 'exchanges/:v/:e/bindings/destination', (request) => ok(bindingsTo(vhostOf(request), exchangeOf(request)))],

  ['GET', 'bindings', ({ target }) => ok([...target.vhosts].flatMap(bindings))],
  ['GET', 'bindings/:v', (request) => ok(bindings(vhostOf(request)))],
  ['GET', 'bindings/:v/e/:e/q/:q', (request) => ok(bindingsBetween(request, 'queue'))],
  ['GET', 'bindings/:v/e/:e/e/:d', (request) => ok(bindingsBetween(request, 'exchange'))],
  ['POST', 'bindings/:v/e/:e/q/:q', (request) => postBinding(request, 'queue')],
  ['POST', 'bindings/:v/e/:e/e/:d', (request) => postBinding(request, 'exchange')],
  ['DELETE', 'bindings/:v/e/:e/q/:q/:p', (request) => deleteBinding(request, 'queue')],
  ['DELETE', 'bindings/:v/e/:e/e/:d/:p', (request) => deleteBinding(request, 'exchange')],
];

function bindings(vhost: VirtualHost): views.Json[] {
  const explicit = [...vhost.exchanges].flatMap((exchange) => bindingsFrom(vhost, exchange));
  return [...[...vhost.queues].map(views.defaultBindingJson), ...explicit];
}

function bindingsFrom(vhost: VirtualHost, exchange: Exchange<Queue>): views.Json[] {
  return [...exchange.bindings].map((binding) => views.bindingJson(binding, vhost));
}

function bindingsTo(vhost: VirtualHost, destination: Queue | Exchange<Queue>): views.Json[] {
  const explicit = [...vhost.exchanges.bindingsTo(destination)].map((binding) => views.bindingJson(binding, vhost));
  return 'readyCount' in destination ? [views.defaultBindingJson(destination), ...explicit] : explicit;
}

function ends(
  request: ManagementRequest,
  kind: 'queue' | 'exchange',
): { source: Exchange<Queue>; destination: Queue | Exchange<Queue> } {
  const vhost = vhostOf(request);
  const source = exchangeOf(request);
  const name = request.parameters[2] ?? '';
  const destination = kind === 'queue' ? vhost.queue(name) : vhost.exchange(name);
  if (destination === undefined) throw notFound();
  return { source, destination };
}

function bindingsBetween(request: ManagementRequest, kind: 'queue' | 'exchange'): views.Json[] {
  const { source, destination } = ends(request, kind);
  const between = [...source.bindings].filter((binding) => binding.destination === destination);
  return between.map((binding) => views.bindingJson(binding, vhostOf(request)));
}

function postBinding(request: ManagementRequest, kind: 'queue' | 'exchange'): HttpReply {
  const { source, destination } = ends(request, kind);
  const routingKey = toShortText('routing_key', String(request.body['routing_key'] ?? ''));
  vhostOf(request).exchanges.bind(source.name, destination, routingKey, tableFromJson(request.body['arguments']));
  return { status: 201 };
}

function deleteBinding(request: ManagementRequest, kind: 'queue' | 'exchange'): HttpReply {
  const { source, destination } = ends(request, kind);
  const key = request.parameters[3];
  const binding = [...source.bindings].find(
    (candidate) => candidate.destination === destination && decodeURIComponent(views.propertiesKey(candidate)) === key,
  );
  if (binding === undefined) throw notFound();
  vhostOf(request).exchanges.unbind(source.name, destination, binding.routingKey, binding.arguments);
  return NO_CONTENT;
}
