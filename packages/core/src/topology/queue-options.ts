import { checkFlag, checkKnown } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import type { Duration } from '../time/duration.js';
import {
  checkArguments,
  checkName,
  checkObject,
  checkOptionalOneOf,
  checkShortString,
  isReservedName,
  type RawOptions,
} from './check-options.js';
import { generatedQueueName } from './generated-queue-name.js';
import { QUEUE_ARGUMENT_OPTIONS, resolveQueueArguments } from './queue-arguments.js';
import type { DeclareMode, QueueDeclaration, QueueType, TopologyArguments } from './topology.js';

/** What can be said about a queue of any type. */
export interface AnyQueueOptions {
  /** At most 255 bytes, not starting with `amq.`. `''` is the same as `anonymous: true`. */
  readonly name?: string;
  /**
   * A queue of this process alone, under a generated name: exclusive, auto-delete and not durable, unless those are
   * given too. Default `false`.
   */
  readonly anonymous?: boolean;
  /** Bytes of bodies that may be ready (`x-max-length-bytes`). From 0; default: no limit. */
  readonly maxLengthBytes?: number;
  /** Node that leads a new quorum queue or stream (`x-queue-leader-locator`); RabbitMQ 3.10 refuses it for classic queues. */
  readonly leaderLocator?: 'client-local' | 'balanced';
  /**
   * `true` (the default): declared, and a mismatch if it exists with other properties. `'if-missing'`: used as it is
   * when it exists. `false`: never declared; it must exist.
   */
  readonly declare?: boolean | 'if-missing';
  /** Any further arguments, as they go on the wire. */
  readonly arguments?: TopologyArguments;
}

/** What can be said about a queue that is no stream. */
export interface NonStreamQueueOptions extends AnyQueueOptions {
  /** How long a message may wait before it is dead-lettered or dropped (`x-message-ttl`). From 0; default: for ever. */
  readonly messageTtl?: Duration;
  /** How long the queue may be unused before the broker deletes it (`x-expires`). From 1 ms; default: for ever. */
  readonly expires?: Duration;
  /** Messages that may be ready (`x-max-length`). From 0; default: no limit. */
  readonly maxLength?: number;
  /** What happens at the limit (`x-overflow`). Default `drop-head`: the oldest message goes. */
  readonly overflow?: 'drop-head' | 'reject-publish' | 'reject-publish-dlx';
  /** Where rejected, expired and displaced messages go (`x-dead-letter-exchange`). Not declared by naming it here. */
  readonly deadLetterExchange?: string;
  /** Their routing key (`x-dead-letter-routing-key`). Default: the one they had. */
  readonly deadLetterRoutingKey?: string;
  /** One consumer at a time gets messages; another takes over when it goes (`x-single-active-consumer`). */
  readonly singleActiveConsumer?: boolean;
}

/** A classic queue, or one of the broker's default type. */
export interface ClassicQueueOptions extends NonStreamQueueOptions {
  /** `x-queue-type`. Left out, the broker decides: `classic`, unless the virtual host has another default. */
  readonly type?: 'classic';
  /** Survives a restart of the broker. Default `true`. */
  readonly durable?: boolean;
  /** Only this connection may use it, and it goes with the connection. Default `false`. */
  readonly exclusive?: boolean;
  /** Deleted when its last consumer leaves. Default `false`. */
  readonly autoDelete?: boolean;
  /** Highest message priority, 1 to 255 (`x-max-priority`). Default: no priorities. */
  readonly maxPriority?: number;
  /** Keep messages on disk (`x-queue-mode`). Sent to brokers before 3.12 only; newer ones always do. */
  readonly lazy?: boolean;
}

/** Queues of these types are kept on several nodes: always durable, never of one connection alone. */
interface Replicated {
  readonly durable?: true;
  readonly exclusive?: false;
  readonly autoDelete?: false;
  readonly lazy?: false;
}

/**
 * A quorum queue.
 * @see https://www.rabbitmq.com/docs/quorum-queues
 */
export interface QuorumQueueOptions extends NonStreamQueueOptions, Replicated {
  readonly type: 'quorum';
  /** `at-least-once` keeps a dead letter until its new queue has it; needs `overflow: 'reject-publish'`. */
  readonly deadLetterStrategy?: 'at-most-once' | 'at-least-once';
  /** Deliveries that may fail before a message is dead-lettered; -1 for no limit (`x-delivery-limit`). */
  readonly deliveryLimit?: number;
}

/**
 * A stream.
 * @see https://www.rabbitmq.com/docs/streams
 */
export interface StreamQueueOptions extends AnyQueueOptions, Replicated {
  readonly type: 'stream';
}

/**
 * A queue to declare, by its `type`. Without further options it is durable and of the broker's default type.
 * @see https://www.rabbitmq.com/docs/queues
 */
export type QueueOptions = ClassicQueueOptions | QuorumQueueOptions | StreamQueueOptions;

/** A queue that was asked for: its name and type, and its declaration unless it is `declare: false`. */
export interface ResolvedQueue {
  readonly name: string;
  readonly type: QueueType;
  readonly declaration: QueueDeclaration | undefined;
}

const KNOWN_OPTIONS: readonly string[] = [
  'name',
  'anonymous',
  'type',
  'durable',
  'exclusive',
  'autoDelete',
  'lazy',
  'declare',
  'arguments',
  ...QUEUE_ARGUMENT_OPTIONS,
];

/** Types of queues that RabbitMQ has. */
export const QUEUE_TYPES: readonly QueueType[] = ['classic', 'quorum', 'stream'];

