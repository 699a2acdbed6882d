import type { VirtualHost } from '../vhost/virtual-host.js';
import { fromBinaryText } from '../wire/binary-text.js';
import { BINDING_ROUTES } from './binding-routes.js';
import { EXCHANGE_ROUTES } from './exchange-routes.js';
import { HEALTH_ROUTES } from './health-routes.js';
import { created, HttpError, type HttpReply, NO_CONTENT, notFound, ok } from './http-reply.js';
import type { ManagementTarget } from './management-target.js';
import { POLICY_ROUTES } from './policy-routes.js';
import { QUEUE_ROUTES } from './queue-routes.js';
import { connectionOf, gone, type Handler, type ManagementRequest, nodeOf, type Route, vhostOf } from './request.js';
import * as views from './resource-views.js';

/**
 * Every route. Those of the node, its virtual hosts and its clients are here, the others beside what answers them.
 *
 * @see https://www.rabbitmq.com/docs/management#http-api
 */
const ROUTES: readonly Route[] = [
  ['GET', 'overview', ({ target }) => ok(views.overviewJson(target))],
  ['GET', 'nodes', ({ target }) => ok([views.nodeJson(target)])],
  ['GET', 'whoami', ({ user }) => ok({ name: fromBinaryText(user.name), tags: user.tags })],
  ['GET', 'permissions/:v/:u', permissions],
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

  ...QUEUE_ROUTES,
  ...EXCHANGE_ROUTES,
  ...BINDING_ROUTES,
  ...POLICY_ROUTES,
  ...HEALTH_ROUTES,
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

/** As RabbitMQ's does, it answers administrators only. */
function permissions(request: ManagementRequest): HttpReply {
  if (!request.user.tags.includes('administrator')) {
    throw new HttpError(401, 'not_authorised', 'Not administrator user');
  }
  const vhost = vhostOf(request);
  const user = request.target.environment.users.get(request.parameters[1] ?? '');
  const allowed = user?.permissions.get(vhost.name);
  if (user === undefined || allowed === undefined) throw notFound();
  return ok(views.permissionsJson(user, vhost, allowed));
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
