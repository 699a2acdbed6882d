import type { ChannelHost } from '../channel/channel-host.js';
import { preparePublication } from '../channel/publisher.js';
import type { User } from '../connection/authentication.js';
import { isPermitted, resourceName } from '../connection/authorization.js';
import type { Connection } from '../connection/connection.js';
import type { Message } from '../queue/message.js';
import type { Queue } from '../queue/queue.js';
import type { Exchange } from '../routing/exchange.js';
import type { PolicyRequest } from '../vhost/policy.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import { fromBinaryText, toBinaryText } from '../wire/binary-text.js';
import { FrameWriter } from '../wire/frame-writer.js';
import { encodeProperties } from '../wire/properties.js';
import { badRequest, created, HttpError, type HttpReply, NO_CONTENT, notFound, ok } from './http-reply.js';
import { propertiesFromJson, tableFromJson } from './json-fields.js';
import type { ManagementTarget } from './management-target.js';
import * as views from './resource-views.js';

/** A request, taken apart. */
export interface ManagementRequest {
  readonly target: ManagementTarget;
  readonly user: User;
  /** Decoded path segments that the route leaves open, in order, one character per byte. */
  readonly parameters: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
  /** The X-Reason header. */
  readonly reason: string | undefined;
  readonly query: URLSearchParams;
}

type Handler = (request: ManagementRequest) => HttpReply;

/**
 * Every route: method, path (a colon leaves a segment open) and what answers.
 *
 * @see https://www.rabbitmq.com/docs/management#http-api
 */
const ROUTES: readonly (readonly [method: string, path: string, handler: Handler])[] = [
  ['GET', 'overview', ({ target }) => ok(views.overviewJson(target))],
  ['GET', 'nodes', ({ target }) => ok([views.nodeJson(target)])],
  ['GET', 'whoami', ({ user }) => ok({ name: fromBinaryText(user.name), tags: user.tags })],
  ['GET', 'vhosts', ({ target }) => ok([...target.vhosts].map(views.vhostJson))],
  ['GET', 'vhosts/:v', (request) => ok(views.vhostJson(vhostOf(request)))],
  ['PUT', 'vhosts/:v', ({ target, user, parameters: [name = ''] }) => created(target.createVirtualHost(name, user))],
  ['DELETE', 'vhosts/:v', ({ target, parameters: [name = ''] }) => gone(target.deleteVirtualHost(name))],
  [
    'GET',
    'connections',
    ({ target }) => ok([...target.connections].map((c) => views.connectionJson(c, nodeOf(target)))),
  ],
  ['GET', 'connections/:c', (request) => ok(views.connectionJson(connectionOf(request), nodeOf(request.target)))],
  ['DELETE', 'connections/:c', closeConnection],
  ['GET', 'channels', ({ target }) => ok([...target.connections].flatMap(views.channelsJson))],
  ['GET', 'consumers', ({ target }) => ok(consumers(target, undefined))],
  ['GET', 'consumers/:v', (request) => ok(consumers(request.target, vhostOf(request)))],

  ['GET', 'queues', ({ target }) => ok([...target.vhosts].flatMap((vhost) => queues(target, vhost)))],
  ['GET', 'queues/:v', (request) => ok(queues(request.target, vhostOf(request)))],
  ['GET', 'queues/:v/:q', (request) => ok(views.queueJson(queueOf(request), nodeOf(request.target)))],
  ['PUT', 'queues/:v/:q', putQueue],
  ['DELETE', 'queues/:v/:q', deleteQueue],
  ['GET', 'queues/:v/:q/bindings', (request) => ok(bindingsTo(vhostOf(request), queueOf(request)))],
  ['DELETE', 'queues/:v/:q/contents', purgeQueue],
  ['POST', 'queues/:v/:q/get', getMessages],

  ['GET', 'exchanges', ({ target }) => ok([...target.vhosts].flatMap(exchanges))],
  ['GET', 'exchanges/:v', (request) => ok(exchanges(vhostOf(request)))],
  ['GET', 'exchanges/:v/:e', (request) => ok(views.exchangeJson(exchangeOf(request), vhostOf(request)))],
  ['PUT', 'exchanges/:v/:e', putExchange],
  ['DELETE', 'exchanges/:v/:e', deleteExchange],
  ['POST', 'exchanges/:v/:e/publish', publish],
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

  ['GET', 'policies', ({ target }) => ok([...target.vhosts].flatMap(policies))],
  ['GET', 'policies/:v', (request) => ok(policies(vhostOf(request)))],
  ['GET', 'policies/:v/:p', (request) => ok(policyOf(request))],
  ['PUT', 'policies/:v/:p', putPolicy],
  ['DELETE', 'policies/:v/:p', (request) => gone(vhostOf(request).deletePolicy(policyName(request)))],

  ['GET', 'aliveness-test/:v', (request) => ok({ status: vhostOf(request) === undefined ? 'failed' : 'ok' })],
  ['GET', 'healthchecks/node', () => ok({ status: 'ok' })],
  ['GET', 'health/checks/alarms', alarms],
  ['GET', 'health/checks/local-alarms', alarms],
  ['GET', 'health/checks/virtual-hosts', () => ok({ status: 'ok' })],
  ['GET', 'health/checks/ready-to-serve-clients', () => ok({ status: 'ok' })],
  ['GET', 'health/checks/port-listener/:n', portListener],
  ['GET', 'health/checks/protocol-listener/:n', () => ok({ status: 'ok', protocol: 'amqp091' })],
];

