import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../time/fake-clock.support.test.js';
import { DeadlineTimer } from './deadline-timer.js';

function setUp() {
  const clock = new FakeClock();
  const fired: number[] = [];
  return { clock, fired, timer: new DeadlineTimer(clock, (now) => fired.push(now)) };
}

describe('DeadlineTimer', () => {
  it('fires once, at the earliest that was armed, and again when it is armed anew', async () => {
    const { clock, fired, timer } = setUp();
    for (const due of [500, 800, 200, 200, 300]) timer.arm(due);
    expect(clock.waits).to.deep.equal([200]);
    await clock.advance(1000);
    expect(fired).to.deep.equal([200]);
    timer.arm(1500);
    await clock.advance(1000);
    expect(fired).to.deep.equal([200, 1500]);
  });

  it('fires a moment later for what is due already', async () => {
    const { clock, fired, timer } = setUp();
    await clock.advance(100);
    timer.arm(50);
    expect(clock.waits).to.deep.equal([1]);
    await clock.advance(1);
    expect(fired).to.deep.equal([101]);
  });

  it('is armed again from within', async () => {
    const { clock, fired } = setUp();
    const timer: DeadlineTimer = new DeadlineTimer(clock, (now) => {
      fired.push(now);
      if (fired.length < 3) timer.arm(now + 10);
    });
    timer.arm(10);
    await clock.advance(100);
    expect(fired).to.deep.equal([10, 20, 30]);
  });

  it('leaves no timer when it is stopped, and can be armed again', async () => {
    const { clock, fired, timer } = setUp();
    timer.arm(100);
    timer.stop();
    timer.stop();
    expect(clock.waits).to.deep.equal([]);
    timer.arm(300);
    await clock.advance(1000);
    expect(fired).to.deep.equal([300]);
  });
});
