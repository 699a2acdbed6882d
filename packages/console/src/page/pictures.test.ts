import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { bars } from './bars.js';
import { places } from './places.js';
import { spread } from './spread.js';

describe('bars', () => {
  it('fills the picture, and shows one of a thousand', () => {
    const drawn = bars({ from: 1000, stepMs: 10, counts: [1000, 0, 1, 500] }, 40, 20);
    expect(drawn).to.deep.equal([
      { x: 0, y: 0, width: 9, height: 20, count: 1000, at: 1000 },
      { x: 20, y: 19, width: 9, height: 1, count: 1, at: 1020 },
      { x: 30, y: 10, width: 9, height: 10, count: 500, at: 1030 },
    ]);
  });

  it('draws nothing of nothing', () => {
    expect(bars({ from: 0, stepMs: 1, counts: [] }, 40, 20)).to.deep.equal([]);
    expect(bars({ from: 0, stepMs: 1, counts: [0, 0] }, 40, 20)).to.deep.equal([]);
  });
});

describe('places', () => {
  it('stands in proportion to time, and never nearer than the gap', () => {
    const xs = places([0, 1, 2, 1000], 130, 10).map((place) => Math.round(place?.x ?? -1));
    expect(xs).to.deep.equal([0, 10, 20, 130]);
  });

  it('keeps the order in which moments were given, and leaves out what has none', () => {
    const xs = places([5, undefined, 5, 1], 20, 10).map((place) => place?.x);
    expect(xs).to.deep.equal([10, undefined, 20, 0]);
    expect(places([undefined], 20, 10)).to.deep.equal([undefined]);
  });
});

describe('spread', () => {
  it('moves only what stands too near, as little as can be', () => {
    expect(spread([0, 100, 200], 10)).to.deep.equal([0, 100, 200]);
    expect(spread([0, 0], 10)).to.deep.equal([-5, 5]);
    expect(spread([60, 0, 0, 300], 10)).to.deep.equal([10, 20, 30, 300]);
  });

  it('keeps the order and the distance, whatever is wanted', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1000, max: 1000 })), (wanted) => {
        const ys = spread(wanted, 10);
        return ys.every((y, index) => index === 0 || y - (ys[index - 1] ?? 0) >= 10 - 1e-6);
      }),
    );
  });
});
