import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { MAX_DELAY_MS } from '../delay/levels.js';
import { Problems } from '../errors/configuration-error.js';
import type { RedeliverPolicy } from './failure-policy.js';
import { delaysOf, linearRule, nextDelayMs } from './redeliver-delays.js';
import { REDELIVER_OPTION } from './redeliver-options.js';

function read(value: unknown): { readonly policy: RedeliverPolicy | undefined; readonly problems: readonly string[] } {
  const problems = new Problems();
  return { policy: REDELIVER_OPTION.read(value, 'redeliver', problems), problems: problems.list };
}

const delays = (value: unknown) => {
  const { policy, problems } = read(value);
  expect(problems).to.deep.equal([]);
  return policy?.delaysMs;
};

describe('the option redeliver', () => {
  it('is no redelivery when it is left out or false', () => {
    expect(read(undefined)).to.deep.equal({ policy: undefined, problems: [] });
    expect(read(false)).to.deep.equal({ policy: undefined, problems: [] });
  });

  it('takes delays, or the rule of retries', () => {
    expect(delays(true)).to.deep.equal([10_000, 20_000, 30_000]);
    expect(delays({})).to.deep.equal([10_000, 20_000, 30_000]);
    expect(delays({ delays: ['10s', '1m', 600_000] })).to.deep.equal([10_000, 60_000, 600_000]);
    expect(delays({ initialInterval: '1s', multiplier: 2, maxInterval: '5s', maxAttempts: 5 })).to.deep.equal([
      1000, 2000, 4000, 5000,
    ]);
    expect(delays({ maxAttempts: 3 })).to.deep.equal([10_000, 10_000]);
    expect(delays({ initialInterval: '2h' })).to.deep.equal([7_200_000, 7_200_000, 7_200_000]);
    expect(delays({ delays: ['30d'] })).to.deep.equal([2_592_000_000]);
  });

  it('grows up to an hour, adds nothing by chance, and lets the queue do it, unless told otherwise', () => {
    expect(delays({ initialInterval: '1s', multiplier: 100_000, maxAttempts: 3 })).to.deep.equal([1000, 3_600_000]);
    expect(read(true).policy).to.deep.include({ jitter: 0, native: true });
  });

  it('takes each number up to its bounds', () => {
    expect(delays({ multiplier: 1, maxAttempts: 2, jitter: 1 })).to.deep.equal([10_000]);
    expect(delays({ maxAttempts: 10_000 })).to.have.lengthOf(9_999);
    expect(read({ maxAttempts: 10_001 }).problems.join()).to.match(/must be a whole number from 2 to 10000/);
    expect(delays({ delays: [MAX_DELAY_MS, 0.5] })).to.deep.equal([MAX_DELAY_MS, 1]);
    expect(read({ delays: [MAX_DELAY_MS + 1] }).problems.join()).to.match(/at most 8.5 years/);
    expect(read({ delays: [undefined] }).problems.join()).to.match(/delays must be a duration .* got undefined/);
  });

  it('tells a configuration file what it may say', () => {
    const properties = REDELIVER_OPTION.table;
    expect(properties?.['delays']?.schema).to.deep.equal({
      type: 'array',
      minItems: 1,
      items: { type: ['string', 'number'] },
    });
    expect(properties?.['maxInterval']?.schema).to.deep.equal({
      anyOf: [
        { type: 'number', exclusiveMinimum: 0 },
        { type: 'string', pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$' },
      ],
    });
  });

  it('takes 32 different delays, and no more', () => {
    expect(read({ delays: Array.from({ length: 32 }, (_, n) => n + 1) }).problems).to.deep.equal([]);
  });

  for (const [value, expected] of [
    ['yes', /^redeliver must be true, false or an object/],
    [{ delays: [] }, /^redeliver.delays must be a list of durations/],
    [{ delays: '10s' }, /^redeliver.delays must be a list/],
    [{ delays: ['soon'] }, /^redeliver.delays\[0\] must be a duration of more than 0/],
    [{ delays: [0] }, /^redeliver.delays\[0\] .* got 0/],
    [{ delays: ['4000d'] }, /^redeliver.delays\[0\] .* at most 8.5 years/],
    [{ delays: ['1s'], multiplier: 2 }, /^redeliver.delays and redeliver.multiplier say the same/],
    [{ initialInterval: '2s', maxInterval: '1s' }, /^redeliver.maxInterval \(1000 ms\) must not be shorter/],
    [{ maxAttempts: 1 }, /^redeliver.maxAttempts \(all deliveries\) must be a whole number from 2/],
    [{ jitter: 2 }, /^redeliver.jitter must be a number from 0 to 1/],
    [{ native: 'no' }, /^redeliver.native must be true or false/],
    [{ retryAfter: '90s' }, /^redeliver.retryAfter must be a function of the error/],
    [{ delay: ['1s'] }, /unknown option "delay" of redeliver. Did you mean "delays"/],
    [{ delays: Array.from({ length: 33 }, (_, n) => n + 1) }, /33 different delays/],
  ] as const) {
    it(`refuses ${JSON.stringify(value)}`.slice(0, 70), () => {
      expect(read(value).problems.join('\n')).to.match(expected);
    });
  }
});

describe('the waits of a policy', () => {
  const policy = (delaysMs: readonly number[], jitter = 0): RedeliverPolicy => ({ delaysMs, jitter, native: true });

  it('are the delays, with jitter also half of it and all of it longer, and never shorter', () => {
    expect(delaysOf(policy([10_000, 1000, 10_000]))).to.deep.equal([1000, 10_000]);
    expect(delaysOf(policy([1000], 0.2))).to.deep.equal([1000, 1100, 1200]);
    expect(delaysOf(policy([1000], 1))).to.deep.equal([1000, 1500, 2000]);
    const drawn = [0, 0.34, 0.67, 0.999].map((random) => nextDelayMs(policy([1000], 1), 0, () => random));
    expect(drawn).to.deep.equal([1000, 1500, 2000, 2000]);
    const delaysMs = fc.array(fc.integer({ min: 1, max: 1e9 }), { minLength: 1, maxLength: 8 });
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(delaysMs, fc.double({ min: 0, max: 1, noNaN: true }), chance, fc.nat(9), (ms, jitter, random, n) => {
        const next = nextDelayMs(policy(ms, jitter), n, () => random);
        const wanted = ms[n];
        if (wanted === undefined) return next === undefined;
        const known = delaysOf(policy(ms, jitter));
        return (
          next !== undefined && known.includes(next) && next >= wanted && next <= Math.round(wanted * (1 + jitter))
        );
      }),
    );
  });

  it('are what a quorum queue can do by itself when they grow evenly, stay, or do first the one and then the other', () => {
    expect(linearRule(policy([10, 20, 30]))).to.deep.equal({ minMs: 10, maxMs: 30 });
    expect(linearRule(policy([10, 10, 10]))).to.deep.equal({ minMs: 10, maxMs: 10 });
    expect(linearRule(policy([10, 20, 25, 25]))).to.deep.equal({ minMs: 10, maxMs: 25 });
    expect(linearRule(policy([10]))).to.deep.equal({ minMs: 10, maxMs: 10 });
    expect(linearRule(policy([10, 60, 600]))).to.equal(undefined);
    expect(linearRule(policy([30, 20, 10]))).to.equal(undefined);
    expect(linearRule(policy([10, 18, 27]))).to.equal(undefined);
    expect(linearRule(policy([10, 18, 27], 0.2))).to.deep.equal({ minMs: 10, maxMs: 30 });
    expect(linearRule(policy([]))).to.equal(undefined);
  });
});
