import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import { EMPTY_TOPOLOGY } from '../topology/merge-topologies.js';
import type { PolicyDeclaration, QueueDeclaration, Topology } from '../topology/topology.js';
import { brokerPatienceFor, checkPatience } from './check-patience.js';
import { aDefinition, aQueueDeclaration, type ListenerParts } from './listener-harness.support.test.js';

function topology(queue: Partial<QueueDeclaration>, ...policies: Partial<PolicyDeclaration>[]): Topology {
  const base = { name: 'p', pattern: '.*', applyTo: 'queues', priority: 0, definition: {} } as const;
  return {
    ...EMPTY_TOPOLOGY,
    queues: [aQueueDeclaration(queue)],
    policies: policies.map((it) => ({ ...base, ...it })),
  };
}

describe('brokerPatienceFor', () => {
  const argument = { arguments: { 'x-consumer-timeout': 20_000 } };
  const policy = (ms: number, applyTo: PolicyDeclaration['applyTo'] = 'queues') => ({
    applyTo,
    definition: { 'consumer-timeout': ms },
  });

  for (const [what, own, declared, expected] of [
    ['what the listener says', 5000, topology(argument), 5000],
    ['the argument of the queue', undefined, topology(argument), 20_000],
    ['a policy that fits', undefined, topology({}, policy(7000)), 7000],
    ['the shorter of both', undefined, topology(argument, policy(30_000)), 20_000],
    ['no policy for other queues', undefined, topology({}, { ...policy(7000), pattern: '^other$' }), 1_800_000],
    ['no policy for other types', undefined, topology({}, policy(7000, 'quorum_queues')), 1_800_000],
    ['30 minutes', undefined, EMPTY_TOPOLOGY, 1_800_000],
  ] as const) {
    it(`is ${what}`, () => {
      expect(brokerPatienceFor('orders', own, declared).timeoutMs).to.equal(expected);
    });
  }
});

describe('checkPatience', () => {
  function check(parts: ListenerParts) {
    const problems = new Problems('Orders.onPaid');
    const definition = aDefinition({ ...parts, definition: { consumerTimeoutMs: 60_000, ...parts.definition } });
    const warnings = checkPatience(definition, 'x-consumer-timeout of the queue', problems);
    return { warnings: warnings.map(({ text }) => text), problems: problems.list };
  }

  it('refuses a timeout that is longer', () => {
    const { problems } = check({ definition: { timeoutMs: 90_000 } });
    expect(problems[0]).to.match(/timeout 90 s is longer than the 60 s .*\(x-consumer-timeout of the queue\)/);
  });

  it('takes a timeout that is just as long', () => {
    expect(check({ definition: { timeoutMs: 60_000, prefetch: 1 } })).to.deep.equal({ warnings: [], problems: [] });
    expect(check({ definition: { timeoutMs: 60_001, prefetch: 1 } }).problems).to.have.lengthOf(1);
  });

  it('says minutes from two on', () => {
    const said = (timeoutMs: number) => check({ definition: { timeoutMs } }).problems[0];
    expect([said(119_900), said(120_000)].map((text) => /timeout ([\d.]+ \w+)/.exec(text ?? '')?.[1])).to.deep.equal([
      '119.9 s',
      '2 min',
    ]);
  });

  it('says with the numbers what prefetch and timeout come to', () => {
    const { warnings } = check({ definition: { timeoutMs: 10_000 } });
    expect(warnings[0]).to.include('prefetch 50 × 10 s for each message is 8.3 min');
    expect(check({ definition: { timeoutMs: 10_000, prefetch: 6 } }).warnings).to.deep.equal([]);
    expect(check({ definition: { timeoutMs: 10_000, prefetch: 0 } }).warnings[0]).to.include('prefetch has no limit');
  });

  it('says what the attempts and waits of retry come to', () => {
    const backoff = { initialIntervalMs: 20_000, multiplier: 2, maxIntervalMs: 100_000, jitter: 0 };
    expect(check({ retry: { backoff, maxAttempts: 4 } }).warnings[0]).to.include('held for 2.3 min (waits of 2.3 min)');
    expect(check({ retry: { backoff, maxAttempts: 2 }, definition: { prefetch: 1 } }).warnings).to.deep.equal([]);
    expect(check({ retry: { backoff, maxAttempts: 4, stateless: false } }).warnings).to.deep.equal([]);
    const { warnings } = check({ retry: { backoff, maxAttempts: 3 }, definition: { timeoutMs: 30_000 } });
    expect(warnings[0]).to.include('3 × timeout 30 s + waits of 60 s');
  });

  it('says nothing where the broker waits for ever, or for nobody', () => {
    const forEver = { timeoutMs: 1e9, consumerTimeoutMs: Number.POSITIVE_INFINITY };
    expect(check({ definition: forEver })).to.deep.equal({ warnings: [], problems: [] });
    expect(check({ definition: { timeoutMs: 1e9 }, policy: { acknowledge: 'none' } }).problems).to.deep.equal([]);
  });

  it('says how long what is fetched in advance takes to begin at its rate', () => {
    const maxRate = { messages: 1, perMs: 2000 };
    const { warnings } = check({ definition: { maxRate, prefetch: 50, concurrency: 2 } });
    expect(warnings[0]).to.include(
      'with maxRate 1 per 2 s, the 100 that may be fetched in advance take 3.3 min to begin',
    );
    expect(check({ definition: { maxRate, prefetch: 10 } }).warnings).to.deep.equal([]);
    const quicker = { messages: 10, perMs: 2000 };
    const fetched = (prefetch: number) => check({ definition: { maxRate: quicker, prefetch } }).warnings.length;
    expect([fetched(300), fetched(301)], 'as long as the broker waits, and longer').to.deep.equal([0, 1]);
  });
});
