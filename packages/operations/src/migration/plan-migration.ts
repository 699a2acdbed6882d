import { isAtLeast, type TopologyArguments } from '@leveret/core';
import type { BindingView, PolicyView, QueueView } from '../management/views.js';
import type { Definitions } from '../topology/definitions.js';
import { carriedArguments, type Loss } from './carried-arguments.js';
import { isOfCopies } from './migration-names.js';

/** What is wanted of the new queue. */
export interface MigrationChoice {
  /** Name of the new queue. Default: the old name and `.v2`. */
  readonly as?: string | undefined;
  /** Further arguments of the new queue, or others than the old one has. */
  readonly arguments?: TopologyArguments | undefined;
  /** What the new queue may be without: names as {@link MigrationPlan.losses} has them. */
  readonly without?: readonly string[] | undefined;
}

/** What a migration comes to before anything is done. */
export interface MigrationPlan {
  readonly from: string;
  readonly to: string;
  /** With which the new queue is declared: durable, and of these arguments. */
  readonly arguments: TopologyArguments;
  readonly bindings: readonly BindingView[];
  /** What the new queue will not have; nothing is begun until each was agreed to. */
  readonly losses: readonly Loss[];
  /** What will be different, without anybody having to agree. */
  readonly notes: readonly string[];
  /** Why it cannot be done. */
  readonly faults: readonly string[];
}

/** Decides what the new queue is like, and what is lost on the way. */
export function planMigration(
  queue: QueueView,
  { as, arguments: further = {}, without = [] }: MigrationChoice,
  there: Definitions,
): MigrationPlan {
  const { name: from } = queue;
  const to = as ?? `${from}.v2`;
  const carried = carriedArguments(queue.arguments);
  const autoDelete = {
    name: 'auto-delete',
    value: true,
    means: 'a quorum queue refuses it: the new one stays when its last consumer has gone, and takes messages',
  };
  const losses = [...carried.losses, ...(queue.autoDelete ? [autoDelete] : [])].filter(
    ({ name }) => !without.includes(name) && !Object.hasOwn(further, name),
  );
  const args = { ...carried.arguments, ...further, 'x-queue-type': 'quorum' };
  return {
    ...{ from, to, arguments: args, losses },
    bindings: there.bindings.filter((each) => isBindingOf(each, from) && !isOfCopies(each.source)),
    notes: [
      ...leftOutNote(carried.leftOut),
      ...limitNote(args, there.version ?? ''),
      ...strategyNote(args),
      ...policyNotes(queue, to, there.policies),
      'a time to live of messages begins anew; a copy has its id, its body, its headers and its routing key, comes by the exchange of the migration (x-leveret-moved-exchange names its own), and has no user id',
    ],
    faults: faultsOf(queue, to, as === undefined, there.queues),
  };
}

export function isBindingOf({ destination, destinationType }: BindingView, queue: string): boolean {
  return destinationType === 'queue' && destination === queue;
}

/** Queues whose dead letters go straight to this one, by the default exchange: they would be dropped once it is gone. */
export function straightTo(queue: string, queues: readonly QueueView[]): readonly string[] {
  return queues
    .filter(({ arguments: args, effective }) => {
      const exchange = args['x-dead-letter-exchange'] ?? effective['dead-letter-exchange'];
      return exchange === '' && (args['x-dead-letter-routing-key'] ?? effective['dead-letter-routing-key']) === queue;
    })
    .map(({ name }) => name);
}

function faultsOf(
  { name, type, exclusive, arguments: args }: QueueView,
  to: string,
  isDefault: boolean,
  queues: readonly QueueView[],
): readonly string[] {
  return [
    ...(type === 'stream' ? ['it is a stream: what is in a stream cannot be moved'] : []),
    ...(exclusive ? ['it is exclusive: it ends with the connection that has declared it'] : []),
    ...(type === 'quorum' && isDefault ? ['it is a quorum queue already; --as gives it another name'] : []),
    ...(to === name ? ['the new queue needs another name'] : []),
    ...(queues.some((each) => each.name === to) ? [`queue ${JSON.stringify(to)} is there already: name another`] : []),
    ...(args['x-queue-type'] !== undefined && !['classic', 'quorum'].includes(type)
      ? [`its type ${JSON.stringify(type)} is not known`]
      : []),
  ];
}

function leftOutNote(names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`left out, for they mean nothing for a quorum queue: ${names.join(', ')}`];
}

function limitNote(args: TopologyArguments, version: string): readonly string[] {
  if (args['x-delivery-limit'] !== undefined || !isAtLeast(version, 4, 0, false)) return [];
  return [
    'a quorum queue drops or dead-letters a message behind 20 failed deliveries, where a classic one delivers it for ever; x-delivery-limit, or a policy, says otherwise',
  ];
}

function strategyNote(args: TopologyArguments): readonly string[] {
  if (args['x-dead-letter-exchange'] === undefined || args['x-dead-letter-strategy'] !== undefined) return [];
  return [
    'dead letters are sent at most once, as they were; a quorum queue can send them at least once: x-dead-letter-strategy=at-least-once with x-overflow=reject-publish',
  ];
}

/** Of what is set for the old queue, what the new one will not have. */
function policyNotes(queue: QueueView, to: string, policies: readonly PolicyView[]): readonly string[] {
  if (queue.policy === undefined) return [];
  const policy = policies.find(({ name }) => name === queue.policy);
  const name = JSON.stringify(queue.policy);
  if (policy === undefined) return [];
  const applies = ['all', 'queues', 'quorum_queues'].includes(policy.applyTo) && matches(policy.pattern, to);
  const keys = Object.keys(policy.definition);
  if (!applies) return [`policy ${name} (${keys.join(', ')}) does not apply to ${to}: give it one of its own`];
  const ignored = keys.filter((key) => key.startsWith('ha-') || key === 'queue-mode' || key === 'queue-master-locator');
  return ignored.length === 0 ? [] : [`${ignored.join(', ')} of policy ${name} mean nothing for a quorum queue`];
}

function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern).test(name);
  } catch {
    // Not one that JavaScript reads.
    return false;
  }
}
