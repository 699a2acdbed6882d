import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type IsolatedLane, Isolation } from './isolation.js';

class Lane implements IsolatedLane {
  unsure = 0;
  hasConnectionSuspects = false;
  pumps = 0;

  pump(): void {
    this.pumps++;
  }
}

function setUp() {
  const isolation = new Isolation();
  const lanes = [new Lane(), new Lane(), new Lane()] as const;
  for (const lane of lanes) isolation.join(lane);
  return { isolation, lanes, pumps: () => lanes.map(({ pumps }) => pumps) };
}

describe('Isolation', () => {
  it('lets everybody write as long as nothing is under suspicion', () => {
    const { isolation, lanes } = setUp();
    lanes[1].unsure = 5;
    expect(lanes.map((lane) => isolation.allows(lane, false))).to.deep.equal([true, true, true]);
    expect(lanes.map((lane) => isolation.isHeldBesides(lane))).to.deep.equal([false, false, false]);
  });

  it('lets a suspect be written when nothing of others is in flight, and others wait from its first try on', () => {
    const { isolation, lanes } = setUp();
    const [one, two, three] = lanes;
    one.unsure = 3;
    two.unsure = 1;
    expect(isolation.allows(one, true)).to.equal(false);
    expect(lanes.map((lane) => isolation.allows(lane, false))).to.deep.equal([true, false, false]);
    expect(lanes.map((lane) => isolation.isHeldBesides(lane))).to.deep.equal([false, true, true]);
    two.unsure = 0;
    expect(isolation.allows(one, true)).to.equal(true);
    expect(isolation.allows(three, true)).to.equal(false);
  });

  it('goes on with its owner when another has nothing in flight any more', () => {
    const { isolation, lanes, pumps } = setUp();
    const [one, two] = lanes;
    isolation.pumped(two);
    expect(pumps()).to.deep.equal([0, 0, 0]);
    isolation.allows(one, true);
    two.unsure = 1;
    isolation.pumped(two);
    expect(pumps()).to.deep.equal([0, 0, 0]);
    two.unsure = 0;
    isolation.pumped(two);
    expect(pumps()).to.deep.equal([1, 0, 0]);
  });

  it('gives way to the others when its owner has no suspect left, or leaves', () => {
    for (const leaves of [false, true]) {
      const { isolation, lanes, pumps } = setUp();
      const [one, two, three] = lanes;
      isolation.allows(one, true);
      one.hasConnectionSuspects = true;
      isolation.pumped(one);
      expect(pumps()).to.deep.equal([0, 0, 0]);
      one.hasConnectionSuspects = false;
      if (leaves) isolation.leave(one);
      else isolation.pumped(one);
      expect(pumps()).to.deep.equal([0, 1, 1]);
      expect(isolation.isHeldBesides(two)).to.equal(false);
      isolation.allows(three, true);
      isolation.leave(three);
      expect(pumps()).to.deep.equal(leaves ? [0, 2, 1] : [1, 2, 1]);
    }
  });

  it('keeps its owner when another leaves, whose messages count no more', () => {
    const { isolation, lanes, pumps } = setUp();
    const [one, two] = lanes;
    two.unsure = 4;
    isolation.allows(one, true);
    isolation.leave(two);
    expect([isolation.allows(one, true), isolation.isHeldBesides(two), pumps()]).to.deep.equal([true, true, [0, 0, 0]]);
  });
});