const COMPILED = ROUTES.map(([method, path, handler]) => ({ method, segments: path.split('/'), handler }));

/** Finds what answers a request; `undefined` when there is no such path. */
export function findRoute(
  method: string,
  segments: readonly string[],
): { readonly handler: Handler; readonly parameters: readonly string[] } | 'wrong method' | undefined {
  let pathExists = false;
  for (const route of COMPILED) {
    const { length } = route.segments;
    if (length !== segments.length) continue;
    if (!route.segments.every((wanted, i) => wanted.startsWith(':') || wanted === segments[i])) continue;
    pathExists = true;
    if (route.method !== method) continue;
    const parameters = segments.filter((_, i) => route.segments[i]?.startsWith(':') === true);
    return { handler: route.handler, parameters };
  }
  return pathExists ? 'wrong method' : undefined;
}

function nodeOf(target: ManagementTarget): string {
  return target.environment.clusterName;
}

function vhostOf({ target, parameters: [name = ''] }: ManagementRequest): VirtualHost {
  const vhost = target.environment.virtualHost(name);
  if (vhost === undefined) throw notFound();
  return vhost;
}

function queueOf(request: ManagementRequest): Queue {
  const queue = vhostOf(request).queue(request.parameters[1] ?? '');
  if (queue === undefined) throw notFound();
  return queue;
}

function exchangeOf(request: ManagementRequest): Exchange<Queue> {
  const exchange = vhostOf(request).exchange(exchangeName(request));
  if (exchange === undefined) throw notFound();
  return exchange;
}

/** The default exchange goes by this name in paths. */
function exchangeName({ parameters: [, name = ''] }: ManagementRequest): string {
  return name === 'amq.default' ? '' : name;
}

function connectionOf({ target, parameters: [name] }: ManagementRequest): Connection {
  const connection = [...target.connections].find((candidate) => candidate.name === name);
  if (connection === undefined) throw notFound();
  return connection;
}

function gone(existed: boolean): HttpReply {
  if (!existed) throw notFound();
  return NO_CONTENT;
}

function closeConnection(request: ManagementRequest): HttpReply {
  connectionOf(request).close(320, request.reason ?? 'Closed via management plugin');
  return NO_CONTENT;
}

function consumers(target: ManagementTarget, vhost: VirtualHost | undefined): views.Json[] {
  return [...target.connections]
    .filter((connection) => vhost === undefined || connection.vhost === vhost)
    .flatMap((connection) =>
      [...connection.channels.values()].flatMap((channel) =>
        [...channel.consumers.values()].map((consumer) => views.consumerJson(consumer, channel.number, connection)),
      ),
    );
}

function queues(target: ManagementTarget, vhost: VirtualHost): views.Json[] {
  return [...vhost.queues].map((queue) => views.queueJson(queue, nodeOf(target)));
}

function putQueue(request: ManagementRequest): HttpReply {
  const vhost = vhostOf(request);
  const [, name = ''] = request.parameters;
  const isNew = vhost.queue(name) === undefined;
  const { durable = true, auto_delete: autoDelete = false, arguments: given } = request.body;
  const wanted = {
    durable: durable === true,
    exclusive: false,
    autoDelete: autoDelete === true,
    arguments: tableFromJson(given),
  };
  vhost.queues.declare(name, wanted, request.target);
  return created(isNew);
}

function deleteQueue(request: ManagementRequest): HttpReply {
  const { name, owner } = queueOf(request);
  const ifUnused = request.query.get('if-unused') === 'true';
  const ifEmpty = request.query.get('if-empty') === 'true';
  vhostOf(request).queues.delete(name, owner ?? request.target, ifUnused, ifEmpty, () => {});
  return NO_CONTENT;
}

function purgeQueue(request: ManagementRequest): HttpReply {
  queueOf(request).purge();
  return NO_CONTENT;
}

function getMessages(request: ManagementRequest): HttpReply {
  const queue = queueOf(request);
  const { count = 1, ackmode = 'ack_requeue_true', encoding = 'auto' } = request.body;
  if (!Number.isInteger(count) || (count as number) < 1) throw badRequest('count: expected a whole number from 1 on');
  if (!/^(ack|reject)_requeue_(true|false)$/.test(String(ackmode))) throw badRequest(`Unknown ackmode ${ackmode}`);
  const taken: Message[] = [];
  const shown: views.Json[] = [];
  while (shown.length < (count as number)) {
    const message = queue.get(false);
    if (message === undefined) break;
    taken.push(message);
    shown.push(views.messageJson(message, queue.readyCount, String(encoding)));
  }
  if (String(ackmode).endsWith('true')) queue.requeue(taken, ackmode === 'reject_requeue_true' ? 'reject' : 'nack');
  else if (ackmode === 'ack_requeue_false') for (const _ of taken) queue.ack();
  else for (const message of taken) queue.discard(message, 'reject');
  return ok(shown);
}

