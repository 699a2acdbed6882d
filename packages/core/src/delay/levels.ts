import type { MessageHeaders } from '../message/message.js';
import { EMPTY_TOPOLOGY } from '../topology/merge-topologies.js';
import type { Topology } from '../topology/topology.js';
import { binding, exchange, named, strandedQueue, type WaitingRoom, waitingQueue } from './waiting-room.js';

/** Levels 0 to 27: 1 s, 2 s, 4 s, up to 4.25 years. */
const LEVELS = 28;
const UNIT_MS = 1000;
/** Queues that a message passes at most. */
const MAX_HOPS = 12;

/** The longest delay, in milliseconds: 8.5 years. */
export const MAX_DELAY_MS = (2 ** LEVELS - 2 ** (LEVELS - MAX_HOPS)) * UNIT_MS;

/** Prefix of the headers by which a delayed message finds its way. Not `x-`: RabbitMQ matches no such headers. */
const HEADER = 'leveret-delay-';
const TO = `${HEADER}to`;

/**
 * The whole seconds that a message waits: those of the delay, rounded up, so that nothing is early. Up to 68 minutes to the
 * second; above that to twelve binary digits, which is at most 0.05 % longer, so that a message passes twelve queues at most.
 */
export function delaySeconds(delayMs: number): number {
  const seconds = Math.max(1, Math.ceil(delayMs / UNIT_MS));
  const digits = Math.floor(Math.log2(seconds)) + 1;
  const step = 2 ** Math.max(0, digits - MAX_HOPS);
  return Math.ceil(seconds / step) * step;
}

/** Where a message with a delay is published first, and the headers that take it from there to exchange `to`. */
export function delayedRoute(
  room: WaitingRoom,
  delayMs: number,
  to: string,
): { readonly exchange: string; readonly headers: MessageHeaders } {
  const seconds = delaySeconds(delayMs);
  const top = topLevel(delayMs);
  const headers: Record<string, unknown> = { [TO]: to };
  for (let level = top; level >= 0; level--) headers[`${HEADER}${level}`] = Math.floor(seconds / 2 ** level) % 2 === 1;
  return { exchange: levelName(room, top), headers };
}

/** The highest level that a delay needs, from 0. */
export function topLevel(delayMs: number): number {
  return Math.floor(Math.log2(delaySeconds(delayMs)));
}

/**
 * One headers exchange and one queue for each binary digit of a delay. A message waits in the queue of each digit that is 1,
 * from the highest to the lowest, and keeps its routing key on the way.
 * @param upTo the highest level
 */
export function levelsTopology(room: WaitingRoom, upTo: number): Topology {
  const levels = Array.from({ length: upTo + 1 }, (_, level) => ({ level, name: levelName(room, level) }));
  const next = (level: number) => (level === 0 ? dueExchange(room) : levelName(room, level - 1));
  const digit = (level: number, value: boolean) => ({ 'x-match': 'all', [`${HEADER}${level}`]: value });
  return {
    ...EMPTY_TOPOLOGY,
    exchanges: [
      exchange(dueExchange(room), 'headers', { arguments: { 'alternate-exchange': strandedQueue(room) } }),
      ...levels.map(({ name }) => exchange(name, 'headers')),
    ],
    queues: levels.map(({ level, name }) => waitingQueue(room, name, 2 ** level * UNIT_MS, next(level))),
    bindings: levels.flatMap(({ level, name }) => [
      binding(name, name, '', { arguments: digit(level, true) }),
      binding(name, next(level), '', { destinationType: 'exchange', arguments: digit(level, false) }),
    ]),
  };
}

/**
 * The last stage, for one exchange: a queue that hands every message on at once. Each exchange has its own, for what an exchange
 * does not take waits there, and holds up what comes behind it.
 */
export function dueTopology(room: WaitingRoom, to: string): Topology {
  const name = dueQueue(room, to);
  return {
    ...EMPTY_TOPOLOGY,
    queues: [waitingQueue(room, name, 0, to)],
    bindings: [binding(dueExchange(room), name, '', { arguments: { 'x-match': 'all', [TO]: to } })],
  };
}

/** Queues in which delayed messages wait, up to a level. */
export function levelQueues(room: WaitingRoom, upTo: number): readonly string[] {
  return Array.from({ length: upTo + 1 }, (_, level) => levelName(room, level));
}

/** The exchange to which a delayed message goes on; `undefined` for what is none. */
export function delayTarget(headers: MessageHeaders): unknown {
  return headers[TO];
}

/** Whether a header is one of those that {@link delayedRoute} writes. */
export function isDelayHeader(name: string): boolean {
  return name.startsWith(HEADER);
}

/** Where messages go whose time has come and that the exchange `to` has not taken. */
export function dueQueue(room: WaitingRoom, to: string): string {
  return to === '' ? named(room.prefix, 'due', room.type) : named(room.prefix, `due.${to}`, room.type);
}

function dueExchange({ prefix, type }: WaitingRoom): string {
  return named(prefix, 'due', type);
}

function levelName({ prefix, type }: WaitingRoom, level: number): string {
  return named(prefix, `delay.${String(level).padStart(2, '0')}`, type);
}
