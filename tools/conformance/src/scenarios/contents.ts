import type { OtherStep } from '../program/program.js';
import {
  encodeMethod,
  encodeProperties,
  encodeTable,
  type FieldTag,
  type FieldValue,
  type MethodName,
  type MethodValue,
} from '../wire/codec.js';
import type { Scenario } from './scenario.js';
import { call, declare, declareQuorum, get, reject } from './steps.js';

/** Properties as bytes, flags first. */
function withHeaders(...entries: readonly Buffer[]): Buffer {
  const table = Buffer.concat(entries);
  const head = Buffer.alloc(6);
  head.writeUInt16BE(0x2000);
  head.writeUInt32BE(table.length, 2);
  return Buffer.concat([head, table]);
}

/** One header as bytes: key, type, and whatever is to pass for its value. */
function entry(key: string, tag: string, value = ''): Buffer {
  return Buffer.concat([Buffer.from([key.length]), Buffer.from(`${key}${tag}`, 'latin1'), Buffer.from(value, 'hex')]);
}

function field(key: string, value: FieldValue): Buffer {
  return encodeTable([[key, value]]).subarray(4);
}

/** A method as a frame, so that its table may hold anything. */
function method(name: MethodName, fields: Readonly<Record<string, MethodValue>>): OtherStep {
  return { do: 'frame', on: 'a1', type: 1, octets: [...encodeMethod(name, fields)] };
}

/** basic.publish with these properties and the body `m`, as three frames; to queue `q` if nothing else is said. */
function content(properties: Buffer, to: Readonly<Record<string, MethodValue>> = { routingKey: 'q' }): OtherStep[] {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(60);
  header.writeUInt32BE(1, 8);
  return [
    { ...method('basic.publish', to), unsettled: true },
    { do: 'frame', on: 'a1', type: 2, octets: [...header, ...properties], unsettled: true },
    { do: 'frame', on: 'a1', type: 3, octets: [0x6d] },
  ];
}

/** It is taken or refused; and what of it comes out, at once, as redelivered and as a dead letter. */
function passed(name: string, properties: Buffer): Scenario[] {
  return (['classic', 'quorum'] as const).map((type) => {
    const args = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' };
    return {
      name: `content: ${name} (${type})`,
      steps: [
        type === 'quorum' ? declareQuorum('q', args) : declare('q', args),
        declare('dead'),
        call('confirm.select'),
        ...content(properties),
        get('q', false, 'b1'),
        reject(0, { on: 'b1', requeue: true }),
        get('q', false, 'b1'),
        reject(0, { on: 'b1' }),
        get('dead', true, 'b1'),
      ],
    };
  });
}

/** The broker ends the connection; a neighbour on another one goes on. */
function refused(name: string, properties: Buffer): Scenario {
  return {
    name: `content: ${name}`,
    steps: [
      declare('q'),
      declare('beside', {}, {}, 'b1'),
      call('confirm.select'),
      ...content(properties),
      get('q', true, 'b1'),
      get('beside', true, 'b1'),
    ],
  };
}

function nested(tag: 'F' | 'A', depth: number): FieldValue {
  let value: FieldValue = { tag: 'I', value: 1 };
  for (let i = 0; i < depth; i++) value = { tag, value: tag === 'F' ? [['', value]] : [value] };
  return value;
}

const ALL_ONES: readonly (readonly [FieldTag, string])[] = [
  ['t', 'ff'],
  ['b', 'ff'],
  ['B', 'ff'],
  ['s', 'ffff'],
  ['u', 'ffff'],
  ['I', 'ffffffff'],
  ['i', 'ffffffff'],
  ['l', 'ffffffffffffffff'],
  ['L', 'ffffffffffffffff'],
  ['T', 'ffffffffffffffff'],
  ['f', 'ff7fffff'],
  ['d', 'ffefffffffffffff'],
  ['D', 'ffffffffff'],
  ['S', '00000003fffe00'],
  ['x', '00000003fffe00'],
  ['V', ''],
  ['F', '0000000b017a4cffffffffffffffff'],
  ['A', '0000000b747f4cffffffffffffffff'],
];

const NO_NUMBERS = [
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
] as const;

const SHORT_TEXTS = {
  content_type: 0x8000,
  content_encoding: 0x4000,
  correlation_id: 0x0400,
  reply_to: 0x0200,
  message_id: 0x0080,
  type: 0x0020,
  app_id: 0x0008,
  cluster_id: 0x0004,
};

function shortText(flag: number, hex: string): Buffer {
  const text = Buffer.from(hex, 'hex');
  return Buffer.concat([Buffer.from([flag >> 8, flag & 0xff, text.length]), text]);
}

const ARGUMENTS_OF = {
  'queue.declare': { queue: 'n' },
  'queue.bind': { queue: 'q', exchange: 'amq.headers' },
  'exchange.declare': { exchange: 'n', type: 'direct' },
  'basic.consume': { queue: 'q' },
};

