import type { Scenario } from './scenario.js';
import { call, consume, declare, get, publish, send } from './steps.js';

const HEADER = 'AMQP\0\0\x09\x01';
const NO_REPLY = { capabilities: ['publisher_confirms'] };

/** A login that says nothing after its tune-ok; the broker drops it. */
function tune(name: string, options: { channelMax?: number; frameMax?: number; heartbeat?: number }): Scenario {
  return {
    name: `connection: tune-ok with ${name}`,
    steps: [
      { do: 'connect', options },
      { do: 'channel.open', on: 'a5' },
    ],
  };
}

function greeting(text: string): Scenario {
  return {
    name: `connection: greeting ${JSON.stringify(text)}`,
    steps: [
      { do: 'dial', on: 'c' },
      { do: 'bytes', on: 'c', text, unsettled: true },
      { do: 'until', on: 'c', name: 'socket closed' },
    ],
  };
}

/** Connecting, tuning, channels and everything that ends a connection. */
export const connections: readonly Scenario[] = [
  {
    name: 'connection: every frame of the handshake',
    steps: [
      { do: 'dial', on: 'c' },
      { do: 'bytes', on: 'c', text: HEADER, unsettled: true },
      { do: 'until', on: 'c', name: 'connection.start' },
      { do: 'login', on: 'c', options: {}, unsettled: true },
      { do: 'until', on: 'c', name: 'connection.tune' },
      { do: 'tune and open', on: 'c', options: {}, unsettled: true },
      { do: 'until', on: 'c', name: 'connection.open-ok' },
      call('connection.close', { replyCode: 200, replyText: 'bye' }, 'c0'),
    ],
  },
  greeting('AMQP\x01\x01\0\n'),
  greeting('HTTP/1.1'),
  greeting('GET / HTTP/1.1\r\n\r\n'),
  {
    name: 'connection: wrong password, told',
    steps: [
      { do: 'connect', options: { password: 'wrong' } },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: wrong password, not told',
    slow: true,
    steps: [
      { do: 'connect', options: { password: 'wrong', ...NO_REPLY } },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: unknown mechanism',
    steps: [
      { do: 'connect', options: { mechanism: 'NOPE' } },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: unknown locale',
    steps: [{ do: 'connect', options: { locale: 'xx_YY' } }, declare('q')],
  },
  {
    name: 'connection: unknown virtual host',
    steps: [
      { do: 'connect', options: { vhost: 'nope' } },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: a virtual host that is not allowed',
    steps: [
      { do: 'connect', options: { vhost: '/', user: 'limited', password: 'limited' } },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  tune('frame-max 0', { frameMax: 0 }),
  tune('frame-max above the offer', { frameMax: 200_000 }),
  tune('frame-max 4095', { frameMax: 4_095 }),
  tune('frame-max 4096', { frameMax: 4_096 }),
  tune('frame-max 8192', { frameMax: 8_192 }),
  tune('channel-max 0', { channelMax: 0 }),
  tune('channel-max above the offer', { channelMax: 4_000 }),
  {
    name: 'connection: channel-max counts the open channels',
    steps: [
      { do: 'connect', options: { channelMax: 2, bare: true } },
      { do: 'channel.open', on: 'a7' },
      { do: 'channel.open', on: 'a1' },
      { do: 'channel.close', on: 'a7' },
      { do: 'channel.open', on: 'a2' },
      { do: 'channel.open', on: 'a3', unsettled: true },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: a channel opened twice',
    steps: [{ do: 'channel.open' }, { do: 'channel.open' }],
  },
  {
    name: 'connection: a method on a channel that is not open',
    steps: [{ ...declare('q'), unopened: true }],
  },
  {
    name: 'connection: a channel opened again after an error',
    steps: [declare('q'), call('queue.delete', { queue: 'q', ifUnused: true }), get('q'), get('q'), declare('q')],
  },
  {
    name: 'connection: a queue method on channel 0',
    steps: [{ do: 'connect', options: {} }, declare('q', {}, {}, 'a0')],
  },
  {
    name: 'connection: channel.open on channel 0',
    steps: [{ do: 'connect', options: {} }, call('channel.open', {}, 'a0')],
  },
  {
    name: 'connection: a connection method on a channel',
    steps: [{ do: 'channel.open' }, call('connection.open', { virtualHost: '/' })],
  },
  {
    name: 'connection: a method only servers send',
    steps: [{ do: 'channel.open' }, call('queue.declare-ok', { queue: 'q' })],
  },
  {
    name: 'connection: basic.deliver from a client',
    steps: [{ do: 'channel.open' }, call('basic.get-empty')],
  },
  {
    name: 'connection: an unknown method',
    steps: [
      { do: 'channel.open' },
      { do: 'frame', type: 1, octets: [0, 50, 0, 99], unsettled: true },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: an unknown frame type',
    steps: [
      { do: 'channel.open' },
      { do: 'frame', type: 4, octets: [1, 2], unsettled: true },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: a wrong end octet',
    steps: [
      { do: 'channel.open' },
      { do: 'frame', type: 1, octets: [0, 20, 0, 20, 1], end: 7, unsettled: true },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: a frame above frame-max',
    steps: [
      { do: 'connect', options: { frameMax: 8_192 } },
      { do: 'frame', type: 3, octets: Array(9_000).fill(0), unsettled: true },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: a frame just above frame-max',
    steps: [
      { do: 'connect', options: { frameMax: 8_192 } },
      { do: 'frame', type: 3, octets: Array(8_192).fill(0), unsettled: true },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: a content header without a method',
    steps: [
      { do: 'channel.open' },
      { do: 'frame', type: 2, octets: [0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], unsettled: true },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: a body without a header',
    steps: [
      { do: 'channel.open' },
      { do: 'frame', type: 3, octets: [1], unsettled: true },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: a method where content is due',
    steps: [
      { do: 'channel.open' },
      { do: 'frame', type: 1, octets: [0, 60, 0, 40, 0, 0, 0, 1, 0x71, 0], unsettled: true },
      { do: 'frame', type: 1, octets: [0, 20, 0, 20, 1], unsettled: true },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: a content header of another class',
    steps: [
      { do: 'channel.open' },
      { do: 'frame', type: 1, octets: [0, 60, 0, 40, 0, 0, 0, 1, 0x71, 0], unsettled: true },
      { do: 'frame', type: 2, octets: [0, 50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], unsettled: true },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: method fields cut short',
    steps: [
      { do: 'channel.open' },
      { do: 'frame', type: 1, octets: [0, 50, 0, 10, 0, 0, 9, 0x71], unsettled: true },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: a heartbeat on a channel',
    steps: [
      { do: 'channel.open' },
      { do: 'frame', type: 8, octets: [], unsettled: true },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: silence beyond the heartbeat',
    slow: true,
    steps: [
      { do: 'connect', options: { heartbeat: 1, bare: true }, unsettled: true },
      { do: 'until', on: 'a', name: 'socket closed' },
    ],
  },
  {
    name: 'connection: closed by the client',
    steps: [
      declare('q', {}, { exclusive: true }),
      call('connection.close', { replyCode: 200 }, 'a0'),
      declare('q', {}, {}, 'b1'),
    ],
  },
  {
    name: 'connection: closed by the operator',
    alone: true,
    slow: true,
    steps: [declare('q'), consume('q', 'c', {}, 'b1'), { do: 'close connections', reason: 'because' }, get('q')],
  },
  {
    name: 'connection: channel.flow',
    steps: [call('channel.flow', { active: true }), call('channel.flow', { active: false })],
  },
  {
    name: 'connection: what is not implemented',
    steps: [
      declare('q'),
      publish('', 'q', 'now', { immediate: true }),
      call('basic.qos', { prefetchSize: 10 }),
      call('basic.recover', { requeue: false }),
    ],
  },
  {
    name: 'connection: access.request',
    steps: [call('access.request', { realm: '/data', read: true })],
  },
  {
    name: 'connection: update-secret',
    steps: [{ do: 'connect', options: {} }, call('connection.update-secret', { newSecret: 'x', reason: 'y' }, 'a0')],
  },
  {
    name: 'connection: large bodies come in frames',
    steps: [
      declare('q'),
      send('q', 300_000),
      get('q', true),
      { do: 'connect', on: 'b', options: { frameMax: 8_192 } },
      send('q', 20_000),
      get('q', true, 'b1'),
      send('q', ''),
      get('q', true),
    ],
  },
  {
    name: 'connection: consumer cancel only for those who can read it',
    steps: [
      { do: 'connect', on: 'b', options: { capabilities: [] } },
      declare('q'),
      consume('q', 'told'),
      consume('q', 'not told', {}, 'b1'),
      call('queue.delete', { queue: 'q' }),
      declare('q'),
    ],
  },
];
