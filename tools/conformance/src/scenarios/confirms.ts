import type { Scenario } from './scenario.js';
import { ack, bind, call, consume, declare, declareQuorum, exchange, get, publish, reject, send } from './steps.js';

const commit = call('tx.commit');
const rollback = call('tx.rollback');

/** Confirms, returns and transactions. */
export const confirms: readonly Scenario[] = [
  {
    name: 'confirm: routed, unroutable, returned',
    steps: [
      declare('q'),
      send('q', 'before select'),
      call('confirm.select'),
      call('confirm.select'),
      send('q', '1'),
      send('none', '2'),
      publish('', 'none', '3', { mandatory: true }),
      publish('', 'q', '4', { mandatory: true, properties: { delivery_mode: 2 } }),
      {
        do: 'burst',
        steps: [send('q', '5'), publish('', 'none', '6', { mandatory: true }), send('q', '7'), send('none', '8')],
      },
    ],
  },
  {
    name: 'confirm: durable, quorum and fan-out',
    steps: [
      declare('d', {}, { durable: true }),
      declareQuorum('r'),
      bind('d', 'amq.fanout'),
      bind('r', 'amq.fanout'),
      call('confirm.select'),
      publish('amq.fanout', '', '1', { properties: { delivery_mode: 2 } }),
      publish('amq.fanout', '', '2'),
      consume('d', 'c', { noAck: true }),
      publish('amq.fanout', '', '3', { properties: { delivery_mode: 2 } }),
    ],
  },
  {
    name: 'confirm: a full queue',
    steps: [
      declare('full', { 'x-max-length': 1, 'x-overflow': 'reject-publish' }),
      declare('free'),
      bind('full', 'amq.fanout'),
      bind('free', 'amq.fanout'),
      call('confirm.select'),
      publish('', 'full', '1', { mandatory: true }),
      publish('', 'full', '2', { mandatory: true }),
      publish('amq.fanout', '', '3'),
      get('full', false),
      publish('', 'full', '4'),
      publish('', 'full', '5'),
      ack(0),
      get('free', true),
    ],
  },
  {
    name: 'confirm: drop-head is confirmed',
    steps: [
      declare('q', { 'x-max-length': 1 }),
      call('confirm.select'),
      send('q', '1'),
      send('q', '2'),
      send('q', '3'),
    ],
  },
  {
    name: 'confirm: errors',
    steps: [
      call('confirm.select'),
      publish('none', 'k', 'x'),
      send('q', 'unroutable'),
      call('confirm.select'),
      send('q', 'unroutable'),
      call('tx.select'),
      call('tx.select'),
      call('confirm.select'),
      commit,
      call('tx.rollback'),
    ],
  },
  {
    name: 'confirm: an expired, a deleted, a purged message',
    steps: [
      declare('q'),
      call('confirm.select'),
      publish('', 'q', 'at once', { properties: { expiration: '0' } }),
      send('q', '1'),
      call('queue.purge', { queue: 'q' }),
      send('q', '2'),
      call('queue.delete', { queue: 'q' }),
    ],
  },
  {
    name: 'return: with its properties',
    steps: [
      publish('amq.direct', 'none', 'x', {
        mandatory: true,
        properties: { message_id: 'id', headers: { CC: ['y'], BCC: ['z'] } },
      }),
      publish('', 'none', '', { mandatory: true }),
    ],
  },
  {
    name: 'tx: nothing is seen before the commit',
    steps: [
      declare('q'),
      call('tx.select'),
      send('q', '1'),
      publish('', 'none', '2', { mandatory: true }),
      send('q', '3'),
      commit,
      send('q', '4'),
      rollback,
      get('q'),
      ack(0),
      rollback,
      ack(0),
      commit,
      get('q'),
      reject(0),
      { do: 'cut', on: 'a' },
    ],
  },
  {
    name: 'tx: errors',
    steps: [
      declare('q'),
      call('tx.select'),
      send('q', 'lost with the channel'),
      publish('none', 'k', 'x'),
      call('tx.select'),
      call('basic.ack', { deliveryTag: 1 }),
      call('tx.select'),
      send('q', 'lost too'),
      call('channel.close', { replyCode: 200 }),
    ],
  },
  {
    name: 'tx: rejecting and requeueing',
    steps: [
      declare('q', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' }),
      declare('dead'),
      { do: 'burst', steps: [send('q', '1'), send('q', '2'), send('q', '3')] },
      call('tx.select'),
      consume('q', 'c'),
      { do: 'settle', by: 'basic.nack', pick: 0, requeue: true },
      reject(0),
      ack(0),
      commit,
      exchange('e', 'fanout'),
      rollback,
    ],
  },
];
