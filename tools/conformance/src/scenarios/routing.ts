import type { Step } from '../program/program.js';
import type { Plain } from '../wire/plain-fields.js';
import type { Scenario } from './scenario.js';
import { bind, call, declare, get, publish } from './steps.js';

const PATTERNS = [
  '#',
  '*',
  'a.#',
  '#.a',
  'a.*',
  '*.*',
  'a.#.b',
  '#.#',
  'a..b',
  'a.*.b',
  '',
  '*.#',
  'A',
  '#.b.#',
  '*.#.*',
  'a*',
];
const KEYS = ['', 'a', 'a.b', 'a.x.b', 'a.x.y.b', 'a..b', '.', 'A', 'x.a', 'b', 'b.b', 'a.b.c', '..', 'a*', '#', '*'];

const CRITERIA: readonly (readonly [name: string, args: { readonly [key: string]: Plain }])[] = [
  ['all', { 'x-match': 'all', a: 1, b: 'x' }],
  ['any', { 'x-match': 'any', a: 1, b: 'x' }],
  ['none', { a: 1, b: 'x' }],
  ['empty', {}],
  ['empty-any', { 'x-match': 'any' }],
  ['exists', { a: null }],
  ['x-ignored', { 'x-match': 'all', a: 1, 'x-y': 2 }],
  ['all-with-x', { 'x-match': 'all-with-x', a: 1, 'x-y': 2 }],
  ['any-with-x', { 'x-match': 'any-with-x', 'x-y': 2 }],
  ['float', { a: 1.5 }],
  ['text', { a: '1' }],
  ['true', { a: true }],
  ['table', { a: { n: 1 } }],
  ['list', { a: [1, 'x'] }],
];
const HEADERS: readonly { readonly [key: string]: Plain }[] = [
  {},
  { a: 1 },
  { a: 1, b: 'x' },
  { a: 2, b: 'x' },
  { a: 1, 'x-y': 2 },
  { 'x-y': 2 },
  { a: { tag: 'l', value: 1 } },
  { a: { tag: 'B', value: 1 } },
  { a: { tag: 'd', value: 1 } },
  { a: { tag: 'f', value: 1.5 } },
  { a: 1.5 },
  { a: '1' },
  { a: { tag: 'x', value: '1' } },
  { a: true },
  { a: null },
  { a: { n: 1 } },
  { a: { n: { tag: 'l', value: 1 } } },
  { a: [1, 'x'] },
  { a: { tag: 'T', value: 1 } },
];

function topicTable(): Step[] {
  const queues = PATTERNS.flatMap((pattern) => [declare(`q ${pattern}`), bind(`q ${pattern}`, 'amq.topic', pattern)]);
  return [{ do: 'burst', steps: queues }, ...KEYS.map((key) => publish('amq.topic', key, key))];
}

function headersTable(): Step[] {
  const queues = CRITERIA.flatMap(([name, args]) => [declare(name), bind(name, 'amq.headers', '', args)]);
  return [
    { do: 'burst', steps: queues },
    ...HEADERS.map((headers, i) => publish('amq.headers', '', `h${i}`, { properties: { headers } })),
    publish('amq.headers', '', 'no headers'),
  ];
}

function copies(name: string, headers: { readonly [key: string]: Plain }): Scenario {
  return {
    name: `routing: ${name}`,
    steps: [
      { do: 'burst', steps: ['q', 'r', 's'].map((queue) => declare(queue)) },
      publish('', 'q', 'x', { properties: { headers }, mandatory: true }),
      get('q', true),
      get('r', true),
      get('s', true),
    ],
  };
}

