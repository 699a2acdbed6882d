import { expect } from 'chai';
import { describe, it } from 'mocha';
import { countdownText, durationText, exactText, relativeText, ruleText, spanText } from './time-text.js';

const NOW = Date.UTC(2026, 10, 27, 10, 4, 11, 250);

describe('texts of time', () => {
  it('says how long in the largest whole unit', () => {
    const texts = [-5, 0, 999, 59_999, 60_000, 3_599_999, 3_600_000, 86_400_000 * 12].map(spanText);
    expect(texts).to.deep.equal(['0 s', '0 s', '0 s', '59 s', '1 min', '59 min', '1 h', '12 d']);
  });

  it('says how long as exactly as a person wants it', () => {
    const texts = [12, 1400, 59_000, 60_000, 125_000, 12_000_000, 187_200_000].map(durationText);
    expect(texts).to.deep.equal(['12 ms', '1.4 s', '59 s', '1 min', '2 min 5 s', '3 h 20 min', '2 d 4 h']);
  });

  it('says when, before and behind now', () => {
    expect(relativeText(NOW - 5 * 60_000, NOW)).to.equal('5 min ago');
    expect(relativeText(NOW + 3 * 3_600_000, NOW)).to.equal('in 3 h');
    expect(relativeText(NOW - 999, NOW)).to.equal('now');
    expect(relativeText(NOW - 1000, NOW)).to.equal('1 s ago');
  });

  it('says exactly when, and that what is no time is none', () => {
    expect(exactText(NOW)).to.equal('2026-11-27 10:04:11.250 UTC');
    expect(exactText(Number.NaN)).to.equal('no time');
    expect(exactText(1e20)).to.equal('no time');
  });

  it('says rules in units of people', () => {
    const texts = ['every 20000 ms', 'every 86400000 ms', 'every 5400000 ms', '0 3 * * *'].map(ruleText);
    expect(texts).to.deep.equal(['every 20 s', 'every 1 d', 'every 1 h 30 min', '0 3 * * *']);
  });

  it('counts down', () => {
    expect([0, -1, 1, 61_000, 298_000, 3_723_000].map(countdownText)).to.deep.equal([
      '0:00',
      '0:00',
      '0:01',
      '1:01',
      '4:58',
      '1:02:03',
    ]);
  });
});
