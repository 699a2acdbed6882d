import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Lanes, SLOW_MS } from './lanes.js';

describe('Lanes', () => {
  it('let as many go to a destination as may be on their way', () => {
    const lanes = new Lanes(3);
    expect(lanes.allowance('q', 0).rows).to.equal(3);
    lanes.sent('q', 1, 0);
    expect(lanes.allowance('q', 10).rows).to.equal(2);
    lanes.answered('q', 1, 20);
    expect(lanes.allowance('q', 30).rows).to.equal(3);
  });

  it('try a destination that has been silent for two seconds with one message at a time', () => {
    const lanes = new Lanes(10);
    for (let id = 1; id <= 5; id++) lanes.sent('mute', id, 0);
    expect(lanes.allowance('mute', SLOW_MS).rows).to.equal(5);
    expect(lanes.allowance('mute', SLOW_MS + 1).rows).to.equal(1);
    lanes.sent('mute', 6, SLOW_MS + 1);
    expect(lanes.allowance('mute', SLOW_MS + 2).rows).to.equal(0);
    expect(lanes.allowance('other', SLOW_MS + 2).rows).to.equal(10);
    expect(lanes.slow(SLOW_MS + 2)).to.deep.equal([1, 2, 3, 4, 5]);
    lanes.answered('mute', 6, SLOW_MS + 3);
    expect(lanes.allowance('mute', SLOW_MS + 4).rows).to.equal(5);
  });

  it('do not suspect a destination that answers to others', () => {
    const lanes = new Lanes(10);
    lanes.sent('q', 1, 0);
    lanes.sent('q', 2, 0);
    lanes.answered('q', 2, SLOW_MS * 3);
    expect(lanes.allowance('q', SLOW_MS * 3 + 1).rows).to.equal(9);
    expect(lanes.silent('q', 1, SLOW_MS * 5)).to.deep.equal({ pauseMs: 0, othersAnswered: true });
  });

  it('leave a destination alone for longer from one silence to the next', () => {
    const lanes = new Lanes(10);
    const pauses: number[] = [];
    for (let id = 1, now = 0; id <= 8; id++) {
      lanes.sent('mute', id, now);
      now += 10_000;
      const { pauseMs, othersAnswered } = lanes.silent('mute', id, now);
      expect(othersAnswered).to.equal(false);
      pauses.push(pauseMs);
      expect(lanes.allowance('mute', now + pauseMs - 1)).to.include({ rows: 0, deferMs: 1 });
      now += pauseMs;
      expect(lanes.allowance('mute', now).rows).to.equal(1);
    }
    expect(pauses[0]).to.be.within(1_000, 1_200);
    expect(pauses[1]).to.be.within(2_000, 2_400);
    expect(pauses[7]).to.be.within(30_000, 36_000);
  });

  it('take it for one silence when several that were sent together have no answer', () => {
    const lanes = new Lanes(10);
    for (let id = 1; id <= 5; id++) lanes.sent('mute', id, 0);
    const pauses = [1, 2, 3, 4, 5].map((id) => lanes.silent('mute', id, 10_000 + id).pauseMs);
    for (const pauseMs of pauses) expect(pauseMs).to.be.within(990, 1_200);
  });

  it('know whether the broker answered to anything meanwhile', () => {
    const lanes = new Lanes(10);
    lanes.sent('good', 1, 0);
    lanes.answered('good', 1, 5);
    lanes.sent('mute', 2, 10);
    expect(lanes.silent('mute', 2, 9_000).othersAnswered).to.equal(false);
    lanes.sent('mute', 3, 20_000);
    lanes.sent('good', 4, 20_001);
    lanes.answered('good', 4, 20_002);
    expect(lanes.silent('mute', 3, 30_000).othersAnswered).to.equal(true);
  });

  it('forget a destination that nothing was sent to for long', () => {
    const lanes = new Lanes(10);
    lanes.sent('mute', 1, 0);
    lanes.silent('mute', 1, 10);
    lanes.sent('mute 2', 2, 1_000_000);
    lanes.silent('mute 2', 2, 1_000_010);
    expect(lanes.allowance('mute', 20).rows).to.equal(10);
  });
});
