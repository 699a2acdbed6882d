import type { PolicyRequest } from '../vhost/policy.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import { fromBinaryText } from '../wire/binary-text.js';
import { badRequest, created, type HttpReply, notFound, ok } from './http-reply.js';
import { gone, type ManagementRequest, type Route, vhostOf } from './request.js';
import * as views from './resource-views.js';

/** Policies. */
export const POLICY_ROUTES: readonly Route[] = [
  ['GET', 'policies', ({ target }) => ok([...target.vhosts].flatMap(policies))],
  ['GET', 'policies/:v', (request) => ok(policies(vhostOf(request)))],
  ['GET', 'policies/:v/:p', (request) => ok(policyOf(request))],
  ['PUT', 'policies/:v/:p', putPolicy],
  ['DELETE', 'policies/:v/:p', (request) => gone(vhostOf(request).deletePolicy(policyName(request)))],
];

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
