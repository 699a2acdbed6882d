import type { ApplicationPlan, PlannedListener } from '@leveret/core';
import { isAtLeast } from '@leveret/core';
import type { QueueView } from '../management/views.js';
import type { Facts, Permissions } from './facts.js';
import type { Finding } from './finding.js';

/** RabbitMQ's own, since 3.8.17. */
const CONSUMER_TIMEOUT_MS = 1_800_000;

/** What an application would do beside what the broker allows. */
export function applicationChecks({
  plan,
  definitions,
  version,
  permissions,
  username,
  channelMax,
}: Facts): readonly Finding[] {
  if (plan === undefined) return [];
  const queues = new Map(definitions?.queues.map((queue) => [queue.name, queue]));
  return [
    ...plan.listeners.flatMap((listener) => listenerFindings(listener, queues.get(listener.queue), plan, version)),
    ...tooManyChannels(plan, channelMax),
    ...(permissions === undefined ? [] : missingPermissions(plan, permissions, username ?? 'the user')),
  ];
}

function listenerFindings(
  listener: PlannedListener,
  queue: QueueView | undefined,
  plan: ApplicationPlan,
  version: string,
): readonly Finding[] {
  const { id: about, prefetch } = listener;
  const findings: Finding[] = [];
  if (prefetch === 0) {
    findings.push({
      check: 'prefetch-unlimited',
      severity: 'warning',
      about,
      what: 'its prefetch is 0: the broker sends all that there is',
      why: 'one process takes every message, and holds them all in memory',
      fix: 'give it a prefetch, such as 100',
    });
  }
  const limit = deliveryLimitOf(queue, version);
  const needed = countedDeliveries(listener, plan, version);
  if (queue?.type === 'quorum' && limit !== undefined && limit < needed) {
    findings.push({
      check: 'delivery-limit',
      severity: 'error',
      about,
      what: `its queue ${queue.name} drops a message behind ${limit} failed deliveries, and ${needed} may be needed`,
      why: 'the broker takes the message away before the last redelivery: the recoverer never sees it',
      fix: `raise the delivery limit above ${needed} by a policy, or redeliver less often`,
    });
  }
  if (queue?.type === 'quorum' && limit !== undefined && isBurnt(limit, prefetch, version)) {
    findings.push({
      check: 'delivery-limit-prefetch',
      severity: 'warning',
      about,
      what: `its queue ${queue.name} drops a message behind ${limit} failed deliveries, and up to ${prefetch || 'all'} messages wait in the process`,
      why: `before RabbitMQ 4.3 every message that was waiting when a consumer ends has failed once more: ${limit + 1} restarts take messages away that no handler has seen`,
      fix: 'raise the delivery limit to 20 or more, or lower prefetch to 1',
    });
  }
  const timeout = consumerTimeoutOf(queue, version);
  const longest = longestHoldMs(listener);
  if (longest > timeout) {
    findings.push({
      check: 'consumer-timeout',
      severity: 'error',
      about,
      what: `it may hold a message for ${longest} ms (attempts and the waits between them), and the broker takes it back after ${timeout} ms`,
      why: 'the message is delivered again while its handler still runs, and the channel or the consumer is closed',
      fix: 'lower timeout, maxAttempts or the intervals between attempts, or raise consumer_timeout (x-consumer-timeout)',
    });
  }
  return findings;
}

/** Deliveries of one message that the broker counts as failed before the application is done with it. Copies begin anew. */
function countedDeliveries(
  { queue, stateful, attempts, redeliverMs }: PlannedListener,
  { queues }: ApplicationPlan,
  version: string,
): number {
  const declared = queues.find(({ name }) => name === queue);
  const isHeldBack = declared?.delayedRetry !== undefined && isAtLeast(version, 4, 3, false);
  return (stateful ? attempts : 1) + (isHeldBack ? redeliverMs.length : 0);
}

