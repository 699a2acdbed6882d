import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { StreamPosition } from './stream-position.js';

function position(): StreamPosition {
  const made = new StreamPosition(new FakeClock());
  made.began();
  return made;
}

describe('StreamPosition', () => {
  it('goes on behind what is done with', () => {
    const it = position();
    for (const offset of [5, 6, 7]) it.took(offset);
    it.done(5);
    it.done(6);
    expect(it.start(false)).to.deep.equal({ offset: 7 });
  });

  it('goes on at the first that is not done with, whatever is done with behind it', () => {
    const it = position();
    for (const offset of [5, 6, 7]) it.took(offset);
    it.done(7);
    it.done(6);
    expect(it.start(false)).to.deep.equal({ offset: 5 });
    it.began();
    expect([5, 6, 7, 8].map((offset) => it.took(offset))).to.deep.equal([true, false, false, true]);
    it.done(5);
    expect(it.start(false)).to.deep.equal({ offset: 8 });
  });

  it('takes nothing twice that is done with, though a chunk brings it again', () => {
    const it = position();
    it.took(5);
    it.done(5);
    it.began();
    expect([4, 5, 6].map((offset) => it.took(offset))).to.deep.equal([false, false, true]);
  });

  it('goes on with what the stream still has', () => {
    const it = position();
    for (const offset of [5, 6]) it.took(offset);
    it.done(6);
    it.began();
    it.took(100);
    expect(it.start(false), 'as if 5 had never been').to.deep.equal({ offset: 7 });
    it.done(100);
    expect(it.start(false)).to.deep.equal({ offset: 101 });
  });

  it('begins as the options say before the first message, and at its own beginning when they say the end', () => {
    const clock = new FakeClock();
    const it = new StreamPosition(clock);
    expect(it.start(true)).to.equal(undefined);
    it.began();
    const seconds = Math.floor((clock.now() - 10_000) / 1000);
    expect(it.start(true)).to.deep.equal({ timestamp: seconds });
    expect(it.start(false)).to.equal(undefined);
  });

  it('goes on behind an offset that was stored', () => {
    const it = position();
    it.startBehind(41);
    expect(it.start(true)).to.deep.equal({ offset: 42 });
    expect([41, 42].map((offset) => it.took(offset))).to.deep.equal([false, true]);
  });
});
