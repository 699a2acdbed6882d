import { expect } from 'chai';
import { describe, it } from 'mocha';
import { countFailedRound, hostsOfRound, knockPauseMs, NO_FAILED_ROUNDS, roundAfterLoss } from './next-round.js';

const POLICY = { initialIntervalMs: 100, multiplier: 2, maxIntervalMs: 1500, jitter: 0.5 };
const noJitter = () => 0;

describe('roundAfterLoss', () => {
  it('tries at once after a connection that lasted', () => {
    expect(roundAfterLoss({ lastedMs: 60_000, shortLivedBefore: 7 }, POLICY, noJitter)).to.deep.equal({
      inMs: 0,
      shortLived: 0,
    });
  });

  it('tries at once after the first short-lived connection, then pauses longer and longer', () => {
    const waits: number[] = [];
    let shortLived = 0;
    for (let loss = 0; loss < 7; loss++) {
      const next = roundAfterLoss({ lastedMs: 10, shortLivedBefore: shortLived }, POLICY, noJitter);
      waits.push(next.inMs);
      shortLived = next.shortLived;
    }
    expect(waits).to.deep.equal([0, 100, 200, 400, 800, 1500, 1500]);
  });

  it('only ever lengthens a pause by its jitter', () => {
    const next = roundAfterLoss({ lastedMs: 10, shortLivedBefore: 1 }, POLICY, () => 0.999);
    expect(next.inMs).to.be.within(100, 150);
  });
});

describe('countFailedRound', () => {
  it('counts on while nobody answers', () => {
    const once = countFailedRound(NO_FAILED_ROUNDS, false);
    expect(once).to.deep.equal({ rounds: 1, early: 0 });
    expect(countFailedRound(once, false)).to.deep.equal({ rounds: 2, early: 0 });
  });

  it('begins at the shortest pause again when a host answers, and each time a step later', () => {
    expect(countFailedRound({ rounds: 9, early: 0 }, true)).to.deep.equal({ rounds: 1, early: 1 });
    expect(countFailedRound({ rounds: 9, early: 4 }, true)).to.deep.equal({ rounds: 5, early: 5 });
  });
});

describe('knockPauseMs', () => {
  const policy = { ...POLICY, knockIntervalMs: 40 };
  const half = () => 0.5;

  it('is short however often nobody answers', () => {
    expect(knockPauseMs(0, 0, policy, noJitter)).to.equal(40);
    expect(knockPauseMs(40_000, 0, policy, noJitter)).to.equal(40);
  });

  it('is a thousandth of a long outage, and never longer than the pauses between rounds', () => {
    expect(knockPauseMs(300_000, 0, policy, noJitter)).to.equal(300);
    expect(knockPauseMs(86_400_000, 0, policy, noJitter)).to.equal(1500);
  });

  it('doubles with every round that failed although a host answered', () => {
    expect([0, 1, 2, 3, 9].map((early) => knockPauseMs(0, early, policy, noJitter))).to.deep.equal([
      40, 80, 160, 320, 1500,
    ]);
  });

  it('is up to half as long again, so that clients do not knock together', () => {
    expect(knockPauseMs(0, 0, policy, half)).to.equal(50);
  });

  it('is not at all when the interval is 0', () => {
    expect(knockPauseMs(0, 0, { ...policy, knockIntervalMs: 0 }, noJitter)).to.equal(undefined);
  });
});

describe('hostsOfRound', () => {
  it('takes each host once, beginning where the last round ended', () => {
    expect(hostsOfRound(['a', 'b', 'c'], 0)).to.deep.equal(['a', 'b', 'c']);
    expect(hostsOfRound(['a', 'b', 'c'], 2)).to.deep.equal(['c', 'a', 'b']);
    expect(hostsOfRound(['a', 'b', 'c'], 7)).to.deep.equal(['b', 'c', 'a']);
    expect(hostsOfRound(['a'], 5)).to.deep.equal(['a']);
  });
});
