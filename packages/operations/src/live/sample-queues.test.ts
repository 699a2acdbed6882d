import { expect } from 'chai';
import { describe, it } from 'mocha';
import { growthOf } from './sample-queues.js';

describe('growthOf', () => {
  it('is messages in a second, and below 0 where a queue becomes shorter', () => {
    expect(growthOf(130, 100, 2)).to.equal(15);
    expect(growthOf(100, 103, 2)).to.equal(-1.5);
    expect(growthOf(100, 100, 2)).to.equal(0);
  });

  it('is not known of a queue that is new, or by a clock that was set back', () => {
    expect(growthOf(1, undefined, 2)).to.equal(undefined);
    expect(growthOf(undefined, 1, 2)).to.equal(undefined);
    expect(growthOf(1, 1, 0)).to.equal(undefined);
    expect(growthOf(1, 1, -5)).to.equal(undefined);
  });
});
