import { redactUrls, within } from '@leveret/core';
import type { ConsoleParts } from '../api/console-parts.js';
import type { SessionJson } from '../contract/contract.js';
import type { ResolvedConsoleOptions } from '../options/console-options.js';
import type { KnownUser } from './gate.js';

type Shown = Pick<ResolvedConsoleOptions, 'mask' | 'queues' | 'showUnreadable'>;

/** How long a page waits for a broker that does not answer, before it says so. */
const CONNECT_MS = 5000;

/** Who is looking, and what the console can show. Also where the broker cannot be reached: then it says so. */
export async function sessionInfo(
  { link, app, outbox, plan, clock }: ConsoleParts,
  options: Shown,
  user: KnownUser,
): Promise<SessionJson> {
  const cannotShow: string[] = [];
  const broker = { url: '', product: 'RabbitMQ', version: '', management: false };
  try {
    const session = await within(clock, CONNECT_MS, link.session(), () => {
      throw new Error(`no connection within ${CONNECT_MS} ms`);
    });
    const { host } = session;
    if (host !== undefined)
      broker.url = `${host.tls ? 'amqps' : 'amqp'}://${host.label}/${encodeURIComponent(host.vhost)}`;
    ({ product: broker.product, version: broker.version } = session.broker.broker);
    broker.management = (await session.management()) !== undefined;
    if (!broker.management) cannotShow.push(...withoutManagement(options.queues ?? [], plan !== undefined));
  } catch (error) {
    cannotShow.push(`The broker: ${redactUrls(error instanceof Error ? error.message : String(error))}`);
  }
  if (options.mask.length > 0 && !options.showUnreadable) {
    cannotShow.push(
      'Bodies that are no JSON: values are masked, and in such a body no path leads anywhere (showUnreadable shows them).',
    );
  }
  const { role, who, csrf, expiresAt } = user;
  return {
    ...{ role, who, csrf, expiresAt, broker, cannotShow },
    features: {
      listeners: app !== undefined,
      schedules: app !== undefined,
      outbox: outbox !== undefined,
      topology: broker.management || plan !== undefined,
    },
    masked: options.mask,
  };
}

function withoutManagement(queues: readonly string[], hasPlan: boolean): readonly string[] {
  const api = 'the management HTTP API does not answer; say where it is, or enable the plugin rabbitmq_management';
  return [
    queues.length > 0
      ? `Error queues besides ${queues.join(', ')}: ${api}.`
      : `Error queues: ${api}, or name them by the option queues.`,
    `The topology${hasPlan ? ' besides that of the application' : ''}: ${api}.`,
  ];
}
