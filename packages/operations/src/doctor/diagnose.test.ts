import type { ApplicationPlan } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { readDefinitions } from '../topology/definitions.js';
import { diagnose } from './diagnose.js';
import type { Facts } from './facts.js';
import type { Finding } from './finding.js';

const LISTENER = {
  id: 'L',
  queue: 'work',
  prefetch: 10,
  concurrency: 1,
  attempts: 3,
  redeliverMs: [],
  timeoutMs: 1000,
  stateful: false,
  waitMs: 2000,
};
const PLAN = {
  ...{ service: 's', exchanges: [], policies: [] },
  queues: [{ name: 'work' }],
  bindings: [{ source: 'ex', destination: 'work' }],
  listeners: [LISTENER],
} as unknown as ApplicationPlan;

/** What the API shows of a broker on which all is well. */
const WELL = {
  exchanges: [
    { name: 'ex', type: 'direct' },
    { name: 'dlx', type: 'fanout' },
  ],
  queues: [
    { name: 'work', type: 'quorum', arguments: { 'x-dead-letter-exchange': 'dlx' }, messages: 3, consumers: 1 },
    { name: 'errors', type: 'quorum', arguments: {}, messages: 7, consumers: 0 },
  ] as Record<string, unknown>[],
  bindings: [
    { source: 'ex', destination: 'work', destination_type: 'queue', routing_key: 'k' },
    { source: 'dlx', destination: 'errors', destination_type: 'queue', routing_key: '' },
  ],
  policies: [] as Record<string, unknown>[],
};

function found(change: Partial<Facts>, definitions: Partial<typeof WELL> = {}): readonly string[] {
  const live = { ...readDefinitions({ ...WELL, ...definitions }, '/'), isLive: true };
  return diagnosed({ definitions: live, ...change }).map(({ check, about }) => `${check}: ${about}`);
}

function diagnosed(change: Partial<Facts>): readonly Finding[] {
  return diagnose({
    ...{
      version: '4.0.5',
      frameMax: 131_072,
      channelMax: 2047,
      username: 'app',
      alarms: [],
      clockAheadMs: 100,
      certificateDays: 200,
    },
    permissions: { configure: '.*', write: '.*', read: '.*' },
    definitions: { ...readDefinitions(WELL, '/'), isLive: true },
    plan: PLAN,
    notLookedAt: [],
    ...change,
  });
}

const withQueue = (queue: object) => ({ queues: [...WELL.queues, { type: 'classic', arguments: {}, ...queue }] });
const withWork = (queue: object) => ({ queues: [{ ...WELL.queues[0], ...queue }, WELL.queues[1] ?? {}] });
const withBinding = (binding: object) => ({
  bindings: [...WELL.bindings, { source: 'ex', destination: 'work', destination_type: 'queue', ...binding }] as never,
});
const withListener = (listener: object) => ({ plan: { ...PLAN, listeners: [{ ...LISTENER, ...listener }] } });

