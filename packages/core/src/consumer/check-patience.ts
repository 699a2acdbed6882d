import type { Problems } from '../errors/configuration-error.js';
import type { RetryPolicy } from '../retry/failure-policy.js';
import { backoffDelayMs } from '../time/backoff.js';
import { policyMatches } from '../topology/policy-options.js';
import type { Topology } from '../topology/topology.js';
import type { TopologyWarning } from '../topology/topology-warnings.js';
import { DEFAULT_CONSUMER_TIMEOUT_MS } from './broker-patience.js';
import { HELD_AT_MOST_MS } from './decide-hold.js';
import type { ListenerDefinition } from './listener-definition.js';

/** How long the broker waits for a settlement on a queue, and how that is known. */
export interface KnownPatience {
  /** In milliseconds; infinite for ever. */
  readonly timeoutMs: number;
  /** For texts, such as `x-consumer-timeout of the queue`. */
  readonly source: string;
}

/**
 * The delivery acknowledgement timeout of a queue: what the listener says, else the shortest of the queue's argument and of
 * the policies declared for it, else RabbitMQ's default.
 */
export function brokerPatienceFor(queue: string, ownMs: number | undefined, topology: Topology): KnownPatience {
  if (ownMs !== undefined) return { timeoutMs: ownMs, source: 'consumerTimeout of the listener' };
  const declaration = topology.queues.find(({ name }) => name === queue);
  const known: KnownPatience[] = [];
  const argument = declaration?.arguments['x-consumer-timeout'];
  if (typeof argument === 'number') known.push({ timeoutMs: argument, source: 'x-consumer-timeout of the queue' });
  const target = declaration?.type === 'stream' ? 'streams' : `${declaration?.type}_queues`;
  for (const policy of topology.policies) {
    const value = policy.definition['consumer-timeout'];
    const applies = ['all', 'queues', target].includes(policy.applyTo) && policyMatches(policy, queue);
    if (applies && typeof value === 'number') known.push({ timeoutMs: value, source: `policy ${policy.name}` });
  }
  known.sort((a, b) => a.timeoutMs - b.timeoutMs);
  return known[0] ?? { timeoutMs: DEFAULT_CONSUMER_TIMEOUT_MS, source: "RabbitMQ's default" };
}

/**
 * Notes a handler `timeout` above the broker's patience as a fault, and answers what may take longer than that although
 * every single wait is shorter.
 */
export function checkPatience(
  definition: ListenerDefinition,
  source: string,
  problems: Problems,
): readonly TopologyWarning[] {
  const { consumerTimeoutMs: patienceMs, timeoutMs, prefetch, acknowledge, retry, id } = definition;
  if (acknowledge === 'none' || patienceMs === Number.POSITIVE_INFINITY) return [];
  const limit = `the ${time(patienceMs)} after which the broker takes a delivery back (${source})`;
  if (timeoutMs !== undefined && timeoutMs > patienceMs) {
    problems.add(
      `timeout ${time(timeoutMs)} is longer than ${limit}: such a message would be handled again and again. Make it shorter, or say consumerTimeout if the broker waits longer`,
    );
    return [];
  }
  const { attempts, waitsMs } = localRetry(retry);
  const oneMs = attempts * (timeoutMs ?? 0) + waitsMs;
  const texts: string[] = [];
  if (oneMs > patienceMs) {
    const parts = [
      timeoutMs === undefined ? [] : [`${attempts} × timeout ${time(timeoutMs)}`],
      `waits of ${time(waitsMs)}`,
    ];
    texts.push(`one message may be held for ${time(oneMs)} (${parts.flat().join(' + ')})`);
  } else if (timeoutMs !== undefined && (prefetch === 0 || prefetch * oneMs > patienceMs)) {
    texts.push(
      prefetch === 0
        ? `prefetch has no limit, and each message may take ${time(oneMs)}`
        : `prefetch ${prefetch} × ${time(oneMs)} for each message is ${time(prefetch * oneMs)}`,
    );
  }
  const fetched = definition.concurrency * prefetch;
  const { maxRate } = definition;
  if (maxRate !== undefined && (fetched / maxRate.messages) * maxRate.perMs > patienceMs) {
    const beginMs = Math.ceil(fetched / maxRate.messages) * maxRate.perMs;
    const rate = `${maxRate.messages} per ${time(maxRate.perMs)}`;
    texts.push(`with maxRate ${rate}, the ${fetched} that may be fetched in advance take ${time(beginMs)} to begin`);
  }
  if (definition.idempotency !== undefined && HELD_AT_MOST_MS > patienceMs) {
    texts.push(`a message whose idempotency store is down is held for ${time(HELD_AT_MOST_MS)}`);
  }
  return texts.map((text) => ({
    kind: 'consumer-timeout-exceeded',
    text: `Listener ${id}: ${text}; that is longer than ${limit}. What waits for its turn is given back before, and is not handled beside its redelivery, but it comes more often than it need. Make prefetch, timeout or the waits of retry smaller, or say consumerTimeout if the broker waits longer.`,
  }));
}

function localRetry(retry: RetryPolicy | undefined): { readonly attempts: number; readonly waitsMs: number } {
  if (retry === undefined || !retry.stateless) return { attempts: 1, waitsMs: 0 };
  let waitsMs = 0;
  // Endless attempts reach any limit long before.
  for (let attempt = 1; attempt < Math.min(retry.maxAttempts, 1000); attempt++) {
    waitsMs += backoffDelayMs({ ...retry.backoff, jitter: 0 }, attempt);
  }
  return { attempts: retry.maxAttempts, waitsMs };
}

function time(ms: number): string {
  if (ms >= 120_000) return `${round(ms / 60_000)} min`;
  return ms >= 1000 ? `${round(ms / 1000)} s` : `${ms} ms`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
