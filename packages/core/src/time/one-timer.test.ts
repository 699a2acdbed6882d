import { expect } from 'chai';
import * as fc from 'fast-check';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { systemClock } from './clock.js';
import { forLimits, withOneTimer } from './one-timer.js';

describe('withOneTimer', () => {
  it('calls each wait at its time, in their order, with one timer', async () => {
    const clock = new FakeClock();
    const shared = withOneTimer(clock);
    const called: string[] = [];
    for (const ms of [300, 100, 200]) shared.after(ms, () => called.push(`${ms} at ${clock.elapsed}`));
    expect(clock.waits).to.have.length(1);
    await clock.advance(1000);
    expect(called).to.deep.equal(['100 at 100', '200 at 200', '300 at 300']);
    expect(clock.waits).to.deep.equal([]);
  });

  it('calls none that was cancelled, also by another of the same moment', async () => {
    const clock = new FakeClock();
    const shared = withOneTimer(clock);
    const called: string[] = [];
    const cancels: (() => void)[] = [];
    shared.after(100, () => {
      called.push('a');
      for (const cancel of cancels) cancel();
    });
    cancels.push(shared.after(100, () => called.push('b')));
    shared.after(50, () => called.push('c'))();
    await clock.advance(100);
    expect(called).to.deep.equal(['a']);
  });

  it('calls those of one moment in the order in which they were begun, whatever was cancelled between them', async () => {
    const clock = new FakeClock();
    const shared = withOneTimer(clock);
    const called: string[] = [];
    const cancels = [...'abcdef'].map((name) => shared.after(100, () => called.push(name)));
    for (const index of [1, 0]) cancels[index]?.();
    await clock.advance(100);
    expect(called.join('')).to.equal('cdef');
  });

  it('calls all that are over when its timer comes late, the earliest first', () => {
    const called: number[] = [];
    let now = 0;
    let fire: () => void = () => expect.fail('no timer');
    const shared = withOneTimer({
      now: () => 0,
      monotonic: () => now,
      after: (_, callback) => {
        fire = callback;
        return () => {};
      },
    });
    for (const ms of [300, 100, 200, 900]) shared.after(ms, () => called.push(ms));
    now = 300;
    fire();
    expect(called).to.deep.equal([100, 200, 300]);
  });

  it('begins no timer for a wait that ends before another', async () => {
    const clock = new FakeClock();
    let begun = 0;
    const shared = withOneTimer({
      now: clock.now.bind(clock),
      monotonic: () => clock.monotonic(),
      after: (ms, callback) => {
        begun++;
        return clock.after(ms, callback);
      },
    });
    for (let message = 0; message < 1000; message++) shared.after(10_000, () => {})();
    expect(begun).to.equal(1);
  });

  it('does what timers do', async () => {
    const waits = fc.array(
      fc.record({ at: fc.nat(50), ms: fc.nat(50), cancelAt: fc.option(fc.nat(100), { nil: undefined }) }),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(waits, async (all) => {
        const run = async (clock: FakeClock, after: FakeClock['after']) => {
          const called: [number, number][] = [];
          for (let now = 0; now <= 110; now++) {
            for (const [number, { at, ms, cancelAt }] of all.entries()) {
              if (at !== now) continue;
              const cancel = after(ms, () => called.push([number, clock.elapsed]));
              if (cancelAt !== undefined) clock.after(Math.max(0, cancelAt - now) + 0.5, cancel);
            }
            await clock.advance(1);
          }
          return called.sort(([a], [b]) => a - b);
        };
        const [plain, other] = [new FakeClock(), new FakeClock()];
        const shared = withOneTimer(other);
        expect(await run(other, (ms, callback) => shared.after(ms, callback))).to.deep.equal(
          await run(plain, (ms, callback) => plain.after(ms, callback)),
        );
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });
});

describe('forLimits', () => {
  it('makes one timer of those of the process, and leaves another clock as it is', () => {
    const clock = new FakeClock();
    expect(forLimits(clock)).to.equal(clock);
    expect(forLimits(systemClock)).to.not.equal(systemClock);
  });
});
