import { errorQueuesOf } from '../errors/find-error-queues.js';
import type { ManagementReader } from '../management/management-reader.js';
import type { OperationsSession } from '../session/operations-session.js';

/** What a queue does; `undefined` where it is not known. */
export interface QueueSample {
  readonly name: string;
  /** `classic`, `quorum`, `stream`. */
  readonly type: string | undefined;
  /** Messages that could be handed out now. */
  readonly ready: number | undefined;
  /** In the hands of consumers. */
  readonly unacked: number | undefined;
  readonly consumers: number | undefined;
  /** Messages in a second that come, are handed out, and are acknowledged. */
  readonly publishRate: number | undefined;
  readonly deliverRate: number | undefined;
  readonly ackRate: number | undefined;
  /** Messages in a second that it has become longer by since the sample before; below 0: shorter. */
  readonly growth: number | undefined;
  /** Failed messages wait there for a person. */
  readonly isErrorQueue: boolean;
  /** Listeners of leveret that consume it, by their ids. */
  readonly listeners: readonly string[];
}

/** Queues at one moment. */
export interface TopSample {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** `amqp`: without a management API only what a passive declaration answers is known: ready messages, consumers, growth. */
  readonly source: 'management' | 'amqp';
  readonly queues: readonly QueueSample[];
  /** Named, and not there. */
  readonly missing: readonly string[];
}

/**
 * What queues do, the longest first. With a management API those of the virtual host, without leveret's own; its numbers are some seconds
 * old. Without one, those that are named.
 * @param before an earlier sample, for the growth since
 * @throws {LeveretError} LEV_OPERATION_REFUSED when none are named and there is no management API
 */
export async function sampleQueues(
  session: OperationsSession,
  names: readonly string[] = [],
  before?: TopSample,
): Promise<TopSample> {
  const reader =
    names.length > 0
      ? await session.management()
      : await session.needManagement(
          'Finding queues',
          'Name the queues: their ready messages and consumers are known to AMQP.',
        );
  const sampledAt = session.clock.now();
  const found = reader === undefined ? await askBroker(session, names) : await askApi(reader, names);
  const earlier = new Map(before?.queues.map((queue) => [queue.name, lengthOf(queue)]));
  const seconds = before === undefined ? 0 : (sampledAt - before.at) / 1000;
  const queues = found
    .map((queue) => ({ ...queue, growth: growthOf(lengthOf(queue), earlier.get(queue.name), seconds) }))
    .sort((a, b) => (lengthOf(b) ?? 0) - (lengthOf(a) ?? 0) || (a.name < b.name ? -1 : 1));
  const there = new Set(queues.map(({ name }) => name));
  return {
    ...{ at: sampledAt, source: reader === undefined ? 'amqp' : 'management', queues },
    missing: names.filter((name) => !there.has(name)),
  };
}

type Found = Omit<QueueSample, 'growth'>;

function lengthOf({ ready, unacked }: Pick<QueueSample, 'ready' | 'unacked'>): number | undefined {
  return ready === undefined ? undefined : ready + (unacked ?? 0);
}

/** Decides on the growth between two lengths; a clock that was set back says nothing. */
export function growthOf(now: number | undefined, before: number | undefined, seconds: number): number | undefined {
  if (now === undefined || before === undefined || seconds <= 0) return undefined;
  return Math.round(((now - before) / seconds) * 10) / 10;
}

async function askBroker(session: OperationsSession, names: readonly string[]): Promise<readonly Found[]> {
  const unknown = { type: undefined, unacked: undefined, publishRate: undefined, deliverRate: undefined };
  const states = await Promise.all(names.map(async (name) => ({ name, state: await session.broker.queue(name) })));
  return states.flatMap(({ name, state }) =>
    state === undefined
      ? []
      : [
          {
            ...{ name, ...unknown, ackRate: undefined, ready: state.messages, consumers: state.consumers },
            ...{ isErrorQueue: false, listeners: [] },
          },
        ],
  );
}

async function askApi(reader: ManagementReader, names: readonly string[]): Promise<readonly Found[]> {
  const [activities, views, exchanges, bindings, consumers] = await Promise.all([
    reader.queueActivities(),
    reader.queues(),
    reader.exchanges(),
    reader.bindings(),
    reader.consumers(),
  ]);
  const errors = new Set(errorQueuesOf(views, exchanges, bindings).map(({ name }) => name));
  const listeners = new Map<string, Set<string>>();
  for (const { queue, tag } of consumers) {
    const listener = listenerOf(tag);
    if (listener !== undefined) listeners.set(queue, (listeners.get(queue) ?? new Set()).add(listener));
  }
  const wanted = new Set(names);
  return activities
    .filter(({ name }) => (wanted.size > 0 ? wanted.has(name) : !OWN.test(name)))
    .map((activity) => ({
      ...activity,
      isErrorQueue: errors.has(activity.name),
      listeners: [...(listeners.get(activity.name) ?? [])].sort(),
    }));
}

/** Names of leveret's own, but for those in which something may be seen to wait. */
const OWN = /^leveret\.(?:lock|outcome|tail|migration)\./;

/** Consumer tags of leveret are the id of the listener, twelve digits by chance, and a count. */
function listenerOf(tag: string): string | undefined {
  return /^(.+)-[0-9a-f]{12}-\d+$/.exec(tag)?.[1];
}
