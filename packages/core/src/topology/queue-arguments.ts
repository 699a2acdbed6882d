import { describeValue, type Problems } from '../errors/configuration-error.js';
import { parseDuration } from '../time/duration.js';
import { checkOptionalOneOf, checkShortString, type RawOptions } from './check-options.js';
import type { QueueType, TopologyArguments } from './topology.js';

/**
 * The longest `x-message-ttl` and `x-expires` that RabbitMQ takes: ten years, in milliseconds.
 * @see https://www.rabbitmq.com/docs/ttl
 */
export const MAX_EXPIRY_MS = 315_360_000_000;

type Check = (value: unknown, name: string, problems: Problems) => unknown;

/** An option of a queue that goes on the wire as an argument. */
interface QueueArgument {
  readonly option: string;
  readonly argument: string;
  /** Types of queues that the broker takes it for. */
  readonly types: readonly QueueType[];
  readonly check: Check;
  /** The option may be text such as `'1m'`; the argument may not, for the broker refuses text where it expects a number. */
  readonly duration?: true;
}

const ANY: readonly QueueType[] = ['classic', 'quorum', 'stream'];
const NOT_STREAM: readonly QueueType[] = ['classic', 'quorum'];

// Which types take which arguments was asked of RabbitMQ 3.10, 4.0 and 4.3: a wrong mix is a 406 there.
const QUEUE_ARGUMENTS: readonly QueueArgument[] = [
  { option: 'messageTtl', argument: 'x-message-ttl', types: NOT_STREAM, check: milliseconds(0), duration: true },
  { option: 'expires', argument: 'x-expires', types: NOT_STREAM, check: milliseconds(1), duration: true },
  { option: 'maxLength', argument: 'x-max-length', types: NOT_STREAM, check: integer(0) },
  { option: 'maxLengthBytes', argument: 'x-max-length-bytes', types: ANY, check: integer(0) },
  {
    option: 'overflow',
    argument: 'x-overflow',
    types: NOT_STREAM,
    check: oneOf('drop-head', 'reject-publish', 'reject-publish-dlx'),
  },
  { option: 'deadLetterExchange', argument: 'x-dead-letter-exchange', types: NOT_STREAM, check: shortString },
  { option: 'deadLetterRoutingKey', argument: 'x-dead-letter-routing-key', types: NOT_STREAM, check: shortString },
  {
    option: 'deadLetterStrategy',
    argument: 'x-dead-letter-strategy',
    types: ['quorum'],
    check: oneOf('at-most-once', 'at-least-once'),
  },
  { option: 'maxPriority', argument: 'x-max-priority', types: ['classic'], check: integer(1, 255) },
  {
    option: 'singleActiveConsumer',
    argument: 'x-single-active-consumer',
    types: NOT_STREAM,
    check: oneOf(true, false),
  },
  // -1 takes the limit away, which RabbitMQ 4 sets to 20 by itself.
  { option: 'deliveryLimit', argument: 'x-delivery-limit', types: ['quorum'], check: integer(-1) },
  {
    option: 'leaderLocator',
    argument: 'x-queue-leader-locator',
    types: ANY,
    check: oneOf('client-local', 'balanced'),
  },
];

/** Names of the options that {@link resolveQueueArguments} reads. */
export const QUEUE_ARGUMENT_OPTIONS: readonly string[] = QUEUE_ARGUMENTS.map(({ option }) => option);

/** The arguments of a queue, from its options and from `arguments`, checked for its type. */
export function resolveQueueArguments(
  raw: RawOptions,
  given: TopologyArguments,
  type: QueueType,
  problems: Problems,
): Record<string, unknown> {
  const resolved: Record<string, unknown> = { ...given };
  for (const entry of QUEUE_ARGUMENTS) {
    const value = resolveValue(entry, raw, given, problems);
    if (value === undefined) continue;
    if (!entry.types.includes(type)) {
      problems.add(
        `${entry.option} does not exist for ${type} queues, only for ${entry.types.join(' and ')} ones; leave it out or change the type`,
      );
    }
    resolved[entry.argument] = value;
  }
  checkMixes(resolved, type, problems);
  return resolved;
}

function resolveValue(entry: QueueArgument, raw: RawOptions, given: TopologyArguments, problems: Problems): unknown {
  const asOption = raw[entry.option];
  const asArgument = given[entry.argument];
  const name = `arguments['${entry.argument}']`;
  if (asOption === undefined) {
    if (asArgument === undefined) return undefined;
    if (entry.duration && typeof asArgument === 'string') {
      problems.add(
        `${name} must be a number; got ${describeValue(asArgument)}, which the option ${entry.option} takes`,
      );
      return undefined;
    }
    return entry.check(asArgument, name, problems);
  }
  const value = entry.check(asOption, entry.option, problems);
  if (asArgument !== undefined && value !== undefined && asArgument !== value) {
    problems.add(
      `${entry.option} (${describeValue(asOption)}) and ${name} (${describeValue(asArgument)}) contradict each other; give one of them`,
    );
  }
  return value;
}

function checkMixes(args: TopologyArguments, type: QueueType, problems: Problems): void {
  const overflow = args['x-overflow'];
  if (args['x-dead-letter-routing-key'] !== undefined && args['x-dead-letter-exchange'] === undefined) {
    problems.add('deadLetterRoutingKey needs deadLetterExchange: the broker refuses a key without an exchange');
  }
  if (overflow === 'reject-publish-dlx' && type === 'quorum') {
    problems.add(
      "overflow 'reject-publish-dlx' works on classic queues only; quorum queues know 'drop-head' and 'reject-publish'",
    );
  }
  if (args['x-dead-letter-strategy'] !== 'at-least-once' || type !== 'quorum') return;
  if (args['x-dead-letter-exchange'] === undefined) {
    problems.add("deadLetterStrategy 'at-least-once' needs deadLetterExchange");
  }
  if (overflow !== 'reject-publish') {
    problems.add(
      `deadLetterStrategy 'at-least-once' needs overflow 'reject-publish'; got ${describeValue(overflow)}, with which the broker dead-letters at most once`,
    );
  }
}

function milliseconds(least: number): Check {
  return (value, name, problems) => {
    const ms = parseDuration(value);
    if (ms !== undefined && Number.isInteger(ms) && ms >= least && ms <= MAX_EXPIRY_MS) return ms;
    problems.add(
      `${name} must be whole milliseconds from ${least} to ${MAX_EXPIRY_MS}, as a number or as text such as '30s', '1m', '2h'; got ${describeValue(value)}`,
    );
    return undefined;
  };
}

function integer(least: number, most = Number.MAX_SAFE_INTEGER): Check {
  return (value, name, problems) => {
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
    problems.add(`${name} must be a whole number ${range}; got ${describeValue(value)}`);
    return undefined;
  };
}

function oneOf(...allowed: readonly unknown[]): Check {
  return (value, name, problems) => checkOptionalOneOf(value, name, allowed, problems);
}

function shortString(value: unknown, name: string, problems: Problems): unknown {
  return checkShortString(value, name, problems) ? value : undefined;
}
