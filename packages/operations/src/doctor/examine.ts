import { connect } from 'node:tls';
import type { ApplicationPlan } from '@leveret/core';
import type { ManagementReader } from '../management/management-reader.js';
import type { OperationsSession } from '../session/operations-session.js';
import { askForDefinitions } from '../topology/definitions.js';
import type { Facts, Permissions } from './facts.js';

const DAY_MS = 86_400_000;
const TLS_MS = 5000;

/** Asks the broker for all that checks look at. Without a management API much of it stays unknown. */
export async function examine(session: OperationsSession, plan?: ApplicationPlan): Promise<Facts> {
  const { version, frameMax } = session.broker.broker;
  const reader = await session.management();
  const username = session.host?.username ?? reader?.username;
  const live = reader === undefined ? undefined : await askForAll(reader, session, username ?? '');
  return {
    version,
    frameMax,
    channelMax: session.broker.channelMax,
    username,
    definitions: live?.definitions,
    alarms: live?.alarms ?? [],
    clockAheadMs: live?.clockAheadMs,
    permissions: live?.permissions,
    certificateDays: await certificateDays(session),
    plan,
    notLookedAt: live?.notLookedAt(plan !== undefined) ?? [
      'queues, exchanges, bindings, policies, alarms and permissions: the management API does not answer',
    ],
  };
}

async function askForAll(reader: ManagementReader, { broker, clock }: OperationsSession, username: string) {
  const vhost = encodeURIComponent(reader.vhost);
  const [definitions, nodes, clockAheadMs, permissions] = await Promise.all([
    askForDefinitions(reader, broker.broker.version),
    // Not everybody may ask for these.
    reader.list('/api/nodes').catch(() => undefined),
    reader.clockAheadMs(clock).catch(() => undefined),
    reader.get(`/api/permissions/${vhost}/${encodeURIComponent(username)}`).catch(() => undefined),
  ]);
  const alarms = (nodes ?? []).flatMap((node) => [
    ...(node['mem_alarm'] === true ? [`memory on ${String(node['name'])}`] : []),
    ...(node['disk_free_alarm'] === true ? [`disk on ${String(node['name'])}`] : []),
  ]);
  const known = readPermissions(permissions);
  const notLookedAt = (hasPlan: boolean) => [
    ...(nodes === undefined ? [`alarms: user ${reader.username} of the management API needs the tag monitoring`] : []),
    ...(hasPlan && known === undefined
      ? [
          `permissions of ${username}: user ${reader.username} of the management API is no administrator; name one by --management http://admin:…@host:15672`,
        ]
      : []),
  ];
  return { definitions, alarms, clockAheadMs, permissions: known, notLookedAt };
}

function readPermissions(value: unknown): Permissions | undefined {
  const { configure, write, read } = (value ?? {}) as Partial<Record<keyof Permissions, unknown>>;
  if (typeof configure !== 'string' || typeof write !== 'string' || typeof read !== 'string') return undefined;
  return { configure, write, read };
}

async function certificateDays(session: OperationsSession): Promise<number | undefined> {
  const { host } = session;
  if (host === undefined || !host.tls) return undefined;
  return new Promise((resolve) => {
    // Only looked at: whether it is trusted was decided when the connection was opened.
    const socket = connect({ host: host.hostname, port: host.port, rejectUnauthorized: false, timeout: TLS_MS }, () => {
      const { valid_to: validTo } = socket.getPeerCertificate();
      socket.destroy();
      const endsAt = Date.parse(validTo);
      const seenAt = session.clock.now();
      resolve(Number.isNaN(endsAt) ? undefined : (endsAt - seenAt) / DAY_MS);
    });
    const giveUp = () => {
      socket.destroy();
      resolve(undefined);
    };
    socket.on('timeout', giveUp);
    socket.on('error', giveUp);
  });
}
