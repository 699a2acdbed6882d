import { expect } from 'chai';
import { describe, it } from 'mocha';
import { toMilliseconds } from './duration.js';
import { VirtualClock } from './virtual-clock.js';

describe('VirtualClock', () => {
  it('runs what falls due on the way, in order, before advance returns', () => {
    const clock = new VirtualClock({ running: false });
    const calls: string[] = [];
    clock.schedule(() => calls.push(`late at ${clock.now()}`), 60_000);
    clock.schedule(() => calls.push(`early at ${clock.now()}`), 1_000);
    clock.schedule(() => calls.push('too late'), 60_001);
    clock.advance('1m');
    expect(calls).to.deep.equal(['early at 1000', 'late at 60000']);
    expect(clock.now()).to.equal(60_000);
  });

  it('runs calls that were scheduled by other calls within the same advance', () => {
    const clock = new VirtualClock({ running: false });
    const at: number[] = [];
    const again = (): void => {
      at.push(clock.now());
      if (at.length < 4) clock.schedule(again, 10);
    };
    clock.schedule(again, 10);
    clock.advance(35);
    expect(at).to.deep.equal([10, 20, 30]);
  });

  it('keeps the order of calls that are due at the same time', () => {
    const clock = new VirtualClock({ running: false });
    const calls: number[] = [];
    for (let i = 0; i < 50; i++) clock.schedule(() => calls.push(i), 5);
    clock.advance(5);
    expect(calls).to.deep.equal(Array.from({ length: 50 }, (_, i) => i));
  });

  it('forgets cancelled calls', () => {
    const clock = new VirtualClock({ running: false });
    let called = false;
    clock
      .schedule(() => {
        called = true;
      }, 5)
      .cancel();
    clock.advance(10);
    expect(called).to.equal(false);
  });

  it('says when the next call falls due, cancelled ones left out', () => {
    const clock = new VirtualClock({ running: false });
    expect(clock.nextDueAt).to.equal(undefined);
    clock.schedule(() => {}, 50);
    const sooner = clock.schedule(() => {}, 20);
    expect(clock.nextDueAt).to.equal(20);
    sooner.cancel();
    expect(clock.nextDueAt).to.equal(50);
    clock.advance(50);
    expect(clock.nextDueAt).to.equal(undefined);
  });

  it('moves wall time along with it', () => {
    const clock = new VirtualClock({ running: false, startAt: 1_000_000 });
    clock.advance('2s');
    expect(clock.wallTime()).to.equal(1_002_000);
  });

  it('fires by itself while running', async () => {
    const clock = new VirtualClock();
    await new Promise<void>((resolve) => clock.schedule(resolve, 1));
    clock.stop();
  });

  it('fires what was scheduled last and is due first, and what is left behind that', async () => {
    const clock = new VirtualClock();
    const calls: string[] = [];
    clock.schedule(() => calls.push('in an hour'), 3_600_000);
    await new Promise<void>((resolve) => {
      clock.schedule(() => {
        calls.push('second');
        resolve();
      }, 5);
      clock.schedule(() => calls.push('first'), 1);
    });
    expect(calls).to.deep.equal(['first', 'second']);
    clock.stop();
  });

  it('fires by itself what an advance has brought near', async () => {
    const clock = new VirtualClock();
    const called = new Promise<void>((resolve) => clock.schedule(resolve, 3_600_000));
    clock.advance(3_599_999);
    await called;
    clock.stop();
  });

  it('can be used again behind a stop', async () => {
    const clock = new VirtualClock();
    clock.schedule(() => {}, 1_000);
    clock.stop();
    expect(clock.nextDueAt).to.equal(undefined);
    // Later than what it had forgotten.
    const called = new Promise<void>((resolve) => clock.schedule(resolve, 2_000));
    clock.advance(1_999);
    await called;
    clock.stop();
  });

  it('keeps no process alive', () => {
    const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
    const before = timers();
    const clock = new VirtualClock();
    clock.schedule(() => {}, 60_000);
    expect(timers()).to.equal(before);
    clock.stop();
  });

  it('never fires early, and rounds parts of a millisecond up', () => {
    const clock = new VirtualClock({ running: false });
    clock.schedule(() => {}, 0.2);
    expect(clock.nextDueAt).to.equal(1);
    clock.stop();
    clock.schedule(() => {}, -5);
    expect(clock.nextDueAt).to.equal(0);
  });

  it('goes on behind a callback that throws', () => {
    const clock = new VirtualClock({ running: false });
    let called = false;
    clock.schedule(() => {
      throw new Error('broken');
    }, 1);
    clock.schedule(() => {
      called = true;
    }, 2);
    expect(() => clock.advance(5)).to.throw('broken');
    clock.advance(5);
    expect(called).to.equal(true);
  });

  it('fires nothing after it was stopped', () => {
    const clock = new VirtualClock({ running: false });
    let called = false;
    clock.schedule(() => {
      called = true;
    }, 5);
    clock.stop();
    clock.advance(10);
    expect(called).to.equal(false);
  });
});

describe('toMilliseconds', () => {
  it('reads units', () => {
    expect(['15ms', '2s', '1.5m', '1h', '1d', 7].map(toMilliseconds)).to.deep.equal([
      15, 2_000, 90_000, 3_600_000, 86_400_000, 7,
    ]);
  });

  it('refuses what is no duration, and says what is', () => {
    for (const bad of ['soon', '-1s', -1, Number.NaN, '']) {
      expect(() => toMilliseconds(bad)).to.throw(TypeError, 'expected milliseconds');
    }
  });
});
