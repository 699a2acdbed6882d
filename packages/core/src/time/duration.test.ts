import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { ConfigurationError, Problems } from '../errors/configuration-error.js';
import { checkDuration, durationMs, MAX_TIMER_MS, parseDuration } from './duration.js';

describe('parseDuration', () => {
  const cases: readonly [unknown, number | undefined][] = [
    [0, 0],
    [250, 250],
    [1.5, 1.5],
    ['0ms', 0],
    ['500ms', 500],
    ['1s', 1000],
    ['1000ms', 1000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    [-1, undefined],
    [Number.NaN, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    ['', undefined],
    ['10', undefined],
    ['1 s', undefined],
    ['-1s', undefined],
    ['1S', undefined],
    ['1e3ms', undefined],
    ['.5s', undefined],
    [`${'9'.repeat(400)}d`, undefined],
    [null, undefined],
    [undefined, undefined],
    [true, undefined],
    [{}, undefined],
    [10n, undefined],
  ];
  for (const [value, ms] of cases) {
    const shown = typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? 'undefined');
    it(`reads ${shown.slice(0, 20)} (${typeof value}) as ${ms}`, () => {
      expect(parseDuration(value)).to.equal(ms);
    });
  }

  it('never answers a negative number, NaN or Infinity, whatever comes', () => {
    const texts = fc
      .tuple(fc.double({ min: 0 }), fc.constantFrom('ms', 's', 'm', 'h', 'd'))
      .map(([n, u]) => `${n}${u}`);
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.double(), texts), (value) => {
        const ms = parseDuration(value);
        return ms === undefined || (Number.isFinite(ms) && ms >= 0);
      }),
    );
  });
});

describe('durationMs', () => {
  it('answers milliseconds', () => {
    expect(durationMs('2s', 'timeout')).to.equal(2000);
  });

  it('names the option and what came when it is not a duration', () => {
    expect(() => durationMs('soon', 'timeout'))
      .to.throw(ConfigurationError)
      .with.property('message')
      .that.matches(/timeout must be milliseconds.*got "soon"/);
  });
});

describe('checkDuration', () => {
  it('notes a fault and answers the fallback', () => {
    const problems = new Problems();
    expect(checkDuration('soon', 'interval', 7, problems)).to.equal(7);
    expect(problems.list).to.have.lengthOf(1);
    expect(problems.list[0]).to.contain('interval must be').and.to.contain('"soon"');
  });

  it('refuses what no timer can hold', () => {
    const problems = new Problems();
    expect(checkDuration(MAX_TIMER_MS, 'interval', 7, problems)).to.equal(MAX_TIMER_MS);
    expect(problems.list).to.deep.equal([]);
    expect(checkDuration(MAX_TIMER_MS + 1, 'interval', 7, problems)).to.equal(7);
    expect(problems.list).to.have.lengthOf(1);
  });
});
