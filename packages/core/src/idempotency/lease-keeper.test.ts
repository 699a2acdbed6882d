import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import { LeaseKeeper } from './lease-keeper.js';

describe('LeaseKeeper', () => {
  let clock: FakeClock;
  let failures: unknown[];
  /** Answers the renewal that is under way. */
  let answer: (renewed: boolean) => void;
  let refuse: (error: unknown) => void;
  let asked: number;

  beforeEach(() => {
    clock = new FakeClock();
    failures = [];
    asked = 0;
  });

  const keep = (renewEveryMs: number | 'never' = 1000, elapsedMs = 0) =>
    new LeaseKeeper({
      leaseMs: 3000,
      elapsedMs,
      renewEveryMs: renewEveryMs === 'never' ? undefined : renewEveryMs,
      clock,
      renew: () => {
        asked++;
        return new Promise((resolve, reject) => {
          answer = resolve;
          refuse = reject;
        });
      },
      onFailure: (error) => failures.push(error),
    });

  it('counts the lease from the question', () => {
    keep('never', 400);
    expect(clock.waits).to.deep.equal([2600]);
    keep('never', 4000);
    expect(clock.waits[0]).to.equal(0);
  });

  it('lets the lease run, and the wait for the next renewal, from each question of its own', async () => {
    keep();
    await clock.advance(1000);
    await clock.advance(300);
    answer(true);
    await turn();
    expect(clock.waits).to.deep.equal([700, 2700]);
  });

  it('waits at least a millisecond where the answer took longer than the wait between two', async () => {
    keep();
    await clock.advance(1000);
    await clock.advance(1500);
    answer(true);
    await turn();
    expect(clock.waits).to.deep.equal([1, 1500]);
  });

  it('asks again soon when nobody knows, and no sooner than in 10 ms', async () => {
    keep();
    await clock.advance(1000);
    refuse(new Error('away'));
    await turn();
    expect([failures.length, clock.waits]).to.deep.equal([1, [250, 2000]]);
    keep(8);
    await clock.advance(8);
    refuse(new Error('away'));
    await turn();
    expect(clock.waits[0]).to.equal(10);
  });

  it('is lost when the store says so, once, and leaves no timer', async () => {
    const keeper = keep();
    let told = 0;
    keeper.addEventListener('abort', () => told++);
    const { signal } = keeper;
    await clock.advance(1000);
    answer(false);
    await turn();
    expect([keeper.aborted, signal.aborted, told, clock.waits]).to.deep.equal([true, true, 1, []]);
    expect(keeper.reason).to.include({ code: 'LEV_CLAIM_LOST' });
    expect(signal.reason).to.equal(keeper.reason);
    await clock.advance(10_000);
    expect(told).to.equal(1);
  });

  it('gives a signal that has fired to whoever asks behind the loss', async () => {
    const keeper = keep('never');
    expect(keeper.reason).to.equal(undefined);
    await clock.advance(3000);
    expect(keeper.signal.aborted).to.equal(true);
    expect(keeper.signal.reason).to.equal(keeper.reason);
    expect(keeper.signal).to.equal(keeper.signal);
  });

  for (const [how, settle] of [
    ['a yes', () => answer(true)],
    ['a no', () => answer(false)],
    ['a failure', () => refuse(new Error('away'))],
  ] as const) {
    it(`begins nothing anew by ${how} that comes behind the end of the lease`, async () => {
      const keeper = keep();
      await clock.advance(1000);
      await clock.advance(2000);
      expect([keeper.aborted, asked]).to.deep.equal([true, 1]);
      const { reason } = keeper;
      settle();
      await turn();
      expect([clock.waits, keeper.reason === reason]).to.deep.equal([[], true]);
    });

    it(`begins nothing anew by ${how} that comes behind stop(), which waits for it`, async () => {
      const keeper = keep();
      await clock.advance(1000);
      let stopped = false;
      const stop = keeper.stop().then(() => {
        stopped = true;
      });
      await turn();
      expect([stopped, clock.waits]).to.deep.equal([false, []]);
      settle();
      await stop;
      expect([clock.waits, keeper.aborted]).to.deep.equal([[], false]);
    });
  }

  it('asks no more when the lease ends before the next try', async () => {
    const keeper = keep();
    await clock.advance(1000);
    await clock.advance(1900);
    refuse(new Error('away'));
    await turn();
    expect(clock.waits).to.deep.equal([100, 250]);
    await clock.advance(100);
    expect([keeper.aborted, asked, clock.waits]).to.deep.equal([true, 1, []]);
  });

  it('leaves no timer when it is stopped, and waits for no renewal that has ended', async () => {
    const keeper = keep();
    await clock.advance(1000);
    answer(true);
    await turn();
    await keeper.stop();
    expect([clock.waits, asked]).to.deep.equal([[], 1]);
  });

  it('keeps no process alive', () => {
    keep();
    expect(clock.waitsForUs).to.deep.equal([]);
  });
});