/**
 * The declaration of a queue that was only named: durable if it is missing, used as it is if it exists.
 * Names that start with `amq.` are the broker's: such a queue must exist.
 */
export function resolveQueueName(name: unknown, problems: Problems): ResolvedQueue | undefined {
  if (!checkName(name, 'the name of a queue', problems)) return undefined;
  if (isReservedName(name)) return { name, type: 'classic', declaration: undefined };
  const declaration: QueueDeclaration = Object.freeze({
    name,
    declare: 'if-missing',
    assumed: true,
    type: 'classic',
    durable: true,
    exclusive: false,
    autoDelete: false,
    lazy: false,
    arguments: Object.freeze({}),
  });
  return { name, type: 'classic', declaration };
}

/** The declaration of a queue from its options; `undefined` (and faults) when it has no usable name. */
export function resolveQueueOptions(options: unknown, problems: Problems): ResolvedQueue | undefined {
  const raw = checkObject(options, 'a queue', problems);
  if (raw === undefined) return undefined;
  const anonymous = checkFlag(raw['anonymous'], 'anonymous', raw['name'] === '', problems);
  const name = resolveName(raw, anonymous, problems);
  const here = problems.at(`queue ${describeValue(name ?? raw['name'])}`);
  checkKnown(raw, KNOWN_OPTIONS, 'a queue', here);
  const given = checkArguments(raw, here);
  const type = resolveType(raw, given, here);
  const durable = checkFlag(raw['durable'], 'durable', !anonymous, here);
  const exclusive = checkFlag(raw['exclusive'], 'exclusive', anonymous, here);
  const autoDelete = checkFlag(raw['autoDelete'], 'autoDelete', anonymous, here);
  const lazy = resolveLazy(raw, given, type, here);
  const args = resolveQueueArguments(raw, given, type, here);
  if (type !== 'classic') checkReplicated({ type, durable, exclusive, autoDelete, anonymous }, here);
  const declare =
    checkOptionalOneOf<boolean | DeclareMode>(raw['declare'], 'declare', [true, false, 'if-missing'], here) ?? true;
  if (name === undefined) return undefined;
  if (declare === false) return { name, type, declaration: undefined };
  if (isReservedName(name)) {
    here.add(
      "names that start with 'amq.' are reserved: the broker refuses to declare them; choose another, or say declare: false",
    );
  }
  if (lazy) delete args['x-queue-mode'];
  if (type !== 'classic' || raw['type'] !== undefined) args['x-queue-type'] = type;
  const declaration: QueueDeclaration = Object.freeze({
    name,
    declare: declare === 'if-missing' ? 'if-missing' : 'always',
    type,
    durable,
    exclusive,
    autoDelete,
    lazy,
    arguments: Object.freeze(args),
  });
  return { name, type, declaration };
}

function resolveName(raw: RawOptions, anonymous: boolean, problems: Problems): string | undefined {
  const name = raw['name'];
  if (name === undefined || name === '') {
    if (anonymous) return generatedQueueName();
    problems.add('a queue needs a name; give one, or say anonymous: true for a generated one');
    return undefined;
  }
  if (!checkShortString(name, 'the name of a queue', problems)) return undefined;
  if (anonymous)
    problems.add(`queue ${describeValue(name)}: anonymous: true and a name contradict each other; give one of them`);
  return name;
}

function resolveType(raw: RawOptions, given: TopologyArguments, problems: Problems): QueueType {
  const asOption = checkOptionalOneOf(raw['type'], 'type', QUEUE_TYPES, problems);
  const asArgument = given['x-queue-type'];
  if (asOption !== undefined && asArgument !== undefined && asArgument !== asOption) {
    problems.add(
      `type (${describeValue(asOption)}) and arguments['x-queue-type'] (${describeValue(asArgument)}) contradict each other; give one of them`,
    );
  }
  if (asOption !== undefined) return asOption;
  return checkOptionalOneOf(asArgument, "arguments['x-queue-type']", QUEUE_TYPES, problems) ?? 'classic';
}

function resolveLazy(raw: RawOptions, given: TopologyArguments, type: QueueType, problems: Problems): boolean {
  const mode = checkOptionalOneOf(given['x-queue-mode'], "arguments['x-queue-mode']", ['default', 'lazy'], problems);
  const lazy = checkFlag(raw['lazy'], 'lazy', mode === 'lazy', problems);
  if (raw['lazy'] !== undefined && mode !== undefined && lazy !== (mode === 'lazy')) {
    problems.add(
      `lazy (${describeValue(raw['lazy'])}) and arguments['x-queue-mode'] (${describeValue(mode)}) contradict each other; give one of them`,
    );
  }
  if (type !== 'classic' && (lazy || mode !== undefined)) {
    problems.add(`lazy does not exist for ${type} queues, which keep messages on disk anyway; leave it out`);
  }
  return lazy;
}

interface Flags {
  readonly type: QueueType;
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly anonymous: boolean;
}

function checkReplicated(flags: Flags, problems: Problems): void {
  const { type } = flags;
  const hint = flags.anonymous ? `; an anonymous queue cannot be a ${type} queue unless it says so itself` : '';
  if (!flags.durable) problems.add(`${type} queues are always durable; durable: false is refused by the broker${hint}`);
  if (flags.exclusive) problems.add(`${type} queues cannot be exclusive${hint}`);
  if (flags.autoDelete) problems.add(`${type} queues cannot be autoDelete${hint}`);
}
