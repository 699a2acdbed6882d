import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { type BackoffPolicy, backoffDelayMs } from './backoff.js';

const fixed = { initialIntervalMs: 1000, multiplier: 1, maxIntervalMs: 10_000, jitter: 0 };

const policies: fc.Arbitrary<BackoffPolicy> = fc
  .record({
    initialIntervalMs: fc.integer({ min: 0, max: 100_000 }),
    multiplier: fc.double({ min: 1, max: 1e6, noNaN: true }),
    maxIntervalMs: fc.integer({ min: 0, max: 1_000_000 }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map((policy) => ({ ...policy, maxIntervalMs: Math.max(policy.maxIntervalMs, policy.initialIntervalMs) }));
const failures = fc.integer({ min: 1, max: 5000 });
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('backoffDelayMs', () => {
  it('waits the same each time with multiplier 1', () => {
    expect([1, 2, 3, 50].map((n) => backoffDelayMs(fixed, n))).to.deep.equal([1000, 1000, 1000, 1000]);
  });

  it('grows by the multiplier, up to the longest interval', () => {
    const growing = { ...fixed, multiplier: 2 };
    expect([1, 2, 3, 4, 5, 6].map((n) => backoffDelayMs(growing, n))).to.deep.equal([
      1000, 2000, 4000, 8000, 10_000, 10_000,
    ]);
  });

  it('stays at the longest interval when the power overflows, and at zero when it began there', () => {
    const growing = { ...fixed, multiplier: 10 };
    expect(backoffDelayMs(growing, 10_000)).to.equal(10_000);
    expect(backoffDelayMs({ ...growing, initialIntervalMs: 0 }, 10_000)).to.equal(0);
  });

  it('adds the share of the interval that chance says', () => {
    const jittery = { ...fixed, jitter: 0.5 };
    expect(backoffDelayMs(jittery, 1, () => 0)).to.equal(1000);
    expect(backoffDelayMs(jittery, 1, () => 0.5)).to.equal(1250);
  });

  it('is never below the wait without jitter', () => {
    fc.assert(
      fc.property(policies, failures, randoms, (policy, n, random) => {
        expect(backoffDelayMs(policy, n, () => random)).to.be.at.least(backoffDelayMs({ ...policy, jitter: 0 }, n));
      }),
    );
  });

  it('is never above the longest interval with all its jitter', () => {
    fc.assert(
      fc.property(policies, failures, randoms, (policy, n, random) => {
        const delay = backoffDelayMs(policy, n, () => random);
        expect(Number.isSafeInteger(delay)).to.equal(true);
        expect(delay).to.be.at.most(Math.ceil(policy.maxIntervalMs * (1 + policy.jitter)));
      }),
    );
  });
});
