import type { PolicyDefinition } from '../queue/queue-settings.js';
import { BoundedPattern } from './bounded-pattern.js';

/** What a policy applies to. */
export type PolicyTarget = 'all' | 'queues' | 'exchanges' | 'classic_queues' | 'quorum_queues' | 'streams';

/** A policy: settings for every queue or exchange whose name matches. */
export interface Policy {
  readonly name: string;
  readonly pattern: BoundedPattern;
  /** The pattern as it was given. */
  readonly source: string;
  readonly definition: PolicyDefinition;
  /** The highest applies; there is no merging. */
  readonly priority: number;
  readonly applyTo: PolicyTarget;
}

/** A policy as a client of the management API sends it. */
export interface PolicyRequest {
  readonly pattern: string;
  readonly definition: Readonly<Record<string, unknown>>;
  readonly priority?: number;
  readonly 'apply-to'?: string;
}

/** Thrown for a policy that RabbitMQ would not take. */
export class InvalidPolicyError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'InvalidPolicyError';
  }
}

type Validator = (value: unknown) => string | undefined;

function nonNegative(what: string): Validator {
  return (value) =>
    Number.isInteger(value) && (value as number) >= 0 ? undefined : `${erlang(value)} is not a valid ${what}`;
}

function text(what: string): Validator {
  return (value) => (typeof value === 'string' ? undefined : `${erlang(value)} is not a valid ${what}`);
}

const VALIDATORS: Readonly<Record<string, Validator>> = {
  'message-ttl': nonNegative('message TTL'),
  expires: (value) =>
    Number.isInteger(value) && (value as number) >= 1 ? undefined : `${erlang(value)} is not a valid queue expiry`,
  'max-length': nonNegative('maximum length'),
  'max-length-bytes': nonNegative('maximum length in bytes'),
  'max-in-memory-length': nonNegative('maximum memory in bytes'),
  'max-in-memory-bytes': nonNegative('maximum memory in bytes'),
  'delivery-limit': (value) => (Number.isInteger(value) ? undefined : `${erlang(value)} is not a valid delivery limit`),
  'dead-letter-exchange': text('dead letter exchange name'),
  'dead-letter-routing-key': text('dead letter routing key'),
  'dead-letter-strategy': text('dead letter strategy'),
  'alternate-exchange': text('alternate exchange name'),
  overflow: (value) =>
    ['drop-head', 'reject-publish', 'reject-publish-dlx'].includes(value as string)
      ? undefined
      : `${erlang(value)} is not a valid overflow strategy`,
  'queue-mode': text('queue mode'),
  'queue-version': nonNegative('queue version'),
  'queue-master-locator': text('queue master locator'),
  'queue-leader-locator': text('queue leader locator'),
  'ha-mode': text('ha mode'),
  'ha-params': () => undefined,
  'ha-sync-mode': text('ha sync mode'),
  'consumer-timeout': nonNegative('consumer timeout'),
  'delayed-retry-type': text('delayed retry type'),
  'delayed-retry-min': nonNegative('delayed retry minimum'),
  'delayed-retry-max': nonNegative('delayed retry maximum'),
  'max-age': text('max age'),
};

const TARGETS: readonly string[] = ['all', 'queues', 'exchanges', 'classic_queues', 'quorum_queues', 'streams'];

/**
 * Checks a policy and makes its pattern ready.
 *
 * @throws {InvalidPolicyError} with RabbitMQ's words
 */
export function makePolicy(name: string, request: PolicyRequest): Policy {
  const { pattern, definition } = request;
  const problem = invalidDefinition(definition);
  if (problem !== undefined) throw new InvalidPolicyError(`Validation failed\n\n${problem}\n`);
  const applyTo = request['apply-to'] ?? 'all';
  if (!TARGETS.includes(applyTo)) {
    throw new InvalidPolicyError(`Validation failed\n\napply-to should be one of ${TARGETS.join(', ')}\n`);
  }
  return {
    name,
    pattern: compiled(pattern),
    source: pattern,
    definition: definition as PolicyDefinition,
    priority: request.priority ?? 0,
    applyTo: applyTo as PolicyTarget,
  };
}

/** The policy in force for a resource: the matching one with the highest priority. */
export function policyFor(policies: Iterable<Policy>, name: string, kind: 'exchange' | string): Policy | undefined {
  let best: Policy | undefined;
  for (const policy of policies) {
    if (!appliesTo(policy.applyTo, kind) || !policy.pattern.test(name)) continue;
    if (best === undefined || policy.priority > best.priority) best = policy;
  }
  return best;
}

function appliesTo(target: PolicyTarget, kind: string): boolean {
  switch (target) {
    case 'all':
      return true;
    case 'exchanges':
      return kind === 'exchange';
    case 'queues':
      return kind !== 'exchange';
    case 'streams':
      return kind === 'stream';
    default:
      return target === `${kind}_queues`;
  }
}

function invalidDefinition(definition: Readonly<Record<string, unknown>>): string | undefined {
  const entries = Object.entries(definition);
  const unknown = entries.filter(([key]) => !Object.hasOwn(VALIDATORS, key));
  if (unknown.length > 0) {
    const listed = unknown.map(([key, value]) => `{${erlang(key)},${erlang(value)}}`).join(',');
    return `[${listed}] are not recognised policy settings`;
  }
  for (const [key, value] of entries) {
    const problem = VALIDATORS[key]?.(value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function compiled(pattern: string): BoundedPattern {
  try {
    return new BoundedPattern(pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidPolicyError(
      `Validation failed\n\npattern should be regular expression but is invalid: ${JSON.stringify(reason)}\n`,
    );
  }
}

function erlang(value: unknown): string {
  if (typeof value === 'string') return `<<"${value}">>`;
  return Array.isArray(value) ? `[${value.map(erlang).join(',')}]` : String(value);
}
