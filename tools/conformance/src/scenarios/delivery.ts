import type { PublishStep, Step } from '../program/program.js';
import type { Scenario } from './scenario.js';
import { ack, call, consume, declare, exchange, get, nack, publish, reject, requeue, send } from './steps.js';

const five = (queue = 'q'): Step => ({
  do: 'burst',
  steps: ['1', '2', '3', '4', '5'].map((body) => send(queue, body)),
});
const qos = (prefetchCount: number, global = false, on?: string) => call('basic.qos', { prefetchCount, global }, on);
const publishes = (...bodies: readonly string[]): PublishStep[] => bodies.map((body) => send('q', body));

/** Consumers, their credit, and what settling a delivery does. */
export const delivery: readonly Scenario[] = [
  {
    name: 'delivery: requeue goes back to the original place',
    steps: [
      declare('q'),
      five(),
      get('q'),
      get('q'),
      get('q'),
      get('q'),
      requeue(2),
      requeue(0),
      get('q', true),
      get('q', true),
      requeue(1),
      requeue(0),
      get('q', true),
      get('q', true),
      get('q', true),
    ],
  },
  {
    name: 'delivery: a cut connection gives everything back in order',
    steps: [
      declare('q'),
      five(),
      consume('q', 'c', {}, 'b1'),
      { do: 'cut', on: 'b' },
      consume('q', 'd', { noAck: true }),
    ],
  },
  {
    name: 'delivery: nack with two consumers',
    steps: [
      declare('q'),
      consume('q', 'a'),
      consume('q', 'b', {}, 'a2'),
      ...publishes('1', '2', '3', '4'),
      requeue(0),
      requeue(0),
    ],
  },
  {
    name: 'delivery: recover brings everything again with new tags',
    steps: [
      declare('q'),
      five(),
      consume('q', 'c'),
      call('basic.recover', { requeue: true }),
      call('basic.recover-async', { requeue: true }),
      ack(1, { multiple: true }),
    ],
  },
  {
    name: 'delivery: round robin',
    steps: [
      declare('q'),
      consume('q', 'a'),
      consume('q', 'b', {}, 'a2'),
      consume('q', 'c', {}, 'b1'),
      ...publishes('1', '2', '3', '4', '5', '6', '7'),
    ],
  },
  {
    name: 'delivery: a backlog goes to the first consumer',
    steps: [declare('q'), five(), consume('q', 'a'), consume('q', 'b', {}, 'a2'), send('q', '6'), send('q', '7')],
  },
  {
    name: 'delivery: consumer priorities',
    steps: [
      declare('q'),
      qos(2),
      consume('q', 'low', { arguments: { 'x-priority': -1 } }),
      consume('q', 'none'),
      consume('q', 'high', { arguments: { 'x-priority': { tag: 'l', value: 10 } } }),
      ...publishes('1', '2', '3', '4', '5', '6', '7'),
      consume('q', 'bad', { arguments: { 'x-priority': 'high' } }),
    ],
  },
  {
    name: 'delivery: prefetch counts each consumer by itself',
    steps: [
      declare('q'),
      five(),
      qos(1),
      consume('q', 'one'),
      qos(2),
      consume('q', 'two'),
      qos(0),
      ack(0),
      nack(0),
      requeue(0),
      reject(0),
      get('q'),
      consume('q', 'all', { noAck: true }),
    ],
  },
  {
    name: 'delivery: one prefetch for the channel',
    steps: [
      declare('q'),
      five(),
      send('q', '6'),
      qos(3, true),
      consume('q', 'first'),
      consume('q', 'second'),
      ack(0),
      qos(5, true),
      qos(1, true),
      ack(0, { multiple: true }),
      qos(0, true),
    ],
  },
  {
    name: 'delivery: both prefetches together',
    steps: [declare('q'), five(), qos(3, true), qos(2), consume('q', 'a'), consume('q', 'b'), ack(0), ack(0), ack(0)],
  },
  {
    name: 'delivery: credit returns when the consumer is gone',
    steps: [
      declare('q'),
      five(),
      qos(2),
      consume('q', 'a'),
      call('basic.cancel', { consumerTag: 'a' }),
      consume('q', 'b'),
      ack(0),
      ack(0),
      call('channel.close', { replyCode: 200 }),
    ],
  },
  ...unknownTags(),
  {
    name: 'delivery: tag 0',
    steps: [
      declare('q'),
      call('basic.ack', { deliveryTag: 0, multiple: true }),
      call('basic.nack', { deliveryTag: 0, multiple: true, requeue: true }),
      call('basic.ack', { deliveryTag: 0 }),
      five(),
      consume('q', 'c'),
      call('basic.ack', { deliveryTag: 0, multiple: true }),
    ],
  },
  {
    name: 'delivery: multiple up to a tag that is settled already',
    steps: [
      declare('q'),
      five(),
      consume('q', 'c'),
      call('basic.ack', { deliveryTag: 3 }),
      call('basic.ack', { deliveryTag: 3, multiple: true }),
      call('basic.ack', { deliveryTag: 2, multiple: true }),
    ],
  },
  {
    name: 'delivery: cancelling',
    steps: [
      declare('q'),
      call('basic.cancel', { consumerTag: 'unknown' }),
      consume('q', 'c'),
      send('q', '1'),
      call('basic.cancel', { consumerTag: 'c' }),
      send('q', '2'),
      ack(0),
      consume('q', 'c'),
    ],
  },
  {
    name: 'delivery: consumer tags',
    steps: [
      declare('q'),
      consume('q', ''),
      consume('q', ''),
      consume('q', 'dup'),
      consume('q', 'dup', {}, 'a2'),
      consume('q', 'dup', {}, 'b1'),
      call('basic.cancel', { consumerTag: '$tag1' }),
      consume('q', 'dup'),
    ],
  },
  {
    name: 'delivery: exclusive consumers',
    steps: [
      declare('q'),
      consume('q', 'only', { exclusive: true }),
      consume('q', 'other', {}, 'a2'),
      consume('q', 'other', { exclusive: true }, 'a2'),
      get('q', true, 'a2'),
      call('basic.cancel', { consumerTag: 'only' }),
      consume('q', 'shared', {}, 'a2'),
      consume('q', 'late', { exclusive: true }),
    ],
  },
  {
    name: 'delivery: no-local is ignored',
    steps: [declare('q'), consume('q', 'c', { noLocal: true, noAck: true }), send('q', 'from the same connection')],
  },
  {
    name: 'delivery: get',
    steps: [declare('q'), get('q'), five(), get('q'), get('q', true), get('none'), get('q')],
  },
  {
    name: 'delivery: what is missing',
    steps: [consume('none', 'c'), call('queue.purge', { queue: 'none' }), call('queue.delete', { queue: 'none' })],
  },
  {
    name: 'delivery: gets count no credit',
    steps: [declare('q'), five(), qos(1), get('q'), get('q'), consume('q', 'c'), ack(0), ack(0), ack(0)],
  },
  {
    name: 'delivery: settling after the queue is gone',
    steps: [
      declare('q'),
      five(),
      consume('q', 'c'),
      call('queue.delete', { queue: 'q' }),
      ack(0),
      requeue(0),
      reject(0),
      declare('q'),
      requeue(0, { multiple: true }),
    ],
  },
  {
    name: 'delivery: redelivered over several channels',
    steps: [
      declare('q'),
      five(),
      qos(2),
      qos(2, false, 'a2'),
      consume('q', 'a'),
      consume('q', 'b', {}, 'a2'),
      call('channel.close', { replyCode: 200 }),
      ack(0, { on: 'a2' }),
      requeue(0, { on: 'a2' }),
      ack(0, { on: 'a2', multiple: true }),
    ],
  },
  {
    name: 'delivery: fan-out to two consumers on one channel',
    steps: [
      exchange('e', 'fanout'),
      declare('q'),
      declare('r'),
      call('queue.bind', { queue: 'q', exchange: 'e' }),
      call('queue.bind', { queue: 'r', exchange: 'e' }),
      consume('q', 'q'),
      consume('r', 'r'),
      publish('e', '', 'both'),
      ack(0),
      ack(0),
    ],
  },
];

function unknownTags(): Scenario[] {
  const ways = [
    ['basic.ack', {}],
    ['basic.ack', { multiple: true }],
    ['basic.nack', { requeue: true }],
    ['basic.nack', { multiple: true }],
    ['basic.reject', { requeue: true }],
  ] as const;
  return ways.map(([name, fields]) => ({
    name: `delivery: unknown tags with ${name} ${JSON.stringify(fields)}`,
    steps: [
      declare('q'),
      five(),
      get('q', true),
      call(name, { deliveryTag: 1, ...fields }),
      get('q'),
      call(name, { deliveryTag: 5, ...fields }),
      get('q'),
      call(name, { deliveryTag: 1, ...fields }, 'a2'),
      call(name, { deliveryTag: 1, ...fields }),
      call(name, { deliveryTag: 1, ...fields }),
      get('q'),
    ],
  }));
}
