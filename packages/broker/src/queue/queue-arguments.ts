import { channelError, connectionError, invalidArgument } from '../errors/amqp-error.js';
import type { VersionProfile } from '../version/version-profile.js';
import { encodeField } from '../wire/encode-table.js';
import {
  FIELD_TYPE_NAMES,
  type FieldTable,
  type FieldValue,
  longstr,
  lookup,
  printedValue,
} from '../wire/field-table.js';

/** The kinds of queue; a stream can be declared, and no more. */
export type QueueType = 'classic' | 'quorum' | 'stream';

/** The longest time to live or to expire: ten years of 365 days. */
export const LONGEST_LIFE_MS = 315_360_000_000;

const INTEGER_TAGS = 'bBsuIilL';

/** Returns the reason for a refusal as Erlang prints it, or `undefined`. */
type Check = (field: FieldValue, all: FieldTable, profile: VersionProfile) => string | undefined;

const TYPE_ONLY_TEXT: Check = ({ tag }) => (tag === 'S' ? undefined : `{unacceptable_type,${FIELD_TYPE_NAMES[tag]}}`);

const INTEGER: Check = ({ tag }) =>
  INTEGER_TAGS.includes(tag) ? undefined : `"expected integer, got ${FIELD_TYPE_NAMES[tag]}"`;

const NOT_NEGATIVE: Check = (field, all, profile) =>
  INTEGER(field, all, profile) ?? (Number(field.value) < 0 ? `{value_negative,${field.value}}` : undefined);

const POSITIVE: Check = (field, all, profile) =>
  NOT_NEGATIVE(field, all, profile) ?? (Number(field.value) === 0 ? `{value_zero,${field.value}}` : undefined);

const LIFE: Check = (field, all, profile) =>
  NOT_NEGATIVE(field, all, profile) ??
  (Number(field.value) > LONGEST_LIFE_MS ? `{value_too_large,${field.value}}` : undefined);

const MAX_PRIORITY: Check = (field, all, profile) =>
  NOT_NEGATIVE(field, all, profile) ?? (Number(field.value) > 255 ? `{max_value_exceeded,${field.value}}` : undefined);

const BOOLEAN: Check = ({ tag }) => (tag === 't' ? undefined : `{unacceptable_type,${FIELD_TYPE_NAMES[tag]}}`);

function oneOf(allowed: readonly string[], otherwise: (value: string) => string): Check {
  return (field, all, profile) => {
    const wrongType = TYPE_ONLY_TEXT(field, all, profile);
    if (wrongType !== undefined) return wrongType;
    return allowed.includes(field.value as string) ? undefined : otherwise(field.value as string);
  };
}

const DEAD_LETTER_KEY: Check = (field, all, profile) =>
  TYPE_ONLY_TEXT(field, all, profile) ??
  (lookup(all, 'x-dead-letter-exchange') === undefined ? 'routing_key_but_no_dlx_defined' : undefined);

const QUEUE_VERSION: Check = (field, all, profile) =>
  NOT_NEGATIVE(field, all, profile) ??
  (profile.queueVersions.includes(Number(field.value)) ? undefined : `"unsupported queue version '${field.value}'"`);

const QUEUE_MODE: Check = (field, all, profile) =>
  profile.checksQueueMode
    ? oneOf(['default', 'lazy'], (mode) => `"unsupported queue mode '${mode}'"`)(field, all, profile)
    : undefined;

const QUEUE_TYPES: readonly QueueType[] = ['classic', 'quorum', 'stream'];

const QUEUE_TYPE = oneOf(QUEUE_TYPES, (type) => `"unsupported queue type '${type}'"`);

interface ArgumentRule {
  readonly name: string;
  readonly check: Check;
  readonly queueTypes: readonly QueueType[];
}

const ALL = QUEUE_TYPES;
const CLASSIC: readonly QueueType[] = ['classic'];
const QUORUM: readonly QueueType[] = ['quorum'];
const NO_STREAM: readonly QueueType[] = ['classic', 'quorum'];
const STREAM: readonly QueueType[] = ['stream'];

