import { SHORT_MS, TICK_MS } from '../program/program.js';
import type { Scenario } from './scenario.js';
import { ack, call, consume, declare, declareQuorum, nack, reject, requeue, send } from './steps.js';

const wait = { do: 'wait', ms: TICK_MS } as const;
const limited = { 'x-consumer-timeout': SHORT_MS };
const one = call('basic.qos', { prefetchCount: 1 });
/** Channel a1 is late with the first of two messages. */
const late = [declareQuorum('q', limited), one, consume('q', 't'), send('q', '1'), send('q', '2'), wait] as const;
const both = { do: 'burst', steps: [send('q', '1'), send('q', '2')] } as const;
// They break a law of AMQP with every client that takes basic.cancel for the end of a consumer, as RabbitMQ 4.3 does.
const slow = true;
const versions = ['4.3'] as const;

/** What is not settled in time: on 4.3 taken back from consumers of quorum queues. Older nodes look once a minute only. */
export const consumerTimeouts: readonly Scenario[] = [
  {
    name: 'timeout: the message goes to another consumer',
    slow,
    versions,
    steps: [...late, consume('q', 'u', {}, 'b1')],
  },
  { name: 'timeout: a late ack brings the consumer back', slow, versions, steps: [...late, ack(), wait] },
  { name: 'timeout: a late reject brings the consumer back', slow, versions, steps: [...late, reject(), wait] },
  { name: 'timeout: a late nack brings the consumer back', slow, versions, steps: [...late, nack(), wait] },
  { name: 'timeout: giving back late does not bring it back', slow, versions, steps: [...late, requeue(), wait] },
  {
    name: 'timeout: cancelled by the client, then acknowledged',
    slow,
    versions,
    steps: [...late, call('basic.cancel', { consumerTag: 't' }), ack(), consume('q', 't')],
  },
  { name: 'timeout: the tag is in use', slow, versions, steps: [...late, consume('q', 't')] },
  { name: 'timeout: the channel closes', slow, versions, steps: [...late, call('channel.close', { replyCode: 200 })] },
  {
    name: 'timeout: two are late, and acknowledged one by one',
    slow,
    versions,
    steps: [declareQuorum('q', limited), consume('q', 't'), both, wait, ack(), ack()],
  },
  {
    name: 'timeout: of a consumer, which only one of a quorum queue may have',
    slow,
    versions,
    steps: [
      declareQuorum('q', { 'x-consumer-timeout': 60_000 }),
      consume('q', 't', { arguments: limited }),
      send('q', '1'),
      wait,
      consume('q', 'u', { arguments: { 'x-consumer-timeout': 'x' } }),
      consume('q', 'u', { arguments: { 'x-consumer-timeout': -1 } }),
      declare('c'),
      consume('c', 'v', { arguments: limited }),
    ],
  },
  {
    name: 'timeout: of a single active consumer',
    slow,
    versions,
    steps: [
      declareQuorum('q', { ...limited, 'x-single-active-consumer': true }),
      one,
      consume('q', 't'),
      call('basic.qos', { prefetchCount: 1 }, 'b1'),
      consume('q', 'u', {}, 'b1'),
      send('q', '1'),
      send('q', '2'),
      wait,
      ack(),
      ack(0, { on: 'b1' }),
    ],
  },
];
