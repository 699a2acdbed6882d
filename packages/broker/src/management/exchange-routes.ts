import type { ChannelHost } from '../channel/channel-host.js';
import { preparePublication } from '../channel/publisher.js';
import { isPermitted, resourceName } from '../connection/authorization.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import { FrameWriter } from '../wire/frame-writer.js';
import { encodeProperties } from '../wire/properties.js';
import { badRequest, created, HttpError, type HttpReply, NO_CONTENT, ok } from './http-reply.js';
import { propertiesFromJson, tableFromJson, toShortText } from './json-fields.js';
import { exchangeName, exchangeOf, type ManagementRequest, type Route, vhostOf } from './request.js';
import * as views from './resource-views.js';

/** Exchanges, and publishing to them. */
export const EXCHANGE_ROUTES: readonly Route[] = [
  ['GET', 'exchanges', ({ target }) => ok([...target.vhosts].flatMap(exchanges))],
  ['GET', 'exchanges/:v', (request) => ok(exchanges(vhostOf(request)))],
  ['GET', 'exchanges/:v/:e', (request) => ok(views.exchangeJson(exchangeOf(request), vhostOf(request)))],
  ['PUT', 'exchanges/:v/:e', putExchange],
  ['DELETE', 'exchanges/:v/:e', deleteExchange],
  ['POST', 'exchanges/:v/:e/publish', publish],
];

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
    routingKey: toShortText('routing_key', routingKey),
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
    mayImpersonate: user.tags.includes('impersonator'),
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
