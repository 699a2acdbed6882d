import type { QueueSample, TopSample } from '@leveret/operations';
import { table } from './table.js';
import { timeText } from './time-text.js';

const HEAD = ['QUEUE', 'TYPE', 'READY', 'UNACKED', 'CONSUMERS', 'IN/s', 'OUT/s', 'ACK/s', 'GROWTH/s', 'LISTENERS'];

/** The page of `leveret top`, as lines. An error queue that holds something has a `!` before its name. */
export function topLines({ at, source, queues, missing }: TopSample): readonly string[] {
  const parked = queues.filter(({ isErrorQueue }) => isErrorQueue).reduce((sum, { ready = 0 }) => sum + ready, 0);
  const growing = queues.filter(({ growth = 0 }) => growth > 0).length;
  const from = source === 'amqp' ? '  (no management API: rates and unacked are not known)' : '';
  const sum = `${timeText(at)}  ${queues.length} queues, ${growing} growing, ${parked} failed messages parked${from}`;
  const rows = queues.map(rowOf);
  const gone = missing.map((name) => [name, '', 'not there', ...Array(HEAD.length - 3).fill('')]);
  return [
    sum,
    '',
    ...table(HEAD, [...rows, ...gone])
      .trimEnd()
      .split('\n'),
  ];
}

function rowOf({ name, type = '', isErrorQueue, listeners, ...of }: QueueSample): readonly string[] {
  const flag = isErrorQueue && (of.ready ?? 0) > 0 ? '! ' : '';
  const { ready, unacked, consumers, publishRate, deliverRate, ackRate, growth } = of;
  const numbers = [ready, unacked, consumers, publishRate, deliverRate, ackRate].map(numberText);
  return [`${flag}${name}`, type, ...numbers, growthText(growth), listeners.join(' ')];
}

function numberText(value: number | undefined): string {
  return value === undefined ? '-' : String(Math.round(value * 10) / 10);
}

function growthText(value: number | undefined): string {
  return value !== undefined && value > 0 ? `+${numberText(value)}` : numberText(value);
}
