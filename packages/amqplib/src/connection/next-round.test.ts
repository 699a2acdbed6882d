import { expect } from 'chai';
import { describe, it } from 'mocha';
import { hostsOfRound, roundAfterLoss } from './next-round.js';

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

describe('hostsOfRound', () => {
  it('takes each host once, beginning where the last round ended', () => {
    expect(hostsOfRound(['a', 'b', 'c'], 0)).to.deep.equal(['a', 'b', 'c']);
    expect(hostsOfRound(['a', 'b', 'c'], 2)).to.deep.equal(['c', 'a', 'b']);
    expect(hostsOfRound(['a', 'b', 'c'], 7)).to.deep.equal(['b', 'c', 'a']);
    expect(hostsOfRound(['a'], 5)).to.deep.equal(['a']);
  });
});