/** Few enough for a couple of deployments. Without a dead letter exchange the messages are gone. */
function isBurnt(limit: number, prefetch: number, version: string): boolean {
  return limit <= 5 && prefetch !== 1 && !isAtLeast(version, 4, 3, false);
}

/** How long one delivery may be in hand; a handler without a timeout says nothing, its waits do. */
function longestHoldMs({ attempts, stateful, timeoutMs = 0, waitMs }: PlannedListener): number {
  return timeoutMs * (stateful ? 1 : attempts) + waitMs;
}

/** Besides its consumers an application publishes, answers and looks. */
const FURTHER_CHANNELS = 4;

function tooManyChannels({ listeners }: ApplicationPlan, channelMax: number | undefined): readonly Finding[] {
  const needed = listeners.length + FURTHER_CHANNELS;
  if (channelMax === undefined || needed <= channelMax) return [];
  return [
    {
      check: 'channel-max',
      severity: 'error',
      about: 'channel_max',
      what: `a connection may have ${channelMax} channels, and ${listeners.length} listeners with what they publish on need about ${needed}`,
      why: 'the consumer for which there is no channel never starts',
      fix: 'raise channel_max on the broker (default 2047), or have fewer listeners in a process',
    },
  ];
}

function deliveryLimitOf(queue: QueueView | undefined, version: string): number | undefined {
  if (queue === undefined) return undefined;
  const set = [queue.arguments['x-delivery-limit'], queue.effective['delivery-limit']].filter(
    (value): value is number => typeof value === 'number',
  );
  const limit = set.length > 0 ? Math.min(...set) : isAtLeast(version, 4, 0, false) ? 20 : -1;
  return limit < 0 ? undefined : limit;
}

/** From 4.3 on quorum queues alone take messages back; arguments and policies say how late from 3.12 on. */
function consumerTimeoutOf(queue: QueueView | undefined, version: string): number {
  if (queue !== undefined && queue.type !== 'quorum' && isAtLeast(version, 4, 3, false))
    return Number.POSITIVE_INFINITY;
  if (queue === undefined || !isAtLeast(version, 3, 12, true)) return CONSUMER_TIMEOUT_MS;
  const set = [queue.arguments['x-consumer-timeout'], queue.effective['consumer-timeout']].filter(
    (value): value is number => typeof value === 'number',
  );
  return set.length > 0 ? Math.min(...set) : CONSUMER_TIMEOUT_MS;
}

function missingPermissions(plan: ApplicationPlan, permissions: Permissions, user: string): readonly Finding[] {
  const declared = [...plan.exchanges, ...plan.queues].map(({ name }) => name);
  const needs: readonly (readonly [keyof Permissions, string, readonly string[]])[] = [
    ['configure', 'declare', declared],
    ['write', 'bind', plan.bindings.map(({ destination }) => destination)],
    ['read', 'consume', [...plan.listeners.map(({ queue }) => queue), ...plan.bindings.map(({ source }) => source)]],
  ];
  return needs.flatMap(([permission, verb, names]) => {
    const refused = [...new Set(names)].filter((name) => name !== '' && !allows(permissions[permission], name));
    if (refused.length === 0) return [];
    return [
      {
        check: 'permission',
        severity: 'error' as const,
        about: user,
        what: `it may not ${verb} ${refused.slice(0, 5).join(', ')}${refused.length > 5 ? ` and ${refused.length - 5} more` : ''} (${permission})`,
        why: 'the start of the application is refused (403)',
        fix: `rabbitmqctl set_permissions with a ${permission} pattern that matches`,
      },
    ];
  });
}

/** As RabbitMQ reads it: an empty pattern allows nothing. */
function allows(pattern: string, name: string): boolean {
  if (pattern === '') return false;
  try {
    return new RegExp(pattern).test(name);
  } catch {
    // Not one that JavaScript reads: it is not judged.
    return true;
  }
}
