import { routesOf } from '../management/routes.js';
import type { BindingView, ExchangeView, QueueView } from '../management/views.js';
import type { OperationsSession } from '../session/operations-session.js';

/** A queue in which failed messages wait for a person. */
export interface ErrorQueue {
  readonly name: string;
  readonly type: string;
  readonly messages: number;
  readonly consumers: number;
  /** Why it counts as one: it takes dead letters of a queue, or its name says so. */
  readonly because: string;
}

/**
 * The error queues of the virtual host.
 * @throws {LeveretError} LEV_OPERATION_REFUSED when there is no management API
 * @throws {ManagementApiError} when the options say where it is, and it does not answer or refuses
 */
export async function findErrorQueues(session: OperationsSession): Promise<readonly ErrorQueue[]> {
  const reader = await session.needManagement('Finding error queues', 'Name the queues, or say where it is.');
  const [queues, exchanges, bindings] = await Promise.all([reader.queues(), reader.exchanges(), reader.bindings()]);
  return errorQueuesOf(queues, exchanges, bindings);
}

/** Decides which queues are error queues. */
export function errorQueuesOf(
  queues: readonly QueueView[],
  exchanges: readonly ExchangeView[],
  bindings: readonly BindingView[],
): readonly ErrorQueue[] {
  const routes = routesOf(exchanges, bindings);
  const because = new Map<string, string>();
  for (const queue of queues) {
    for (const { exchange, key } of deadLettersOf(queue, bindings)) {
      for (const name of routes(exchange, key) ?? []) {
        if (name !== queue.name && !because.has(name)) because.set(name, `dead letters of ${queue.name}`);
      }
    }
  }
  for (const { name } of queues) if (NAMED_SO.test(name) && !because.has(name)) because.set(name, 'its name');
  return queues.flatMap((queue) => {
    const { name, type, messages, consumers } = queue;
    const why = because.get(name);
    if (why === undefined || type === 'stream' || isOwn(name) || isWaiting(queue)) return [];
    return [{ name, type, messages, consumers, because: why }];
  });
}

/** Where the dead letters of a queue go. What waits at the broker comes back by dead letters, too: those are none. */
function deadLettersOf(
  queue: QueueView,
  bindings: readonly BindingView[],
): readonly { exchange: string; key: string }[] {
  const exchange = queue.effective['dead-letter-exchange'] ?? queue.arguments['x-dead-letter-exchange'];
  if (typeof exchange !== 'string' || isWaiting(queue)) return [];
  const key = queue.effective['dead-letter-routing-key'] ?? queue.arguments['x-dead-letter-routing-key'];
  const keys = typeof key === 'string' ? [key] : [...keysOf(queue.name, bindings)];
  return keys.map((each) => ({ exchange, key: each }));
}

const NAMED_SO =
  /(?:^|[^a-z])(?:errors?|dlq|dead|dead[-_]?letters?|parked|parking|poison|failed|failures|stranded)(?:[^a-z]|$)/i;

/** With a time to live and a way on: messages go by themselves from here. */
function isWaiting({ name, arguments: args, effective }: QueueView): boolean {
  if (/^leveret(?:\.[^.]+)?\.(?:wait|delay|due)\./.test(name)) return true;
  const ttl = args['x-message-ttl'] ?? effective['message-ttl'];
  return ttl !== undefined && (args['x-dead-letter-exchange'] ?? effective['dead-letter-exchange']) !== undefined;
}

function isOwn(name: string): boolean {
  return /^leveret\.(?:retrying|discarded|outcome|tail|migration)\./.test(name);
}

/** Keys with which messages come to a queue: dead letters keep them. */
function keysOf(queue: string, bindings: readonly BindingView[]): ReadonlySet<string> {
  const own = bindings.filter(
    ({ destination, destinationType }) => destinationType === 'queue' && destination === queue,
  );
  return new Set([queue, ...own.map(({ routingKey }) => routingKey)]);
}
