import { type HttpReply, ok } from './http-reply.js';
import { type ManagementRequest, type Route, vhostOf } from './request.js';

/** Health checks. */
export const HEALTH_ROUTES: readonly Route[] = [
  ['GET', 'aliveness-test/:v', (request) => ok({ status: vhostOf(request) === undefined ? 'failed' : 'ok' })],
  ['GET', 'healthchecks/node', () => ok({ status: 'ok' })],
  ['GET', 'health/checks/alarms', alarms],
  ['GET', 'health/checks/local-alarms', alarms],
  ['GET', 'health/checks/virtual-hosts', () => ok({ status: 'ok' })],
  ['GET', 'health/checks/ready-to-serve-clients', () => ok({ status: 'ok' })],
  ['GET', 'health/checks/port-listener/:n', portListener],
  ['GET', 'health/checks/protocol-listener/:n', () => ok({ status: 'ok', protocol: 'amqp091' })],
];

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
