import type { ListenerSnapshot } from '@leveret/core';
import type { Health, ScheduleSnapshot } from 'leveret';
import type { Attempt, ConsumerWatch, DeliveryRecord } from '../watch/delivery-record.js';
import type { Busy } from './until-at-rest.js';

/** What is known of an application under test. */
export interface Facts {
  readonly health: Health;
  readonly schedules: readonly ScheduleSnapshot[];
  readonly consumers: Iterable<ConsumerWatch>;
  readonly publishes: Iterable<{ readonly exchange: string; readonly routingKey: string }>;
  /** Messages that the publisher holds, confirmed ones not counted. */
  readonly held: number;
  /** What the broker says of itself; `undefined` when nobody can look inside. */
  readonly broker: BrokerFacts | undefined;
  /** Count deliveries that wait for a retry, too. */
  readonly includeRetries: boolean;
  /** Name of the method that handles a delivery. */
  readonly nameOf: (record: DeliveryRecord) => string;
}

/** What an embedded broker says of itself. */
export interface BrokerFacts {
  /** Deliveries whose settlement has not arrived. */
  readonly unacked: number;
  queue(name: string): { readonly ready: number; readonly consumers: number } | undefined;
}

/** Every reason why an application is not at rest: none means that nothing more happens unless time passes. */
export function whyBusy(facts: Facts): readonly Busy[] {
  return [
    ...connections(facts),
    ...listeners(facts),
    ...deliveries(facts),
    ...schedules(facts),
    ...publishes(facts),
    ...settlements(facts),
  ];
}

function connections({ health }: Facts): readonly Busy[] {
  return health.connections
    .filter(({ state }) => state !== 'connected')
    .map(({ role, state, lastError }) => ({
      key: `connection ${role}`,
      text: `the connection to ${role} is ${state}${because(lastError)}`,
    }));
}

function listeners({ health, broker, consumers }: Facts): readonly Busy[] {
  const all = [...consumers];
  const running = health.listeners.filter(({ state }) => state === 'running');
  return [...health.listeners.flatMap((listener) => probes(listener, all, broker)), ...running.flatMap(attaching)];

  function attaching(listener: ListenerSnapshot): readonly Busy[] {
    const { id, queue, attached, wanted, consumers: own, lastError } = listener;
    const seen = broker?.queue(queue);
    const there = broker === undefined ? own : (seen?.consumers ?? 0);
    if (attached < wanted || there < own) {
      const [is, of] = attached < wanted ? [attached, wanted] : [there, own];
      const text = `listener ${id} has ${is} of ${of} consumers${because(lastError)}`;
      return [{ key: `listener ${id}`, text }];
    }
    if (seen === undefined || seen.ready === 0 || allSaturated(listener, all)) return [];
    return [{ key: `ready ${queue}`, text: `queue ${queue} has ${seen.ready} ready for listener ${id}` }];
  }
}

/** The message that a kill switch wants to try is on its way, as long as none is at work. */
function probes(
  { id, queue, killSwitch, paused }: ListenerSnapshot,
  consumers: readonly ConsumerWatch[],
  broker: BrokerFacts | undefined,
): readonly Busy[] {
  if (killSwitch?.state !== 'probing' || (broker?.queue(queue)?.ready ?? 0) === 0) return [];
  const own = consumers.filter(({ request }) => request.tagPrefix === id);
  if (own.some(({ open }) => [...open].some(({ running }) => running.size > 0))) return [];
  return [
    {
      key: `probe ${id} ${paused?.resumesAt}`,
      text: `listener ${id} is about to try a message, to see whether the outage is over`,
    },
  ];
}

function allSaturated({ id }: ListenerSnapshot, consumers: readonly ConsumerWatch[]): boolean {
  return consumers.filter(({ request }) => request.tagPrefix === id).every(({ saturated }) => saturated);
}

function deliveries(facts: Facts): readonly Busy[] {
  return [...facts.consumers].flatMap((consumer) => deliveriesOf(consumer, facts));
}

function deliveriesOf({ open }: ConsumerWatch, facts: Facts): readonly Busy[] {
  const busy: Busy[] = [];
  const waiting = [...open].some(({ phase }) => phase === 'waiting');
  for (const record of open) {
    const text = facts.nameOf(record);
    for (const attempt of record.running) busy.push({ key: attempt, text: runningText(text, attempt), atWork: true });
    if (record.running.size > 0) continue;
    if (record.phase === 'working') busy.push({ key: record, text: `${text} is having a message read or settled` });
    // Behind one that waits for time to pass, everything else of the consumer waits as well.
    if (record.phase === 'queued' && record.isUnsettled && !waiting)
      busy.push({ key: record, text: `${text} has a message waiting for its turn` });
    if (record.phase === 'waiting' && facts.includeRetries) busy.push({ key: record, text: waitingText(text, record) });
  }
  return busy;
}

function runningText(name: string, { startedAtMs, number, record }: Attempt): string {
  const ms = Math.round(performance.now() - startedAtMs);
  const { messageId } = record.message;
  const message = messageId === undefined ? '' : `, message id ${messageId}`;
  return `${name} has been running for ${ms} ms (attempt ${number}${message})`;
}

function waitingText(name: string, { events }: DeliveryRecord): string {
  const retried = events.findLast(({ type }) => type === 'retried');
  return retried?.type === 'retried'
    ? `${name} waits ${retried.delayMs} ms after attempt ${retried.attempt}`
    : `${name} waits before it is called again`;
}

function schedules({ schedules: all }: Facts): readonly Busy[] {
  return all
    .filter(({ state }) => state === 'running')
    .map(({ id, runningSince }) => ({
      key: `schedule ${id} since ${runningSince}`,
      text: `schedule ${id} is running`,
      atWork: true,
    }));
}

function publishes({ publishes: inFlight, held }: Facts): readonly Busy[] {
  const busy: Busy[] = [...inFlight].map((publication) => ({
    key: publication,
    text: `a message to exchange ${JSON.stringify(publication.exchange)} with routing key ${JSON.stringify(publication.routingKey)} has no confirm`,
  }));
  const more = held - busy.length;
  if (more > 0) {
    const text = `the publisher holds ${more} messages back: it is blocked, or waits for another attempt`;
    busy.push({ key: `held ${more}`, text });
  }
  return busy;
}

function settlements({ broker, consumers }: Facts): readonly Busy[] {
  if (broker === undefined) return [];
  let known = 0;
  for (const consumer of consumers) known += consumer.unsettled;
  if (broker.unacked === known) return [];
  return [{ key: 'settlements', text: `${broker.unacked} deliveries are unacknowledged at the broker, ${known} here` }];
}

function because(error: Error | undefined): string {
  return error === undefined ? '' : `: ${error.message}`;
}
