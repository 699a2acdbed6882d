import type { Death, DeathReason, Message, MessageExtra } from '../queue/message.js';
import type { VersionProfile } from '../version/version-profile.js';
import { type FieldTable, type FieldValue, long, longstr, lookup } from '../wire/field-table.js';
import { editProperties, readExpiration, readHeaders } from '../wire/properties.js';

/** Where and why a message died. */
export interface DeathEvent {
  readonly queue: string;
  readonly reason: DeathReason;
  readonly timeSeconds: number;
  readonly deadLetterExchange: string;
  readonly deadLetterRoutingKey: string | undefined;
}

/** A message as it goes to the dead-letter exchange. */
export interface DeadLetter {
  readonly message: Message;
  readonly routingKeys: readonly string[];
  /** Whether the way into this queue closes a cycle that no client's reject is part of: it is then dropped. */
  closesCycle(queue: string): boolean;
}

interface DeathStop {
  readonly queue: string | undefined;
  readonly automatic: boolean;
}

/**
 * Makes the dead letter of a message: `x-death` and its companions in the headers, the expiration moved into them, the
 * dead-letter exchange and routing key in place of its own.
 *
 * @see https://www.rabbitmq.com/docs/dlx#effects
 */
export function makeDeadLetter(dead: Message, event: DeathEvent, profile: VersionProfile): DeadLetter {
  const { extra } = dead;
  const routingKeys =
    event.deadLetterRoutingKey === undefined
      ? [dead.routingKey, ...(extra?.cc ?? []), ...(extra?.bcc ?? [])]
      : [event.deadLetterRoutingKey];
  const record = profile.ownsDeathRecord ? ownRecord(dead, event) : headerRecord(dead, event, profile);
  const remove = event.deadLetterRoutingKey !== undefined && !profile.keepsCcOnDeadLetter ? ['CC'] : [];
  const properties = editProperties(dead.bytes, dead.propertiesStart, dead.propertiesEnd, {
    set: record.headers,
    remove,
    sort: profile.rewritesProperties ? 'unique' : 'all',
    expiration: null,
  });
  const routingKey = event.deadLetterRoutingKey ?? dead.routingKey;
  const message = dead.derive(event.deadLetterExchange, routingKey, properties);
  message.redelivered = false;
  const kept: MessageExtra = { ...record.extra };
  if (event.deadLetterRoutingKey === undefined && extra?.cc !== undefined) kept.cc = extra.cc;
  if (event.deadLetterRoutingKey === undefined && extra?.bcc !== undefined) kept.bcc = extra.bcc;
  if (extra?.deliveryCount !== undefined && profile.failuresCountedBy !== 'none')
    kept.deliveryCount = extra.deliveryCount;
  if (profile.quorumLimitsCountProperties) kept.storedPropertiesBytes = storedPropertiesBytes(dead);
  if (Object.keys(kept).length > 0) message.extra = kept;
  const closesCycle = (queue: string): boolean => {
    if (event.reason === 'rejected') return false;
    const last = record.stops.findIndex((stop) => stop.queue === queue);
    return last >= 0 && record.stops.slice(0, last + 1).every((stop) => stop.automatic);
  };
  return { message, routingKeys, closesCycle };
}

/** Deaths are stored beside a message, not in its headers. */
function storedPropertiesBytes({ bytes, propertiesStart, propertiesEnd, extra }: Message): number {
  if (extra?.storedPropertiesBytes !== undefined) return extra.storedPropertiesBytes;
  return editProperties(bytes, propertiesStart, propertiesEnd, { sort: 'unique', expiration: null }).length;
}

interface DeathRecord {
  readonly headers: FieldTable;
  readonly extra: MessageExtra;
  /** The deaths in header order. */
  readonly stops: readonly DeathStop[];
}

/** From 4.0 on the broker remembers deaths itself; what a client put into `x-death` is overwritten. */
function ownRecord(dead: Message, event: DeathEvent): DeathRecord {
  const before = dead.extra?.deaths ?? [];
  const matches = (death: Death): boolean => death.queue === event.queue && death.reason === event.reason;
  const known = before.find(matches);
  const expiration = readExpiration(dead.bytes, dead.propertiesStart, dead.propertiesEnd);
  const death: Death =
    known === undefined
      ? {
          queue: event.queue,
          reason: event.reason,
          count: 1,
          timeSeconds: event.timeSeconds,
          exchange: dead.exchange,
          routingKeys: [dead.routingKey, ...(dead.extra?.cc ?? [])],
          originalExpiration: expiration === undefined ? undefined : String(Number(expiration)),
        }
      : { ...known, count: known.count + 1 };
  const deaths = [death, ...before.filter((other) => !matches(other))];
  const firstDeath = dead.extra?.firstDeath ?? death;
  const headers: FieldTable = [
    ['x-death', { tag: 'A', value: deaths.map((entry): FieldValue => ({ tag: 'F', value: ownEntry(entry) })) }],
    ...summary('x-first-death', firstDeath.reason, firstDeath.queue, firstDeath.exchange),
    ...summary('x-last-death', event.reason, event.queue, dead.exchange),
  ];
  const stops = deaths.map(({ queue, reason }) => ({ queue, automatic: reason !== 'rejected' }));
  return { headers, extra: { deaths, firstDeath }, stops };
}