/** Which queues a message reaches. */
export const routing: readonly Scenario[] = [
  { name: 'routing: topic table', steps: topicTable() },
  { name: 'routing: headers table', steps: headersTable() },
  {
    name: 'routing: headers bindings that make no sense',
    steps: [
      declare('q'),
      bind('q', 'amq.headers', '', { 'x-match': 'foo' }),
      bind('q', 'amq.headers', '', { 'x-match': 1 }),
      bind('q', 'amq.match', '', { 'x-match': 'any', a: 1 }),
      publish('amq.match', '', 'one', { properties: { headers: { a: 1 } } }),
    ],
  },
  {
    name: 'routing: default, direct and fanout',
    steps: [
      declare('q'),
      declare('r'),
      bind('q', 'amq.direct', 'k'),
      bind('r', 'amq.direct', 'k'),
      bind('q', 'amq.fanout', 'ignored'),
      bind('q', 'amq.fanout', 'also'),
      publish('', 'q', 'default'),
      publish('', 'none', 'nowhere', { mandatory: true }),
      publish('amq.direct', 'k', 'both'),
      publish('amq.direct', 'K', 'case', { mandatory: true }),
      publish('amq.fanout', 'any', 'once'),
    ],
  },
  copies('CC', { CC: ['r', 's'] }),
  copies('BCC', { BCC: ['r'], CC: ['s'] }),
  copies('CC to the same queue', { CC: ['q', 'r', 'r'] }),
  copies('CC to nowhere', { CC: ['none'] }),
  copies('CC that is text', { CC: 'r' }),
  copies('CC that is a number', { CC: 5 }),
  copies('BCC that is a table', { BCC: { r: 1 } }),
  copies('CC with something else inside', { CC: ['r', 5] }),
  copies('CC that is empty', { CC: [] }),
  {
    name: 'routing: only CC is routed',
    steps: [
      declare('q'),
      publish('', 'none', 'by CC', { properties: { headers: { CC: ['q'] } }, mandatory: true }),
      publish('', 'none', 'by BCC', { properties: { headers: { BCC: ['q'] } }, mandatory: true }),
      get('q', true),
      get('q', true),
    ],
  },
  {
    name: 'routing: properties and headers of every type survive',
    steps: [
      declare('q'),
      publish('', 'q', 'typed', {
        properties: {
          content_type: 'text/plain',
          content_encoding: 'utf-8',
          delivery_mode: 2,
          priority: 7,
          correlation_id: 'corr',
          reply_to: 'somewhere',
          expiration: '3600000',
          message_id: 'id',
          timestamp: 1_700_000_000,
          type: 'kind',
          user_id: 'guest',
          app_id: 'app',
          cluster_id: 'cluster',
          headers: {
            z: { tag: 't', value: true },
            b: { tag: 'b', value: -5 },
            B: { tag: 'B', value: 200 },
            s: { tag: 's', value: -300 },
            u: { tag: 'u', value: 60_000 },
            I: -70_000,
            i: { tag: 'i', value: 4_000_000_000 },
            l: { tag: 'l', value: 9_000_000_000 },
            f: { tag: 'f', value: 1.5 },
            d: 0.1,
            D: { tag: 'D', value: { scale: 2, digits: 314 } },
            S: 'text',
            x: { tag: 'x', value: 'bytes' },
            A: [1, 'two', [3], { four: 4 }],
            T: { tag: 'T', value: 1_700_000_000 },
            F: { deep: { deeper: null } },
            V: null,
          },
        },
      }),
      get('q', false),
      call('basic.recover', { requeue: true }),
      get('q', true),
    ],
  },
  {
    name: 'routing: properties that are refused',
    steps: [
      declare('q'),
      publish('', 'q', 'x', { properties: { user_id: 'bob' } }),
      publish('', 'q', 'x', { properties: { expiration: 'abc' } }),
      publish('', 'q', 'x', { properties: { expiration: '' } }),
      publish('', 'q', 'x', { properties: { expiration: '-1' } }),
      publish('', 'q', 'x', { properties: { expiration: '1.5' } }),
      publish('', 'q', 'x', { properties: { expiration: '99999999999' } }),
      publish('', 'q', 'x', { properties: { expiration: '4294967295' } }),
      publish('', 'q', 'x', { properties: { expiration: '4294967296' } }),
      publish('', 'q', 'x', { properties: { expiration: ' 5' } }),
      publish('', 'q', 'x', { properties: { delivery_mode: 3 } }),
      publish('', 'q', 'x', { properties: { delivery_mode: 0 } }),
    ],
  },
];