/** Every argument that means something, in the order in which RabbitMQ checks and compares them. */
const RULES: readonly ArgumentRule[] = [
  {
    name: 'x-expires',
    check: (field, all, profile) => POSITIVE(field, all, profile) ?? LIFE(field, all, profile),
    queueTypes: NO_STREAM,
  },
  { name: 'x-message-ttl', check: LIFE, queueTypes: NO_STREAM },
  { name: 'x-dead-letter-exchange', check: () => undefined, queueTypes: NO_STREAM },
  { name: 'x-dead-letter-routing-key', check: DEAD_LETTER_KEY, queueTypes: NO_STREAM },
  {
    name: 'x-dead-letter-strategy',
    check: oneOf(['at-most-once', 'at-least-once'], () => 'invalid_dlx_strategy'),
    queueTypes: QUORUM,
  },
  { name: 'x-max-length', check: NOT_NEGATIVE, queueTypes: NO_STREAM },
  { name: 'x-max-length-bytes', check: NOT_NEGATIVE, queueTypes: ALL },
  { name: 'x-max-in-memory-length', check: NOT_NEGATIVE, queueTypes: QUORUM },
  { name: 'x-max-in-memory-bytes', check: NOT_NEGATIVE, queueTypes: QUORUM },
  { name: 'x-max-priority', check: MAX_PRIORITY, queueTypes: CLASSIC },
  {
    name: 'x-overflow',
    check: oneOf(['drop-head', 'reject-publish', 'reject-publish-dlx'], () => 'invalid_overflow'),
    queueTypes: NO_STREAM,
  },
  { name: 'x-queue-mode', check: QUEUE_MODE, queueTypes: CLASSIC },
  { name: 'x-queue-version', check: QUEUE_VERSION, queueTypes: CLASSIC },
  { name: 'x-single-active-consumer', check: BOOLEAN, queueTypes: NO_STREAM },
  { name: 'x-queue-type', check: QUEUE_TYPE, queueTypes: ALL },
  { name: 'x-quorum-initial-group-size', check: POSITIVE, queueTypes: QUORUM },
  { name: 'x-max-age', check: TYPE_ONLY_TEXT, queueTypes: STREAM },
  { name: 'x-stream-max-segment-size-bytes', check: NOT_NEGATIVE, queueTypes: STREAM },
  { name: 'x-initial-cluster-size', check: POSITIVE, queueTypes: STREAM },
  {
    name: 'x-queue-leader-locator',
    check: oneOf(['client-local', 'balanced', 'random', 'least-leaders'], () => 'invalid_queue_locator_arg'),
    queueTypes: ALL,
  },
  { name: 'x-queue-master-locator', check: () => undefined, queueTypes: CLASSIC },
  { name: 'x-delivery-limit', check: () => undefined, queueTypes: QUORUM },
  { name: 'x-delayed-retry-type', check: () => undefined, queueTypes: QUORUM },
  { name: 'x-consumer-timeout', check: NOT_NEGATIVE, queueTypes: QUORUM },
  { name: 'x-delayed-retry-min', check: () => undefined, queueTypes: QUORUM },
  { name: 'x-delayed-retry-max', check: () => undefined, queueTypes: QUORUM },
];

/** Quorum queues compare in an order of their own. */
const COMPARED_ON_QUORUM: readonly string[] = [
  'x-dead-letter-exchange',
  'x-dead-letter-routing-key',
  'x-dead-letter-strategy',
  'x-expires',
  'x-max-length',
  'x-max-length-bytes',
  'x-max-in-memory-length',
  'x-max-in-memory-bytes',
  'x-overflow',
  'x-single-active-consumer',
  'x-queue-type',
  'x-quorum-initial-group-size',
  'x-delivery-limit',
  'x-message-ttl',
  'x-queue-leader-locator',
];

const MASTER_LOCATOR_REFUSAL =
  'Feature `queue_master_locator` is deprecated.\n' +
  'By default, this feature is not permitted anymore.\n' +
  'The feature will be removed from a future major RabbitMQ version, regardless of the configuration; ' +
  'actual version to be determined.\n' +
  'To continue using this feature when it is not permitted by default, set the following parameter';

/** What a client asks a queue to be. */
export interface QueueProperties {
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly arguments: FieldTable;
}

/** Which kind of queue the arguments ask for. */
export function queueTypeOf(queueArguments: FieldTable): QueueType {
  return (lookup(queueArguments, 'x-queue-type')?.value ?? 'classic') as QueueType;
}

/** The arguments as the broker keeps them: from 4.0 on the queue type is always among them. */
export function completeArguments(queueArguments: FieldTable, profile: VersionProfile): FieldTable {
  if (!profile.ownsDeathRecord || lookup(queueArguments, 'x-queue-type') !== undefined) return queueArguments;
  return [...queueArguments, ['x-queue-type', longstr('classic')]];
}

/**
 * Checks what a new queue is asked to be.
 *
 * @param resource such as `queue 'q' in vhost '/'`
 * @throws {AmqpError} 406 with the first argument or property refused; 541 for one that 4.3 has given up
 * @see https://www.rabbitmq.com/docs/queues#optional-arguments
 */
