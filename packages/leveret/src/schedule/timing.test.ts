import { expect } from 'chai';
import fc from 'fast-check';
import { before, describe, it } from 'mocha';
import { cronTiming, everyTiming, loadCron } from './timing.js';

before(loadCron);

describe('everyTiming', () => {
  const timing = everyTiming(20_000);

  it('beats at equal distances, however late a beat was noticed', () => {
    expect(timing.first(1000)).to.equal(21_000);
    expect(timing.following(21_000, 21_000)).to.equal(41_000);
    expect(timing.following(21_000, 21_900)).to.equal(41_000);
    expect(timing.following(21_000, 41_000)).to.equal(61_000);
    expect(timing.following(21_000, 95_000)).to.equal(101_000);
  });

  it('has the next beat in the future and at most one distance away, however late it is asked', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), fc.integer({ min: 0, max: 1e12 }), (due, late) => {
        const next = timing.following(due, due + late);
        expect(next).to.be.above(due + late);
        expect((next ?? 0) - due - late).to.be.at.most(20_000);
      }),
    );
  });
});

describe('cronTiming', () => {
  const newYear = Date.UTC(2026, 0, 1);
  const iso = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString());

  it('follows the pattern in its time zone', () => {
    const timing = cronTiming('0 3 * * *', 'Europe/Berlin', newYear);
    expect(iso(timing.first(newYear))).to.equal('2026-01-01T02:00:00.000Z');
    expect(timing.text).to.equal('cron 0 3 * * * (Europe/Berlin)');
  });

  it('has one beat on days that are longer or shorter by an hour', () => {
    const timing = cronTiming('30 2 * * *', 'Europe/Berlin', newYear);
    const beats: (string | undefined)[] = [];
    let at = Date.UTC(2026, 9, 24);
    for (let i = 0; i < 3; i++) {
      at = timing.following(at, at) ?? 0;
      beats.push(iso(at)?.slice(0, 10));
    }
    expect(beats).to.deep.equal(['2026-10-24', '2026-10-25', '2026-10-26']);
  });

  it('skips what has passed', () => {
    const timing = cronTiming('* * * * *', 'UTC', newYear);
    expect(iso(timing.following(newYear, newYear + 150_000))).to.equal('2026-01-01T00:03:00.000Z');
  });

  it('repeats no beat when the clock is set back by an hour, and believes one that is set back by a day', () => {
    const timing = cronTiming('0 * * * *', 'UTC', newYear);
    const due = newYear + 86_400_000;
    expect(iso(timing.following(due, due - 3_600_000))).to.equal('2026-01-02T01:00:00.000Z');
    expect(iso(timing.following(due, due - 86_400_000))).to.equal('2026-01-01T01:00:00.000Z');
  });

  it('has no beat behind the last', () => {
    const timing = cronTiming('0 0 0 1 1 * 2027', 'UTC', newYear);
    const last = timing.first(newYear);
    expect(iso(last)).to.equal('2027-01-01T00:00:00.000Z');
    expect(timing.following(last ?? 0, last ?? 0)).to.equal(undefined);
  });

  it('refuses what is no pattern, no time zone, and never comes', () => {
    expect(() => cronTiming('often', undefined, newYear)).to.throw(TypeError, 'often');
    expect(() => cronTiming('* * * * *', 'Mars/Olympus', newYear)).to.throw(TypeError, 'Mars/Olympus');
    expect(() => cronTiming('0 0 30 2 *', undefined, newYear)).to.throw(RangeError, 'no moment');
  });
});
