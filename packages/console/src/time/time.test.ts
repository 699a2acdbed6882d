import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { every } from './every.js';
import { RateMeter } from './rate-meter.js';

describe('every', () => {
  it('does the work again so long after it has ended', async () => {
    const clock = new FakeClock();
    const ends: (() => void)[] = [];
    const stop = every(clock, 100, () => new Promise<void>((resolve) => ends.push(resolve)));
    await clock.advance(1_000);
    expect(ends).to.have.lengthOf(1);
    ends[0]?.();
    await clock.advance(99);
    expect(ends).to.have.lengthOf(1);
    await clock.advance(1);
    expect(ends).to.have.lengthOf(2);
    stop();
    ends[1]?.();
    await clock.advance(1_000);
    expect([ends.length, clock.waits]).to.deep.equal([2, []]);
  });

  it('leaves no timer when it is stopped while it waits', async () => {
    const clock = new FakeClock();
    let calls = 0;
    const stop = every(clock, 100, () => void calls++);
    await clock.advance(100);
    expect(clock.waits).to.deep.equal([100]);
    stop();
    expect(clock.waits).to.deep.equal([]);
    await clock.advance(1_000);
    expect(calls).to.equal(1);
  });
});

describe('RateMeter', () => {
  it('needs half a second, and looks back for five', async () => {
    const clock = new FakeClock();
    const meter = new RateMeter(clock);
    meter.see(0);
    clock.pass(499);
    expect(meter.see(10)).to.equal(undefined);
    clock.pass(1);
    expect(meter.see(10)).to.equal(20);
    clock.pass(4_500);
    expect(meter.see(10)).to.equal(2);
    clock.pass(1);
    expect(meter.see(10), 'the first is forgotten').to.equal(0);
  });

  it('rounds to a tenth', () => {
    const clock = new FakeClock();
    const meter = new RateMeter(clock);
    meter.see(0);
    clock.pass(3_000);
    expect(meter.see(1)).to.equal(0.3);
  });
});
