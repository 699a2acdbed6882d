import type { ApplicationPlan, PlannedListener } from '@leveret/core';
import { isAtLeast } from '@leveret/core';
import type { QueueView } from '../management/views.js';
import type { Facts, Permissions } from './facts.js';
import type { Finding } from './finding.js';

/** RabbitMQ's own, since 3.8.17. */
const CONSUMER_TIMEOUT_MS = 1_800_000;

/** What an application would do beside what the broker allows. */
export function applicationChecks({ plan, definitions, version, permissions, username }: Facts): readonly Finding[] {
  if (plan === undefined) return [];
  const queues = new Map(definitions?.queues.map((queue) => [queue.name, queue]));
  return [
    ...plan.listeners.flatMap((listener) => listenerFindings(listener, queues.get(listener.queue), version)),
    ...(permissions === undefined ? [] : missingPermissions(plan, permissions, username ?? 'the user')),
  ];
}

function listenerFindings(
  listener: PlannedListener,
  queue: QueueView | undefined,
  version: string,
): readonly Finding[] {
  const { id: about, prefetch, attempts, redeliverMs, timeoutMs } = listener;
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
  const needed = redeliverMs.length + 1;
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
  const timeout = consumerTimeoutOf(queue);
  const longest = timeoutMs === undefined ? undefined : timeoutMs * attempts;
  if (longest !== undefined && longest > timeout) {
    findings.push({
      check: 'consumer-timeout',
      severity: 'error',
      about,
      what: `its attempts may take ${longest} ms, and the broker takes a message back after ${timeout} ms`,
      why: 'the message is delivered again while its handler still runs, and the channel or the consumer is closed',
      fix: 'lower timeout or maxAttempts, or raise consumer_timeout (x-consumer-timeout)',
    });
  }
  return findings;
}

function deliveryLimitOf(queue: QueueView | undefined, version: string): number | undefined {
  if (queue === undefined) return undefined;
  const set = [queue.arguments['x-delivery-limit'], queue.effective['delivery-limit']].filter(
    (value): value is number => typeof value === 'number',
  );
  const limit = set.length > 0 ? Math.min(...set) : isAtLeast(version, 4, 0, false) ? 20 : -1;
  return limit < 0 ? undefined : limit;
}

function consumerTimeoutOf(queue: QueueView | undefined): number {
  const set = [queue?.arguments['x-consumer-timeout'], queue?.effective['consumer-timeout']].filter(
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