function exchanges(vhost: VirtualHost): views.Json[] {
  return [...vhost.exchanges].map((exchange) => views.exchangeJson(exchange, vhost));
}

function putExchange(request: ManagementRequest): HttpReply {
  const vhost = vhostOf(request);
  const name = exchangeName(request);
  const isNew = vhost.exchange(name) === undefined;
  const { type = 'direct', durable = true, auto_delete: autoDelete = false, internal = false } = request.body;
  vhost.exchanges.declare({
    name,
    type: String(type),
    durable: durable === true,
    autoDelete: autoDelete === true,
    internal: internal === true,
    arguments: tableFromJson(request.body['arguments']),
  });
  return created(isNew);
}

function deleteExchange(request: ManagementRequest): HttpReply {
  const { name } = exchangeOf(request);
  vhostOf(request).exchanges.delete(name, request.query.get('if-unused') === 'true');
  return NO_CONTENT;
}

function publish(request: ManagementRequest): HttpReply {
  const vhost = vhostOf(request);
  const { routing_key: routingKey, payload, payload_encoding: encoding = 'string' } = request.body;
  if (typeof routingKey !== 'string' || typeof payload !== 'string') {
    throw badRequest('expected routing_key and payload as text');
  }
  const properties = encodeProperties(propertiesFromJson(request.body['properties']));
  const body = Buffer.from(payload, encoding === 'base64' ? 'base64' : 'utf8');
  const content = {
    bytes: properties,
    propertiesStart: 0,
    propertiesEnd: properties.length,
    bodyBytes: body,
    bodyStart: 0,
    bodyEnd: body.length,
  };
  const method = {
    exchange: exchangeOf(request).name,
    routingKey: toBinaryText(routingKey),
    mandatory: false,
    immediate: false,
  };
  const publication = preparePublication(publisherHost(request, vhost), method, content, body.length, undefined);
  const { exchange, message, routingKeys, ttlMs } = publication;
  return ok({ routed: vhost.publish(exchange, message, routingKeys, ttlMs).routed > 0 });
}

/** Publishing over HTTP passes the same checks as on a channel; nothing is ever written back. */
function publisherHost({ target, user }: ManagementRequest, vhost: VirtualHost): ChannelHost {
  return {
    environment: target.environment,
    vhost,
    userName: user.name,
    writer: new FrameWriter(target.environment.frameMax),
    writable: true,
    understandsCancel: false,
    written: () => {},
    flushLater: () => {},
    checkPermission: (permission, kind, name) => {
      if (isPermitted(user, vhost.name, permission, resourceName(kind, name))) return;
      throw new HttpError(401, 'not_authorised', 'Access refused');
    },
    failChannel: () => {},
  };
}

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
  const routingKey = toBinaryText(String(request.body['routing_key'] ?? ''));
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

function policies(vhost: VirtualHost): views.Json[] {
  return [...vhost.policies].map((policy) => views.policyJson(policy, vhost));
}

function policyName({ parameters: [, name = ''] }: ManagementRequest): string {
  return fromBinaryText(name);
}

function policyOf(request: ManagementRequest): views.Json {
  const name = policyName(request);
  const policy = policies(vhostOf(request)).find((candidate) => candidate['name'] === name);
  if (policy === undefined) throw notFound();
  return policy;
}

function putPolicy(request: ManagementRequest): HttpReply {
  const vhost = vhostOf(request);
  const name = policyName(request);
  const { pattern, definition, priority } = request.body;
  if (typeof pattern !== 'string') throw badRequest('key_missing,pattern');
  if (typeof definition !== 'object' || definition === null) throw badRequest('key_missing,definition');
  if (priority !== undefined && !Number.isInteger(priority)) throw badRequest('priority: expected a whole number');
  const isNew = ![...vhost.policies].some((policy) => policy.name === name);
  vhost.setPolicy(name, request.body as unknown as PolicyRequest);
  return created(isNew);
}

function alarms({ target }: ManagementRequest): HttpReply {
  const { alarm } = target.environment;
  if (alarm === undefined) return ok({ status: 'ok' });
  return {
    status: 503,
    body: { status: 'failed', reason: 'There are alarms in effect in the cluster', alarms: [alarm] },
  };
}

function portListener({ target, parameters: [port] }: ManagementRequest): HttpReply {
  if (Number(port) === target.port) return ok({ status: 'ok', port: target.port });
  return {
    status: 503,
    body: { status: 'failed', reason: 'No active listener', missing: Number(port), ports: [target.port] },
  };
}
