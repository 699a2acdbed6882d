import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { AlikeLines } from './alike-lines.js';

describe('AlikeLines', () => {
  it('says the first at once, and further ones at distances that grow to ten minutes', async () => {
    const clock = new FakeClock();
    const lines = new AlikeLines(clock);
    const saidAt: [number, number][] = [];
    for (let second = 0; second < 3_000; second++) {
      const decision = lines.decide('down');
      if (decision.say) saidAt.push([second, decision.unsaid]);
      await clock.advance(1_000);
    }
    expect(saidAt).to.deep.equal([
      [0, 0],
      [5, 4],
      [25, 19],
      [105, 79],
      [425, 319],
      [1025, 599],
      [1625, 599],
      [2225, 599],
      [2825, 599],
    ]);
  });

  it('keeps kinds apart, forgets when told to, and forgets the oldest of many', () => {
    const lines = new AlikeLines(new FakeClock());
    expect(lines.decide('a').say).to.equal(true);
    expect(lines.decide('b').say).to.equal(true);
    expect(lines.decide('a').say).to.equal(false);
    lines.forget();
    expect(lines.decide('a')).to.deep.equal({ say: true, unsaid: 0 });
    for (let kind = 0; kind < 99; kind++) lines.decide(`other ${kind}`);
    expect(lines.decide('a').say, 'one of a hundred').to.equal(false);
    lines.decide('one more');
    expect(lines.decide('a').say).to.equal(true);
  });
});