export function checkQueueArguments(properties: QueueProperties, resource: string, profile: VersionProfile): void {
  const { arguments: table } = properties;
  const type = queueTypeOf(table);
  if (QUEUE_TYPES.includes(type)) checkQueueTypeTakes(type, table, resource, profile);
  if (profile.refusesMasterLocator && lookup(table, 'x-queue-master-locator') !== undefined) {
    throw connectionError(541, MASTER_LOCATOR_REFUSAL);
  }
  checkValues(table, resource, profile);
  if (type === 'classic') return;
  if (properties.autoDelete) throw channelError(406, `invalid property 'auto-delete' for ${resource}`);
  if (properties.exclusive) throw channelError(406, `invalid property 'exclusive-owner' for ${resource}`);
  if (!properties.durable) throw channelError(406, `invalid property 'non-durable' for ${resource}`);
}

function checkValues(table: FieldTable, resource: string, profile: VersionProfile): void {
  for (const { name, check } of RULES) {
    const field = lookup(table, name);
    if (field === undefined || isUnknown(name, profile)) continue;
    if (name === 'x-dead-letter-exchange' && field.tag !== 'S') {
      throw channelError(406, `invalid type '${FIELD_TYPE_NAMES[field.tag]}' for arg '${name}' in ${resource}`);
    }
    const reason = check(field, table, profile);
    if (reason !== undefined) throw invalidArgument(name, resource, reason);
  }
}

function checkQueueTypeTakes(type: QueueType, table: FieldTable, resource: string, profile: VersionProfile): void {
  for (const { name, queueTypes } of RULES) {
    if (lookup(table, name) === undefined || isUnknown(name, profile)) continue;
    const classicLeader = name === 'x-queue-leader-locator' && type === 'classic' && profile.version === '3.10';
    if (queueTypes.includes(type) && !classicLeader) continue;
    throw channelError(406, `invalid arg '${name}' for ${resource} of queue type rabbit_${type}_queue`);
  }
}

/** Arguments that came with delayed retry mean nothing to older versions. */
function isUnknown(name: string, profile: VersionProfile): boolean {
  return !profile.delayedRetry && (name.startsWith('x-delayed-retry') || name === 'x-consumer-timeout');
}

/**
 * Compares a redeclaration with the queue that is there.
 *
 * @throws {AmqpError} 406 naming the first difference
 */
export function checkQueueEquivalence(
  current: QueueProperties,
  wanted: QueueProperties,
  resource: string,
  profile: VersionProfile,
): void {
  checkFlag('durable', current.durable, wanted.durable, resource);
  checkFlag('auto_delete', current.autoDelete, wanted.autoDelete, resource);
  const names = queueTypeOf(current.arguments) === 'quorum' ? COMPARED_ON_QUORUM : RULES.map(({ name }) => name);
  for (const name of names) checkArgument(name, current.arguments, wanted.arguments, resource);
  if (!profile.delayedRetry || queueTypeOf(current.arguments) !== 'quorum') return;
  for (const name of COMPARED_FROM_4_3) checkArgument(name, current.arguments, wanted.arguments, resource);
}

const COMPARED_FROM_4_3 = ['x-delayed-retry-type', 'x-delayed-retry-min', 'x-delayed-retry-max'] as const;

/** @throws {AmqpError} 406 when the two differ */
export function checkFlag(name: string, current: boolean, wanted: boolean, resource: string): void {
  if (current === wanted) return;
  throw channelError(
    406,
    `inequivalent arg '${name}' for ${resource}: received '${wanted}' but current is '${current}'`,
  );
}

/** @throws {AmqpError} 406 when the two tables differ in this argument; the width of an integer does not matter */
export function checkArgument(name: string, current: FieldTable, wanted: FieldTable, resource: string): void {
  const a = lookup(current, name);
  const b = lookup(wanted, name);
  if (a === undefined && b === undefined) return;
  if (name === 'x-queue-type' && queueTypeOf(current) === queueTypeOf(wanted)) return;
  if (a !== undefined && b !== undefined) {
    if (typeClass(a) === typeClass(b) && sameValue(a, b)) return;
    throw inequivalent(name, resource, `'${printedValue(b)}'`, `'${printedValue(a)}'`);
  }
  throw inequivalent(name, resource, described(b), described(a));
}

function inequivalent(name: string, resource: string, received: string, current: string): Error {
  return channelError(
    406,
    `inequivalent arg '${name}' for ${resource}: received ${received} but current is ${current}`,
  );
}

function described(field: FieldValue | undefined): string {
  return field === undefined ? 'none' : `the value '${printedValue(field)}' of type '${FIELD_TYPE_NAMES[field.tag]}'`;
}

function sameValue(a: FieldValue, b: FieldValue): boolean {
  if (typeof a.value === 'object' && typeof b.value === 'object') return encodeField(a).equals(encodeField(b));
  return String(a.value) === String(b.value);
}

function typeClass({ tag }: FieldValue): string {
  if (INTEGER_TAGS.includes(tag)) return 'int';
  return 'fdD'.includes(tag) ? 'float' : tag;
}
