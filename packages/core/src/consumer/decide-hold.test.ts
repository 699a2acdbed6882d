import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { decideHold, meets, type Obstacle } from './decide-hold.js';

const LEAST = () => 0;
const inProgress = (retryAfterMs: number): Obstacle => ({ kind: 'in-progress', key: 'm-1', retryAfterMs });
const unknown = (failuresInARow: number): Obstacle => ({ kind: 'unknown', failuresInARow });

/** All waits until the delivery is given back, when each is met by the same obstacle. */
function waits(obstacleAt: (heldMs: number, times: number) => Obstacle): readonly number[] {
  const all: number[] = [];
  let ms = 0;
  for (let times = 1; times < 1000; times++) {
    const decision = decideHold(obstacleAt(ms, times), { ms, times }, LEAST);
    if (decision.kind === 'give-back') return all;
    all.push(decision.delayMs);
    ms += decision.delayMs;
  }
  throw new Error('held for ever');
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

describe('decideHold', () => {
  it('asks soon for what is being handled elsewhere, then less often, and gives it back after 30 s', () => {
    const asked = waits((ms) => inProgress(60_000 - ms));
    expect(asked).to.deep.equal([250, 500, 1000, 2000, 4000, 5000, 5000, 5000, 5000, 2250]);
    expect(sum(asked)).to.equal(30_000);
  });

  it('asks when the claim can end, if that is sooner, but not without a breath', () => {
    expect(decideHold(inProgress(120), { ms: 0, times: 5 }, LEAST)).to.deep.equal({ kind: 'wait', delayMs: 120 });
    expect(decideHold(inProgress(0), { ms: 0, times: 5 }, LEAST)).to.deep.equal({ kind: 'wait', delayMs: 10 });
  });

  it('holds longer while a long lease runs, so that few deliveries are spent on it', () => {
    const leaseMs = 30 * 60_000;
    let givenBack = 0;
    for (let now = 0; now < leaseMs; givenBack++) {
      const began = now;
      now = began + sum(waits((ms) => inProgress(Math.max(leaseMs - began - ms, 5000))));
    }
    expect(givenBack).to.be.below(20);
  });

  it('waits longer with each failure of the store, and gives back after 5 minutes', () => {
    const asked = waits((_ms, times) => unknown(times));
    expect(asked.slice(0, 7)).to.deep.equal([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(sum(asked)).to.equal(300_000);
  });

  it('never waits past its bound, whatever the obstacle', () => {
    const obstacle = fc.oneof(
      fc.double({ min: 0, noNaN: true }).map(inProgress),
      fc.nat().map((n) => unknown(n + 1)),
    );
    fc.assert(
      fc.property(
        obstacle,
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.integer({ min: 1, max: 5000 }),
        (what, ms, times) => {
          const decision = decideHold(what, { ms, times });
          if (decision.kind === 'wait') expect(decision.delayMs + ms).to.be.within(ms, 300_000);
          else expect(ms).to.be.above(29_990);
        },
      ),
    );
  });
});

describe('meets', () => {
  it('counts obstacles of one kind in a row, since the first of any', () => {
    const inProgress: Obstacle = { kind: 'in-progress', key: 'k', retryAfterMs: 1 };
    const unknown: Obstacle = { kind: 'unknown', failuresInARow: 1 };
    const first = meets(inProgress, undefined, 100);
    const second = meets(inProgress, first, 200);
    const third = meets(inProgress, second, 300);
    const other = meets(unknown, third, 400);
    expect([first, second, third, other]).to.deep.equal([
      { kind: 'in-progress', since: 100, times: 1 },
      { kind: 'in-progress', since: 100, times: 2 },
      { kind: 'in-progress', since: 100, times: 3 },
      { kind: 'unknown', since: 100, times: 1 },
    ]);
  });
});