/** Message properties that no well-behaved client sends. */
export const contents: readonly Scenario[] = [
  ...passed('every type of field, all ones', withHeaders(...ALL_ONES.map(([tag, hex]) => entry(tag, tag, hex)))),
  ...passed('an unsigned 64-bit header alone', withHeaders(entry('a', 'L', '8000000000000000'))),
  ...passed('headers out of order', withHeaders(entry('b', 'L', '0000000000000001'), entry('a', 'V'))),
  ...passed('a header twice', withHeaders(entry('a', 'V'), entry('a', 'I', '00000001'), entry('\xff', 'V'))),
  ...passed('headers without a name', withHeaders(entry('', 'V'))),
  ...passed('tables in tables, 1000 deep', withHeaders(field('a', nested('F', 1000)))),
  ...passed('arrays in arrays, 1000 deep', withHeaders(field('a', nested('A', 1000)))),
  ...passed('headers of no length', Buffer.from('200000000000', 'hex')),
  ...passed('a flag that means nothing', Buffer.from('0002', 'hex')),
  ...passed('a flag for further flags that do not come', Buffer.from('0001', 'hex')),
  ...passed('the longest timestamp', Buffer.from('0040ffffffffffffffff', 'hex')),
  ...passed('the highest priority', Buffer.from('0800ff', 'hex')),
  ...passed('an expiration with a sign', encodeProperties({ expiration: '+60000' })),
  ...passed('an expiration with zeros in front', encodeProperties({ expiration: '00060000', app_id: 'a' })),
  ...passed(
    'short texts that are no UTF-8',
    Buffer.concat([
      Buffer.from([0xc6, 0xac]),
      ...Object.values(SHORT_TEXTS).map(() => Buffer.from([4, 0xff, 0xfe, 0x00, 0x80])),
    ]),
  ),
  ...passed('CC of numbers', withHeaders(field('CC', { tag: 'A', value: [{ tag: 'I', value: 1 }] }))),
  ...passed(
    'BCC and an unsigned header',
    withHeaders(field('BCC', { tag: 'A', value: [] }), entry('z', 'L', 'f'.repeat(16))),
  ),
  ...NO_NUMBERS.flatMap(([name, value]) =>
    (['d', 'f'] as const).flatMap((tag) => [
      refused(`${name} as ${tag}`, withHeaders(entry('ok', 'V'), field('n', { tag, value }))),
      refused(
        `${name} as ${tag}, inside`,
        withHeaders(field('n', { tag: 'F', value: [['list', { tag: 'A', value: [{ tag, value }] }]] })),
      ),
    ]),
  ),
  ...['Z', '\0', 'c', 'U', 'X'].map((tag) =>
    refused(`a field of type ${JSON.stringify(tag)}`, withHeaders(entry('a', tag, '00'))),
  ),
  refused(
    'a field of an unknown type inside',
    withHeaders(field('a', { tag: 'F', value: [] }), entry('l', 'A', '000000015a')),
  ),
  refused('a value cut short', withHeaders(entry('a', 'I', '0000'))),
  refused('a text cut short', withHeaders(entry('a', 'S', '00000009616263'))),
  refused('a table longer than what is around it', withHeaders(entry('a', 'F', '00000009616263'))),
  refused('a name without a value', withHeaders(entry('a', '').subarray(0, 2))),
  refused('a name cut short', withHeaders(Buffer.from('0561', 'hex'))),
  refused('headers longer than the frame', Buffer.from('2000000000090161', 'hex')),
  refused('something behind the properties', Buffer.from('000000', 'hex')),
  refused('a second word of flags', Buffer.from('00010000', 'hex')),
  refused('flags without their values', Buffer.from('8000', 'hex')),
  refused('no flags at all', Buffer.alloc(0)),
  refused('half a word of flags', Buffer.alloc(1)),
  ...['0500', '61', '35220a5c', '3500', '2d35', 'fffe'].map((hex) =>
    refused(`an expiration of ${hex}`, shortText(0x0100, hex)),
  ),
  refused('a user of another name, no UTF-8', shortText(0x0010, 'fffe')),
  refused('CC that is text', withHeaders(entry('CC', 'S', '00000000'))),
  refused('BCC that is a number', withHeaders(entry('BCC', 'L', '0000000000000001'))),
  ...(Object.keys(ARGUMENTS_OF) as (keyof typeof ARGUMENTS_OF)[]).flatMap((name) =>
    [Number.NaN, Number.POSITIVE_INFINITY].map(
      (value): Scenario => ({
        name: `content: ${value} in the arguments of ${name}`,
        steps: [
          declare('q'),
          declare('beside', {}, {}, 'b1'),
          { ...method(name, { ...ARGUMENTS_OF[name], arguments: [['n', { tag: 'd', value }]] }), unsettled: true },
          { do: 'until', on: 'a', name: 'socket closed' },
          get('beside', true, 'b1'),
        ],
      }),
    ),
  ),
  {
    name: 'content: a deep table in the arguments of queue.declare',
    steps: [
      { do: 'channel.open' },
      method('queue.declare', { queue: 'deep', arguments: [['a', nested('F', 1000)]] }),
      method('queue.declare', { queue: 'deep', arguments: [['a', nested('F', 999)]] }),
      call('queue.delete', { queue: 'deep' }),
    ],
  },
  {
    name: 'content: deep tables compared by a headers exchange',
    steps: [
      declare('q'),
      method('queue.bind', { queue: 'q', exchange: 'amq.headers', arguments: [['a', nested('F', 500)]] }),
      ...[500, 499].flatMap((depth) => [
        ...content(withHeaders(field('a', nested('F', depth))), { exchange: 'amq.headers' }),
        get('q', true),
      ]),
    ],
  },
];