function ownEntry(death: Death): FieldTable {
  const entry = deathEntry(death, death.count);
  const { originalExpiration } = death;
  return originalExpiration === undefined ? entry : [['original-expiration', longstr(originalExpiration)], ...entry];
}

/** Up to 3.13 the header is the record: it counts on, also when a client sent it. */
function headerRecord(dead: Message, event: DeathEvent, profile: VersionProfile): DeathRecord {
  const headers = readHeaders(dead.bytes, dead.propertiesStart, dead.propertiesEnd) ?? [];
  const current = lookup(headers, 'x-death');
  const expiration = readExpiration(dead.bytes, dead.propertiesStart, dead.propertiesEnd);
  const routingKeys = [dead.routingKey, ...(dead.extra?.cc ?? [])];
  const fresh: FieldTable = [
    ...deathEntry({ ...event, exchange: dead.exchange, routingKeys }, 1),
    ...(expiration === undefined ? [] : ([['original-expiration', longstr(expiration)]] as FieldTable)),
  ];
  if (current === undefined || current.tag !== 'A') {
    const xDeath: FieldTable = [['x-death', { tag: 'A', value: [{ tag: 'F', value: fresh }] }]];
    const first = summary('x-first-death', event.reason, event.queue, dead.exchange);
    // A header of another type is replaced, but the first death was then somewhere else.
    const all = current === undefined ? [...first, ...xDeath] : xDeath;
    return { headers: all, extra: {}, stops: [{ queue: event.queue, automatic: event.reason !== 'rejected' }] };
  }
  const entries = grouped(current.value as readonly FieldValue[], profile.reversesDeaths);
  const mine = entries.find(
    (entry) => textIn(entry, 'queue') === event.queue && textIn(entry, 'reason') === event.reason,
  );
  const newest: FieldValue = { tag: 'F', value: sorted(mine === undefined ? fresh : counted(mine)) };
  const value = [newest, ...entries.filter((entry) => entry !== mine)];
  return { headers: [['x-death', { tag: 'A', value }]], extra: {}, stops: value.map(stopOf) };
}

/**
 * RabbitMQ 3.10 turns the list round while it merges entries for the same queue and reason. Brokers before 3.5 wrote one
 * entry for each death and no count: as many as there are is then the count.
 */
function grouped(entries: readonly FieldValue[], reverses: boolean): FieldValue[] {
  if (entries.length < 2) return [...entries];
  const groups = new Map<string, FieldValue[]>();
  for (const entry of entries) {
    const key = `${textIn(entry, 'queue')}\0${textIn(entry, 'reason')}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  const merged = [...groups.values()].map(([first, ...others]) => withCount(first as FieldValue, 1 + others.length));
  return reverses ? merged.reverse() : merged;
}

function withCount(entry: FieldValue, count: number): FieldValue {
  if (entry.tag !== 'F') return entry;
  const table = entry.value as FieldTable;
  return lookup(table, 'count') === undefined ? { tag: 'F', value: sorted([['count', long(count)], ...table]) } : entry;
}

function counted(entry: FieldValue): FieldTable {
  const table = entry.value as FieldTable;
  const known = Number(lookup(table, 'count')?.value ?? 0);
  const count = Number.isSafeInteger(known) ? known : 0;
  const others = table.filter(([key]) => key !== 'count');
  return [['count', long(count + 1)], ...others];
}

function sorted(table: FieldTable): FieldTable {
  return [...table].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function stopOf(entry: FieldValue): DeathStop {
  const reason = textIn(entry, 'reason');
  return { queue: textIn(entry, 'queue'), automatic: entry.tag === 'F' && reason !== 'rejected' };
}

function textIn(entry: FieldValue, key: string): string | undefined {
  if (entry.tag !== 'F') return undefined;
  const value = lookup(entry.value as FieldTable, key)?.value;
  return typeof value === 'string' ? value : undefined;
}

type Described = Pick<Death, 'queue' | 'reason' | 'timeSeconds' | 'exchange' | 'routingKeys'>;

function deathEntry(death: Described, count: number): FieldTable {
  return [
    ['count', long(count)],
    ['reason', longstr(death.reason)],
    ['queue', longstr(death.queue)],
    ['time', { tag: 'T', value: BigInt(death.timeSeconds) }],
    ['exchange', longstr(death.exchange)],
    ['routing-keys', { tag: 'A', value: death.routingKeys.map(longstr) }],
  ];
}

function summary(prefix: string, reason: string, queue: string, exchange: string): FieldTable {
  return [
    [`${prefix}-exchange`, longstr(exchange)],
    [`${prefix}-queue`, longstr(queue)],
    [`${prefix}-reason`, longstr(reason)],
  ];
}
