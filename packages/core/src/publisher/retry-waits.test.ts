import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import type { PublishJob } from './publish-job.js';
import { aJob } from './publish-job.support.test.js';
import { RetryWaits } from './retry-waits.js';

function setUp() {
  const clock = new FakeClock();
  const due: { at: number; jobs: readonly PublishJob[] }[] = [];
  const waits = new RetryWaits(clock, (jobs) => due.push({ at: clock.elapsed, jobs }));
  return { clock, due, waits };
}

describe('RetryWaits', () => {
  it('hands out each job when its time has come, those of one moment together', async () => {
    const { clock, due, waits } = setUp();
    const [a, b, c, d] = [aJob(), aJob(), aJob(), aJob()];
    waits.add(a, 1000);
    waits.add(b, 300);
    await clock.advance(100);
    waits.add(c, 300);
    waits.add(d, 900);
    expect([waits.size, [...waits].length]).to.deep.equal([4, 4]);
    await clock.advance(10_000);
    expect(due).to.deep.equal([
      { at: 300, jobs: [b] },
      { at: 400, jobs: [c] },
      { at: 1000, jobs: [a, d] },
    ]);
    expect([waits.size, clock.waits]).to.deep.equal([0, []]);
  });

  it('has one timer, for the earliest, which keeps the process alive', async () => {
    const { clock, waits } = setUp();
    waits.add(aJob(), 500);
    waits.add(aJob(), 800);
    waits.add(aJob(), 200);
    expect([clock.waits, clock.waitsForUs]).to.deep.equal([[200], [200]]);
    await clock.advance(200);
    expect(clock.waits).to.deep.equal([300]);
  });

  it('hands out at once what waits for nothing', async () => {
    const { clock, due, waits } = setUp();
    waits.add(aJob(), 0);
    expect(clock.waits).to.deep.equal([0]);
    await clock.advance(0);
    expect([due.length, waits.size]).to.deep.equal([1, 0]);
  });

  it('does nothing more once it is stopped, and goes on with what comes then', async () => {
    const { clock, due, waits } = setUp();
    waits.add(aJob(), 500);
    waits.stop();
    waits.stop();
    expect(clock.waits).to.deep.equal([]);
    waits.add(aJob(), 100);
    await clock.advance(100);
    expect(due.map(({ at }) => at)).to.deep.equal([100]);
  });

  it('gives out of turn what is asked for, and tells of nothing when nothing is left', async () => {
    const { clock, due, waits } = setUp();
    const [a, b] = [aJob(), aJob()];
    waits.add(a, 100);
    waits.add(b, 200);
    expect(waits.take((job) => job === b)).to.deep.equal([b]);
    expect([...waits]).to.deep.equal([a]);
    waits.take(() => true);
    await clock.advance(1000);
    expect([due, clock.waits]).to.deep.equal([[], []]);
  });
});
