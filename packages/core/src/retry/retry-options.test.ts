import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import { RETRY_OPTION } from './retry-options.js';

function resolve(value: unknown) {
  const problems = new Problems();
  const retry = RETRY_OPTION.read(value, 'retry', problems);
  return { retry, problems: problems.list };
}

describe('the option retry', () => {
  it('is no retry when it is left out or false', () => {
    expect([resolve(undefined), resolve(false)]).to.deep.equal(Array(2).fill({ retry: undefined, problems: [] }));
  });

  it('is three calls, a second apart, when it is merely switched on', () => {
    for (const value of [true, {}]) {
      const { retry, problems } = resolve(value);
      expect(problems).to.deep.equal([]);
      expect(retry).to.deep.include({
        maxAttempts: 3,
        stateless: true,
        backoff: { initialIntervalMs: 1000, multiplier: 1, maxIntervalMs: 10_000, jitter: 0 },
      });
      expect(retry?.retryable(new Error())).to.equal(true);
      expect(Object.isFrozen(retry)).to.equal(true);
    }
  });

  it('takes what is given, durations as numbers or text', () => {
    const retryable = () => false;
    const { retry, problems } = resolve({
      maxAttempts: 5,
      initialInterval: '1.5s',
      multiplier: 2,
      maxInterval: 60_000,
      jitter: 0.3,
      stateless: false,
      retryable,
    });
    expect(problems).to.deep.equal([]);
    expect(retry).to.deep.equal({
      maxAttempts: 5,
      stateless: false,
      retryable,
      backoff: { initialIntervalMs: 1500, multiplier: 2, maxIntervalMs: 60_000, jitter: 0.3 },
    });
  });

  it('lets an initial interval above the default maximum stand', () => {
    const { retry, problems } = resolve({ initialInterval: '30s' });
    expect(problems).to.deep.equal([]);
    expect(retry?.backoff).to.include({ initialIntervalMs: 30_000, maxIntervalMs: 30_000 });
  });

  it('takes each number up to its bounds', () => {
    const { retry, problems } = resolve({
      maxAttempts: 1,
      initialInterval: 0,
      maxInterval: 0,
      multiplier: 1,
      jitter: 1,
    });
    expect(problems).to.deep.equal([]);
    expect(retry).to.deep.include({
      maxAttempts: 1,
      backoff: { initialIntervalMs: 0, multiplier: 1, maxIntervalMs: 0, jitter: 1 },
    });
    expect(resolve({ initialInterval: '5s', maxInterval: '5s', jitter: 0 }).problems).to.deep.equal([]);
  });

  const faults: readonly [unknown, RegExp][] = [
    ['yes', /^retry must be true, false or an object; got "yes"/],
    [null, /^retry must be true, false or an object; got null/],
    [7, /^retry must be true, false or an object; got 7/],
    [{ maxAttempts: 0 }, /^retry.maxAttempts \(all calls of the handler\) must be a whole number from 1; got 0/],
    [{ maxAttempts: 2.5 }, /maxAttempts .* got 2.5/],
    [{ maxAttempt: 2 }, /^unknown option "maxAttempt" of retry\. Did you mean "maxAttempts"\?/],
    [{ initialInterval: 'soon' }, /^retry.initialInterval must be milliseconds .* got "soon"/],
    [{ initialInterval: -1 }, /^retry.initialInterval .* got -1/],
    [{ maxInterval: Number.NaN }, /^retry.maxInterval .* got NaN/],
    [
      { initialInterval: '2s', maxInterval: '1s' },
      /^retry.maxInterval \(1000 ms\) must not be shorter than .* \(2000 ms\)/,
    ],
    [{ multiplier: 0.5 }, /^retry.multiplier must be a number from 1; got 0.5/],
    [{ multiplier: Number.POSITIVE_INFINITY }, /^retry.multiplier must be a number from 1; got Infinity/],
    [{ multiplier: '2' }, /^retry.multiplier must be a number from 1; got "2"/],
    [{ jitter: 1.1 }, /^retry.jitter must be a number from 0 to 1; got 1.1/],
    [{ jitter: Number.NaN }, /^retry.jitter must be a number from 0 to 1; got NaN/],
    [{ stateless: 'no' }, /^retry.stateless must be true or false; got "no"/],
    [{ retryable: true }, /^retry.retryable must be a function of the error; got true/],
  ];
  for (const [value, text] of faults) {
    it(`refuses ${JSON.stringify(value)}: ${text.source.slice(0, 40)}`, () => {
      const { problems } = resolve(value);
      expect(problems).to.have.lengthOf(1);
      expect(problems[0]).to.match(text);
    });
  }

  it('reports every fault, not only the first', () => {
    expect(resolve({ maxAttempts: 0, multiplier: 0, jitter: 2, stateless: 1, x: 1 }).problems).to.have.lengthOf(5);
  });
});
