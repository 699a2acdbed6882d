import { expect } from 'chai';
import { describe, it } from 'mocha';
import {
  ATTEMPTS_IN_HAND,
  countFailedRound,
  GIVEN_EVERY_MS,
  hostsOfRound,
  knockPauseMs,
  NO_FAILED_ROUNDS,
  NO_LOSSES,
  roundAfterLoss,
  SHORT_LIVED_MS,
} from './next-round.js';

const POLICY = { initialIntervalMs: 100, multiplier: 2, maxIntervalMs: 1500, jitter: 0.5 };
const noJitter = () => 0;

/** Loses connections that live for `lifeMs`, until `untilMs`; answers the pause behind each. */
function lose(lifeMs: number, untilMs: number, policy = POLICY): number[] {
  const pauses: number[] = [];
  let losses = NO_LOSSES;
  for (let now = lifeMs; now <= untilMs; ) {
    const next = roundAfterLoss(losses, { lastedMs: lifeMs, now }, policy, noJitter);
    pauses.push(next.inMs);
    losses = next.losses;
    now += next.inMs + lifeMs;
  }
  return pauses;
}

describe('roundAfterLoss', () => {
  it('tries at once after a connection that lasted, whatever was before', () => {
    const losses = { inHand: -1, at: 0, shortLived: 7 };
    expect(roundAfterLoss(losses, { lastedMs: 60_000, now: 60_000 }, POLICY, noJitter)).to.deep.equal({
      inMs: 0,
      losses: { inHand: 9, at: 60_000, shortLived: 0 },
    });
  });

  it('tries at once however often connections are cut that were of use, unless ten times faster than it may', () => {
    expect(new Set(lose(1000, 600_000))).to.deep.equal(new Set([0]));
    expect(new Set(lose(GIVEN_EVERY_MS, 600_000))).to.deep.equal(new Set([0]));
    expect(lose(SHORT_LIVED_MS, 1000)).to.deep.equal(Array.from({ length: 10 }, () => 0));
  });

  it('waits for its next try when it has none in hand, never longer than that takes', () => {
    const pauses = lose(SHORT_LIVED_MS, 600_000);
    expect(Math.max(...pauses)).to.be.at.most(GIVEN_EVERY_MS);
    expect(pauses.at(-1)).to.equal(GIVEN_EVERY_MS - SHORT_LIVED_MS);
  });

  it('makes no more attempts than it is given, however long connections last', () => {
    const at = [0, 1, 50, 99, 100, 101, 200, 300, 349, 350];
    for (const lifeMs of at) {
      const tries = lose(lifeMs, 10_000).length;
      expect(tries, `${lifeMs} ms`).to.be.at.most(ATTEMPTS_IN_HAND + 10_000 / GIVEN_EVERY_MS + 1);
    }
  });

  it('pauses longer and longer when connections end as soon as they are open, but for the first', () => {
    expect(lose(10, 4500)).to.deep.equal([0, 100, 200, 400, 800, 1500, 1500]);
  });

  it('forgets them with the first that was of use', () => {
    const losses = { inHand: 5, at: 0, shortLived: 6 };
    const next = roundAfterLoss(losses, { lastedMs: SHORT_LIVED_MS, now: 0 }, POLICY, noJitter);
    expect(next.inMs).to.equal(0);
    expect(next.losses.shortLived).to.equal(0);
  });

  it('is given tries as slowly as pauses are asked for', () => {
    const pauses = lose(1000, 120_000, { ...POLICY, initialIntervalMs: 5000, maxIntervalMs: 60_000 });
    expect(pauses.filter((ms) => ms === 0)).to.have.lengthOf(12);
    expect(Math.max(...pauses)).to.equal(4000);
  });

  it('only ever lengthens a pause by its jitter', () => {
    const losses = { inHand: 5, at: 0, shortLived: 1 };
    const next = roundAfterLoss(losses, { lastedMs: 10, now: 10 }, POLICY, () => 0.999);
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
