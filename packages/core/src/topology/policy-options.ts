import { checkKnown } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import { checkName, checkObject, checkOptionalOneOf } from './check-options.js';
import type { PolicyDeclaration } from './topology.js';

/**
 * A policy: settings for queues or exchanges that exist already, chosen by name. Applied through the management HTTP
 * API, because AMQP has no words for it.
 * @see https://www.rabbitmq.com/docs/policies
 */
export interface PolicyOptions {
  /** Unique in the virtual host; a policy of the same name is replaced. */
  readonly name: string;
  /** Regular expression on names, such as `^lazy-queue$`. */
  readonly pattern: string;
  /** Such as `{ 'queue-mode': 'lazy' }`. */
  readonly definition: Readonly<Record<string, unknown>>;
  /** Default `queues`. The types of queues can be told apart by RabbitMQ 3.12 and later. */
  readonly applyTo?: PolicyDeclaration['applyTo'];
  /** Of several that fit, the highest is applied. Default 0. */
  readonly priority?: number;
}

const KNOWN_OPTIONS = ['name', 'pattern', 'definition', 'applyTo', 'priority'];
const APPLY_TO: readonly PolicyDeclaration['applyTo'][] = [
  'queues',
  'classic_queues',
  'quorum_queues',
  'streams',
  'exchanges',
  'all',
];

/**
 * The policy that makes queues lazy which exist already: what
 * `rabbitmqctl set_policy Lazy "^lazy-queue$" '{"queue-mode":"lazy"}' --apply-to queues` does.
 * @param pattern regular expression on the names of queues
 * @param name name of the policy
 */
export function lazyPolicy(pattern: string, name = 'Lazy'): PolicyOptions {
  return { name, pattern, definition: { 'queue-mode': 'lazy' }, applyTo: 'queues' };
}

/** The policy of its options; `undefined` (and faults) when it cannot be applied. */
export function resolvePolicy(options: unknown, problems: Problems): PolicyDeclaration | undefined {
  const raw = checkObject(options, 'a policy', problems);
  if (raw === undefined) return undefined;
  const here = problems.at(`policy ${describeValue(raw['name'])}`);
  checkKnown(raw, KNOWN_OPTIONS, 'a policy', here);
  const { name, pattern, priority = 0 } = raw as Partial<PolicyOptions>;
  const definition = checkObject(raw['definition'], 'definition', here);
  if (definition !== undefined && Object.keys(definition).length === 0)
    here.add('definition is empty: say what the policy sets');
  const applyTo = checkOptionalOneOf(raw['applyTo'], 'applyTo', APPLY_TO, here) ?? 'queues';
  if (!Number.isInteger(priority)) here.add(`priority must be a whole number; got ${describeValue(priority)}`);
  const named = checkName(name, 'name', here);
  const matching = checkPattern(pattern, here);
  if (!named || !matching || definition === undefined) return undefined;
  return Object.freeze({
    name,
    pattern: pattern as string,
    definition: Object.freeze({ ...definition }),
    applyTo,
    priority,
  });
}

/** Whether a name fits the pattern of a policy. Patterns that JavaScript cannot read fit nothing. */
export function policyMatches(policy: PolicyDeclaration, name: string): boolean {
  return compilePattern(policy.pattern)?.test(name) ?? false;
}

function checkPattern(pattern: unknown, problems: Problems): boolean {
  if (typeof pattern !== 'string' || pattern === '') {
    problems.add(`pattern must be a regular expression as text, such as '^lazy-queue$'; got ${describeValue(pattern)}`);
    return false;
  }
  if (compilePattern(pattern) !== undefined) return true;
  problems.add(`pattern ${describeValue(pattern)} is not a regular expression`);
  return false;
}

/** RabbitMQ reads patterns as PCRE, which has flags such as `(?i)` within the pattern; JavaScript has them outside. */
function compilePattern(pattern: string): RegExp | undefined {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  try {
    return flags === null ? new RegExp(pattern) : new RegExp(pattern.slice(flags[0].length), flags[1]);
  } catch {
    return undefined;
  }
}
