import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { DeadlineTimer } from './deadline-timer.js';

function setUp() {
  const clock = new FakeClock();
  const fired: number[] = [];
  const beganAt = clock.monotonic();
  const timer = new DeadlineTimer(clock, (now) => {
    expect(now).to.equal(clock.monotonic());
    fired.push(clock.elapsed);
  });
  return { clock, fired, timer, armAt: (ms: number) => timer.arm(beganAt + ms) };
}

describe('DeadlineTimer', () => {
  it('fires once, at the earliest that was armed, and again when it is armed anew', async () => {
    const { clock, fired, armAt } = setUp();
    for (const due of [500, 800, 200, 200, 300]) armAt(due);
    expect(clock.waits).to.deep.equal([200]);
    await clock.advance(1000);
    expect(fired).to.deep.equal([200]);
    armAt(1500);
    await clock.advance(1000);
    expect(fired).to.deep.equal([200, 1500]);
  });

  it('fires a moment later for what is due already', async () => {
    const { clock, fired, armAt } = setUp();
    await clock.advance(100);
    armAt(50);
    expect(clock.waits).to.deep.equal([1]);
    await clock.advance(1);
    expect(fired).to.deep.equal([101]);
  });

  it('is armed again from within', async () => {
    const { clock, fired } = setUp();
    const timer: DeadlineTimer = new DeadlineTimer(clock, (now) => {
      fired.push(clock.elapsed);
      if (fired.length < 3) timer.arm(now + 10);
    });
    timer.arm(clock.monotonic() + 10);
    await clock.advance(100);
    expect(fired).to.deep.equal([10, 20, 30]);
  });

  it('leaves no timer when it is stopped, and can be armed again', async () => {
    const { clock, fired, timer, armAt } = setUp();
    armAt(100);
    timer.stop();
    timer.stop();
    expect(clock.waits).to.deep.equal([]);
    armAt(300);
    await clock.advance(1000);
    expect(fired).to.deep.equal([300]);
  });
});