describe('diagnose', () => {
  it('finds nothing where all is well', () => {
    expect(found({})).to.eql([]);
    expect(found({ definitions: undefined, plan: undefined, permissions: undefined })).to.eql([]);
  });

  const mistakes: readonly (readonly [string, () => readonly string[]])[] = [
    ['alarm: memory on a', () => found({ alarms: ['memory on a'] })],
    ['old-version: RabbitMQ 3.8.1', () => found({ version: '3.8.1' })],
    ['small-frame: RabbitMQ 4.0.5', () => found({ frameMax: 8192 })],
    ['clock: RabbitMQ 4.0.5', () => found({ clockAheadMs: -60_000 })],
    ['certificate: RabbitMQ 4.0.5', () => found({ certificateDays: 2 })],
    ['permission: app', () => found({ permissions: { configure: '.*', write: '^other', read: '.*' } })],
    ['dead-letters-lost: work', () => found({}, withWork({ arguments: { 'x-dead-letter-exchange': 'gone' } }))],
    [
      'dead-letters-unrouted: work',
      () => found({}, withWork({ arguments: { 'x-dead-letter-exchange': 'ex', 'x-dead-letter-routing-key': 'none' } })),
    ],
    ['limit-without-dead-letters: work', () => found({}, withWork({ arguments: { 'x-delivery-limit': 10 } }))],
    ['quorum-expires: x', () => found({}, withQueue({ name: 'x', type: 'quorum', arguments: { 'x-expires': 5 } }))],
    ['transient-queue: x', () => found({}, withQueue({ name: 'x', durable: false }))],
    [
      'policy-and-argument: x',
      () =>
        found(
          {},
          withQueue({
            name: 'x',
            policy: 'p',
            arguments: { 'x-max-length': 5 },
            effective_policy_definition: { 'max-length': 9 },
          }),
        ),
    ],
    [
      'queue-full: x',
      () => found({}, withQueue({ name: 'x', consumers: 1, messages: 5, arguments: { 'x-max-length': 5 } })),
    ],
    ['nobody-consumes: work', () => found({}, withWork({ consumers: 0 }))],
    ['nobody-reads-dead-letters: x.dlq', () => found({}, withQueue({ name: 'x.dlq', messages: 5000 }))],
    ['error-queue-forgets: x.dlq', () => found({}, withQueue({ name: 'x.dlq', arguments: { 'x-message-ttl': 5 } }))],
    [
      'exchange-without-bindings: lonely',
      () => found({}, { exchanges: [...WELL.exchanges, { name: 'lonely', type: 'direct' }] }),
    ],
    ['mirrored-policy: ha', () => found({}, { policies: [{ name: 'ha', definition: { 'ha-mode': 'all' } }] })],
    ['prefetch-unlimited: L', () => found(withListener({ prefetch: 0 }))],
    ['delivery-limit: L', () => found(withListener({ stateful: true, attempts: 30 }))],
    [
      'delivery-limit: L',
      () => {
        const { plan } = withListener({ redeliverMs: Array(30).fill(1000) });
        return found({
          ...{ version: '4.3.6', plan: { ...plan, queues: [{ name: 'work', delayedRetry: {} }] } as never },
        });
      },
    ],
    [
      'delivery-limit-prefetch: L',
      () => found({}, withWork({ arguments: { 'x-dead-letter-exchange': 'dlx', 'x-delivery-limit': 3 } })),
    ],
    ['consumer-timeout: L', () => found(withListener({ timeoutMs: 3_600_000 }))],
    ['consumer-timeout: L', () => found(withListener({ timeoutMs: undefined, waitMs: 1_800_001 }))],
    ['channel-max: channel_max', () => found({ channelMax: 4 })],
    ['large-messages: x', () => found({}, withQueue({ name: 'x', consumers: 1, messages: 2, message_bytes: 2 ** 22 }))],
    ['binding-never-matches: ex -> work (pay.*)', () => found({}, withBinding({ routing_key: 'pay.*' }))],
    [
      'binding-ignores-headers: ex -> work (k)',
      () => found({}, withBinding({ routing_key: 'k', arguments: { tenant: 'a' } })),
    ],
    [
      'binding-takes-everything: h -> work ()',
      () =>
        found(
          {},
          {
            exchanges: [...WELL.exchanges, { name: 'h', type: 'headers' }],
            ...withBinding({ source: 'h', arguments: { 'x-match': 'all' } }),
          },
        ),
    ],
  ];
  for (const [mistake, find] of mistakes) {
    it(`finds what was planted, and nothing else: ${mistake}`, () => {
      expect(find()).to.eql([mistake]);
    });
  }

  const edges: readonly (readonly [string, string, () => readonly string[], () => readonly string[]])[] = [
    ['a clock', 'clock', () => found({ clockAheadMs: 5_001 }), () => found({ clockAheadMs: 5_000 })],
    ['a clock behind', 'clock', () => found({ clockAheadMs: -5_001 }), () => found({ clockAheadMs: -5_000 })],
    ['a certificate', 'certificate', () => found({ certificateDays: 29.9 }), () => found({ certificateDays: 30 })],
    ['a frame', 'small-frame', () => found({ frameMax: 65_535 }), () => found({ frameMax: 65_536 })],
    ['no limit of frames', 'small-frame', () => found({ frameMax: 1 }), () => found({ frameMax: 0 })],
    ['channels', 'channel-max', () => found({ channelMax: 4 }), () => found({ channelMax: 5 })],
    ['no limit of channels', 'channel-max', () => found({ channelMax: 1 }), () => found({ channelMax: undefined })],
    [
      'parked messages',
      'nobody-reads-dead-letters',
      () => found({}, withQueue({ name: 'x.dlq', messages: 1_000 })),
      () => found({}, withQueue({ name: 'x.dlq', messages: 999 })),
    ],
    [
      'a full queue',
      'queue-full',
      () => found({}, withQueue({ name: 'x', consumers: 1, messages: 5, arguments: { 'x-max-length': 5 } })),
      () => found({}, withQueue({ name: 'x', consumers: 1, messages: 4, arguments: { 'x-max-length': 5 } })),
    ],
    [
      'large messages',
      'large-messages',
      () => found({}, withQueue({ name: 'x', consumers: 1, messages: 2, message_bytes: 2 ** 21 })),
      () => found({}, withQueue({ name: 'x', consumers: 1, messages: 2, message_bytes: 2 ** 21 - 1 })),
    ],
    [
      'attempts that count',
      'delivery-limit',
      () => found(withListener({ stateful: true, attempts: 21 })),
      () => found(withListener({ stateful: true, attempts: 20 })),
    ],
    [
      'how long a message is held',
      'consumer-timeout',
      () => found(withListener({ timeoutMs: 600_000, attempts: 3, waitMs: 1 })),
      () => found(withListener({ timeoutMs: 600_000, attempts: 3, waitMs: 0 })),
    ],
    [
      'how long one attempt of several deliveries is held',
      'consumer-timeout',
      () => found(withListener({ timeoutMs: 1_800_000, attempts: 3, waitMs: 1, stateful: true })),
      () => found(withListener({ timeoutMs: 1_800_000, attempts: 3, waitMs: 0, stateful: true })),
    ],
    [
      'a short limit',
      'delivery-limit-prefetch',
      () => found({}, withWork({ arguments: { 'x-dead-letter-exchange': 'dlx', 'x-delivery-limit': 5 } })),
      () => found({}, withWork({ arguments: { 'x-dead-letter-exchange': 'dlx', 'x-delivery-limit': 6 } })),
    ],
    [
      'a limit without dead letters',
      'limit-without-dead-letters',
      () => found({}, withWork({ arguments: { 'x-delivery-limit': 6 } })),
      () => found({}, withWork({ arguments: { 'x-delivery-limit': -1 } })),
    ],
  ];
  for (const [what, check, beyond, within] of edges) {
    it(`knows how much of ${what} is too much: ${check}`, () => {
      expect(beyond().map((each) => each.split(':')[0])).to.eql([check]);
      expect(within().filter((each) => each.startsWith(`${check}:`))).to.eql([]);
    });
  }

  it('takes a certificate of less than three days for an error', () => {
    const severity = (certificateDays: number) => diagnosed({ certificateDays })[0]?.severity;
    expect([severity(2.9), severity(3), severity(29)]).to.eql(['error', 'warning', 'warning']);
  });

  it('says how far which clock is ahead, and how many names are refused', () => {
    expect(diagnosed({ clockAheadMs: 60_400 })[0]?.what).to.equal("the broker's clock is 60 s ahead of this machine's");
    expect(diagnosed({ clockAheadMs: -60_400 })[0]?.what).to.contain('60 s behind');
    const queues = Array.from({ length: 7 }, (_, n) => ({ name: `q${n}` }));
    const plan = { ...PLAN, queues, listeners: [], bindings: [] } as never;
    const refused = (pattern: string, count = 7) =>
      diagnosed({
        plan: { ...PLAN, queues: queues.slice(0, count), listeners: [], bindings: [] } as never,
        permissions: { configure: pattern, write: '.*', read: '.*' },
      }).map(({ what }) => what);
    expect(refused('^x')).to.eql(['it may not declare q0, q1, q2, q3, q4 and 2 more (configure)']);
    expect(refused('^x', 5)).to.eql(['it may not declare q0, q1, q2, q3, q4 (configure)']);
    expect(refused('')).to.have.length(1);
    expect(refused('q')).to.eql([]);
    expect(refused('(?<broken')).to.eql([]);
    expect(diagnosed({ plan, permissions: undefined })).to.eql([]);
  });

  it('knows that nobody consumes what a listener was to consume: an error, elsewhere a warning', () => {
    const severities = (definitions: Partial<typeof WELL>) =>
      diagnosed({ definitions: { ...readDefinitions({ ...WELL, ...definitions }, '/'), isLive: true } }).map(
        ({ severity }) => severity,
      );
    expect(severities(withWork({ consumers: 0 }))).to.eql(['error']);
    expect(severities(withQueue({ name: 'x', messages: 1 }))).to.eql(['warning']);
    expect(severities(withQueue({ name: 'x', messages: 1, type: 'stream' }))).to.eql([]);
    expect(severities(withQueue({ name: 'x', messages: 0 }))).to.eql([]);
  });

  it('knows that redelivery by copies begins the count anew, and that a queue of 4.3 counts no give-back', () => {
    expect(found(withListener({ redeliverMs: Array(30).fill(1000) }))).to.eql([]);
    const limited = withWork({ arguments: { 'x-dead-letter-exchange': 'dlx', 'x-delivery-limit': 3 } });
    expect(found({ version: '4.3.6' }, limited)).to.eql([]);
  });

  it('knows which queues take messages back, and from which version on they say when', () => {
    const short = { arguments: { 'x-dead-letter-exchange': 'dlx', 'x-consumer-timeout': 500 } };
    expect(found({}, withWork(short))).to.eql(['consumer-timeout: L']);
    expect(found({ version: '3.10.8' }, withWork(short))).to.eql([]);
    expect(found({ version: '4.3.6', ...withListener({ waitMs: 2e9 }) }, withWork({ type: 'classic' }))).to.eql([]);
  });

  it('does not judge what leveret itself declares, nor queues in which messages wait', () => {
    const wait = { 'x-message-ttl': 1000, 'x-dead-letter-exchange': '' };
    expect(found({}, withQueue({ name: 'leveret.wait.1000', messages: 9, arguments: wait }))).to.eql([]);
    expect(found({}, withQueue({ name: 'own.wait', messages: 9, arguments: wait }))).to.eql([]);
  });
});
