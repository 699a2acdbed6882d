import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { RedeliverPolicy } from '../retry/failure-policy.js';
import { EMPTY_TOPOLOGY } from '../topology/merge-topologies.js';
import type { QueueDeclaration } from '../topology/topology.js';
import { withDelayedRetries } from './delayed-retry-queues.js';
import { aQueueDeclaration } from './listener-harness.support.test.js';

const EVEN: RedeliverPolicy = { delaysMs: [10, 20, 30], jitter: 0, native: true };
const UNEVEN: RedeliverPolicy = { ...EVEN, delaysMs: [10, 60, 600] };

function ruleOf(parts: Partial<QueueDeclaration>, ...policies: (RedeliverPolicy | undefined)[]) {
  const queue = aQueueDeclaration({ type: 'quorum', ...parts });
  const listeners = policies.map((redeliver) => ({ queue: queue.name, redeliver }));
  return withDelayedRetries({ ...EMPTY_TOPOLOGY, queues: [queue] }, listeners).queues[0]?.delayedRetry;
}

describe('withDelayedRetries', () => {
  it('lets quorum queues hold back what failed, when the waits grow evenly', () => {
    expect(ruleOf({}, EVEN)).to.deep.equal({ minMs: 10, maxMs: 30 });
    expect(ruleOf({}, EVEN, { ...EVEN, jitter: 0.5 })).to.deep.equal({ minMs: 10, maxMs: 30 });
  });

  it('leaves every other queue as it is', () => {
    expect(ruleOf({ type: 'classic' }, EVEN)).to.equal(undefined);
    expect(ruleOf({ declare: 'if-missing' }, EVEN)).to.equal(undefined);
    expect(ruleOf({}, UNEVEN)).to.equal(undefined);
    expect(ruleOf({}, { ...EVEN, native: false })).to.equal(undefined);
    expect(ruleOf({})).to.equal(undefined);
  });

  it('does so only when all listeners of the queue want the same', () => {
    expect(ruleOf({}, EVEN, undefined)).to.equal(undefined);
    expect(ruleOf({}, EVEN, UNEVEN)).to.equal(undefined);
    expect(ruleOf({}, EVEN, { ...EVEN, delaysMs: [10, 20] })).to.equal(undefined);
  });

  it('leaves room below the delivery limit for processes that end', () => {
    const limited = (limit: number) => ruleOf({ arguments: { 'x-delivery-limit': limit } }, EVEN);
    expect(limited(5)).to.equal(undefined);
    expect(limited(6)).not.to.equal(undefined);
    expect(limited(-1), 'there is no limit').not.to.equal(undefined);
    expect(limited(0)).to.equal(undefined);
    const often = (times: number) => ruleOf({}, { ...EVEN, delaysMs: Array(times).fill(10) });
    expect(often(10), 'the limit of RabbitMQ 4 is 20').not.to.equal(undefined);
    expect(often(11)).to.equal(undefined);
  });

  it('keeps to arguments that were given', () => {
    const given = (minMs: number) => ({
      'x-delayed-retry-type': 'failed',
      'x-delayed-retry-min': minMs,
      'x-delayed-retry-max': 30,
    });
    expect(ruleOf({ arguments: given(10) }, EVEN)).to.deep.equal({ minMs: 10, maxMs: 30 });
    expect(ruleOf({ arguments: given(5) }, EVEN)).to.equal(undefined);
  });
});
