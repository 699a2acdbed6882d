import type { Plain } from '../wire/plain-fields.js';
import type { Scenario } from './scenario.js';
import { declare, declareQuorum } from './steps.js';

const VALUES: { readonly [argument: string]: readonly Plain[] } = {
  'x-message-ttl': [
    0,
    1_000,
    -1,
    '1000',
    1.5,
    true,
    { tag: 'l', value: 1_000 },
    { tag: 'b', value: 5 },
    4_294_967_295,
    4_294_967_296,
  ],
  'x-expires': [0, -1, 3_600_000, 'soon', 4_294_967_296],
  'x-max-length': [0, 5, -1, 'five', { tag: 's', value: 5 }],
  'x-max-length-bytes': [0, 5, -1, 'five'],
  'x-max-priority': [0, 5, 255, 256, -1, 'high'],
  'x-overflow': ['drop-head', 'reject-publish', 'reject-publish-dlx', 'nonsense', 5],
  'x-dead-letter-exchange': ['', 'none', 5, true],
  'x-dead-letter-routing-key': ['k', 5],
  'x-queue-mode': ['default', 'lazy', 'nonsense', 5],
  'x-queue-type': ['classic', 'nonsense', 5],
  'x-queue-version': [1, 2, 3, 'two'],
  'x-single-active-consumer': [true, false, 'yes', 1],
  'x-delivery-limit': [2, -1, 'two'],
  'x-delayed-retry-type': ['all', 'nonsense'],
  'x-delayed-retry-min': [5, -1],
  'x-delayed-retry-max': [5, 'x'],
  'x-dead-letter-strategy': ['at-most-once', 'at-least-once', 'nonsense'],
  'x-quorum-initial-group-size': [1, 0, 'one'],
  'x-max-in-memory-length': [5],
  'x-consumer-timeout': [10_000, -1, 'x'],
  'x-queue-master-locator': ['min-masters'],
  'x-stream-offset': ['first'],
  'x-unheard-of': [1, 'x', null],
};

function tryAll(argument: string, values: readonly Plain[]): Scenario {
  return {
    name: `queue arguments: ${argument}`,
    steps: values.map((value, i) => declare(`q${i}`, { [argument]: value })),
  };
}

function tryAllOnQuorum(argument: string, values: readonly Plain[]): Scenario {
  return {
    name: `queue arguments: ${argument} on a quorum queue`,
    slow: true,
    steps: values.map((value, i) => declareQuorum(`q${i}`, { [argument]: value })),
  };
}

const QUORUM = Object.entries(VALUES).filter(([argument]) => argument !== 'x-queue-type');

/** Every argument with good and bad values, and what comparing them says. */
export const queueArguments: readonly Scenario[] = [
  ...Object.entries(VALUES).map(([argument, values]) => tryAll(argument, values)),
  ...QUORUM.map(([argument, values]) => tryAllOnQuorum(argument, values)),
  {
    name: 'queue arguments: equivalence',
    steps: [
      declare('q', { 'x-message-ttl': 1_000, 'x-max-length': 5 }),
      declare('q', { 'x-message-ttl': { tag: 'l', value: 1_000 }, 'x-max-length': { tag: 'b', value: 5 } }),
      declare('q', { 'x-message-ttl': 2_000, 'x-max-length': 5 }),
      declare('q', { 'x-max-length': 5 }),
      declare('q', { 'x-message-ttl': 1_000 }),
      declare('q'),
      declare('q', { 'x-message-ttl': 1_000, 'x-max-length': 5, 'x-expires': 3_600_000 }),
      declare('q', { 'x-message-ttl': 1_000, 'x-max-length': 5, foo: 'bar' }),
      declare('q', { 'x-message-ttl': '1000', 'x-max-length': 5 }),
      declare('r', { 'x-message-ttl': { tag: 's', value: 1_000 }, 'x-dead-letter-exchange': '' }),
      declare('r'),
      declare('r', { 'x-dead-letter-exchange': 'x', 'x-message-ttl': 1_000 }),
      declare('r', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'k', 'x-message-ttl': 1_000 }),
    ],
  },
  {
    name: 'queue arguments: which is named first',
    steps: [
      declare('q', { 'x-max-length': -1, 'x-message-ttl': -1 }),
      declare('q', { 'x-message-ttl': -1, 'x-max-length': -1 }),
      declare('q', { 'x-overflow': 'nonsense', 'x-expires': 0, 'x-message-ttl': 'x' }),
      declare('q', { 'x-dead-letter-routing-key': 'k', 'x-max-priority': 'x' }),
      declare('q', { 'x-max-length': 5, 'x-message-ttl': 5, 'x-expires': 3_600_000 }),
      declare('q', { 'x-max-length': 6, 'x-message-ttl': 6, 'x-expires': 3_600_001 }),
      declareQuorum('r', { 'x-delivery-limit': 5 }),
      declare('r', { 'x-message-ttl': 5 }, { durable: true }),
    ],
  },
];
