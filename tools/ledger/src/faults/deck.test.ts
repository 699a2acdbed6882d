import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Random } from '../run/random.js';
import { planFaults } from './deck.js';

const KINDS = [
  { name: 'cut', share: 12 },
  { name: 'kill', share: 14 },
  { name: 'restart', share: 2.5 },
  { name: 'rare', share: 0.3 },
];

function counted(count: number, seed = 1): Record<string, number> {
  const times: Record<string, number> = {};
  for (const { name } of planFaults(KINDS, count, new Random(seed))) times[name] = (times[name] ?? 0) + 1;
  return times;
}

describe('planFaults', () => {
  it('has each kind by its share, and at least once', () => {
    expect(counted(24)).to.deep.equal({ cut: 10, kill: 11, restart: 2, rare: 1 });
    expect(counted(4)).to.deep.equal({ cut: 1, kill: 1, restart: 1, rare: 1 });
    expect(counted(5)).to.deep.equal({ cut: 1, kill: 2, restart: 1, rare: 1 });
    expect(counted(288)).to.deep.equal({ cut: 120, kill: 140, restart: 25, rare: 3 });
  });

  it('makes the same list of the same seed, and another of another', () => {
    const names = (seed: number) => planFaults(KINDS, 24, new Random(seed)).map(({ name }) => name);
    expect(names(7)).to.deep.equal(names(7));
    expect(names(7)).not.to.deep.equal(names(8));
    expect(counted(24, 8)).to.deep.equal(counted(24, 7));
  });

  it('refuses a list that is too short for one of each', () => {
    expect(() => planFaults(KINDS, 3, new Random(1))).to.throw('expected at least 4');
  });
});
