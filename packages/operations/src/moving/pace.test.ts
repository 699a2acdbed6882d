import type { Clock } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Pace } from './pace.js';

/** A clock whose timers end at once, and take it there. */
class JumpingClock implements Clock {
  ms = 0;
  now = () => this.ms;
  monotonic = () => this.ms;
  after(ms: number, callback: () => void): () => void {
    this.ms += ms;
    callback();
    return () => {};
  }
}

describe('Pace', () => {
  it('lets so many go in a second, the first at once', async () => {
    const clock = new JumpingClock();
    const pace = new Pace(clock, 50);
    for (let index = 0; index < 101; index++) expect(await pace.next()).to.equal(true);
    expect(clock.ms).to.equal(2000);
  });

  it('makes up for late timers, not for a pause', async () => {
    const clock = new JumpingClock();
    const pace = new Pace(clock, 50);
    await pace.next();
    clock.ms += 10_000;
    const from = clock.ms;
    for (let index = 0; index < 20; index++) await pace.next();
    expect(clock.ms - from).to.be.within(260, 300);
  });

  it('does not wait without a rate, nor when it is stopped', async () => {
    const clock = new JumpingClock();
    for (let index = 0; index < 1000; index++) expect(await new Pace(clock, undefined).next()).to.equal(true);
    expect(clock.ms).to.equal(0);
    const stop = new AbortController();
    stop.abort();
    expect(await new Pace(clock, undefined).next(stop.signal)).to.equal(false);
  });
});
