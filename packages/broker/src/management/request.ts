import type { User } from '../connection/authentication.js';
import type { Connection } from '../connection/connection.js';
import type { Queue } from '../queue/queue.js';
import type { Exchange } from '../routing/exchange.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import { type HttpReply, NO_CONTENT, notFound } from './http-reply.js';
import type { ManagementTarget } from './management-target.js';

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

/** Answers a request. */
export type Handler = (request: ManagementRequest) => HttpReply;

/** A method, a path (a colon leaves a segment open) and what answers. */
export type Route = readonly [method: string, path: string, handler: Handler];

/** The name this node goes by. */
export function nodeOf(target: ManagementTarget): string {
  return target.environment.clusterName;
}

/** @throws {HttpError} 404 when there is no such virtual host */
export function vhostOf({ target, parameters: [name = ''] }: ManagementRequest): VirtualHost {
  const vhost = target.environment.virtualHost(name);
  if (vhost === undefined) throw notFound();
  return vhost;
}

/** @throws {HttpError} 404 when there is no such queue */
export function queueOf(request: ManagementRequest): Queue {
  const queue = vhostOf(request).queue(request.parameters[1] ?? '');
  if (queue === undefined) throw notFound();
  return queue;
}

/** @throws {HttpError} 404 when there is no such exchange */
export function exchangeOf(request: ManagementRequest): Exchange<Queue> {
  const exchange = vhostOf(request).exchange(exchangeName(request));
  if (exchange === undefined) throw notFound();
  return exchange;
}

/** The default exchange goes by this name in paths. */
export function exchangeName({ parameters: [, name = ''] }: ManagementRequest): string {
  return name === 'amq.default' ? '' : name;
}

/** @throws {HttpError} 404 when there is no such connection */
export function connectionOf({ target, parameters: [name] }: ManagementRequest): Connection {
  const connection = [...target.connections].find((candidate) => candidate.name === name);
  if (connection === undefined) throw notFound();
  return connection;
}

/**
 * The answer to a delete.
 *
 * @throws {HttpError} 404 when there was nothing to delete
 */
export function gone(existed: boolean): HttpReply {
  if (!existed) throw notFound();
  return NO_CONTENT;
}
