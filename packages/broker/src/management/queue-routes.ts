import type { Message } from '../queue/message.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import { badRequest, created, type HttpReply, NO_CONTENT, ok } from './http-reply.js';
import { tableFromJson } from './json-fields.js';
import type { ManagementTarget } from './management-target.js';
import { type ManagementRequest, nodeOf, queueOf, type Route, vhostOf } from './request.js';
import * as views from './resource-views.js';

/** Queues, and the messages in them. */
export const QUEUE_ROUTES: readonly Route[] = [
  ['GET', 'queues', ({ target }) => ok([...target.vhosts].flatMap((vhost) => queues(target, vhost)))],
  ['GET', 'queues/:v', (request) => ok(queues(request.target, vhostOf(request)))],
  ['GET', 'queues/:v/:q', (request) => ok(views.queueJson(queueOf(request), vhostOf(request), nodeOf(request.target)))],
  ['PUT', 'queues/:v/:q', putQueue],
  ['DELETE', 'queues/:v/:q', deleteQueue],
  ['DELETE', 'queues/:v/:q/contents', purgeQueue],
  ['POST', 'queues/:v/:q/get', getMessages],
];

function queues(target: ManagementTarget, vhost: VirtualHost): views.Json[] {
  return [...vhost.queues].map((queue) => views.queueJson(queue, vhost, nodeOf(target)));
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
  else if (ackmode === 'ack_requeue_false') for (const message of taken) queue.ack(message);
  else queue.discard(taken, 'reject');
  return ok(shown);
}
