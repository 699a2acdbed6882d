import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { SuspectTurns } from './suspect-turns.js';

describe('SuspectTurns', () => {
  it('is one owner’s at a time, who takes it as often as he likes', () => {
    const turns = new SuspectTurns();
    const [one, two] = [{}, {}];
    expect([turns.take(one), turns.take(one), turns.take(two)]).to.deep.equal([true, true, false]);
    turns.leave(two);
    expect(turns.take(two)).to.equal(false);
    turns.leave(one);
    expect([turns.take(two), turns.take(one)]).to.deep.equal([true, false]);
  });

  it('wakes all who wait when a turn ends, once each', async () => {
    const turns = new SuspectTurns();
    const owner = {};
    let woken = 0;
    turns.take(owner);
    for (const _ of [1, 2]) void turns.left().then(() => woken++);
    turns.leave({});
    await turn();
    expect(woken).to.equal(0);
    turns.leave(owner);
    await turn();
    expect(woken).to.equal(2);
    turns.take(owner);
    turns.leave(owner);
    await turn();
    expect(woken).to.equal(2);
  });
});
