import { expect } from 'chai';
import { describe, it } from 'mocha';
import { KINDS, mutationsOf } from './mutations.mjs';
import { drawn } from './sample.mjs';

const mutate = (code, { start, end, text }) => code.slice(0, start) + text + code.slice(end);
const planted = (code) => mutationsOf(code).map((each) => `${each.kind}: ${mutate(code, each)}`);

describe('mutationsOf', () => {
  it('turns conditions round, and moves bounds', () => {
    expect(planted('if (a < b) c();')).to.deep.equal([
      'condition: if (!(a < b)) c();',
      'bound: if (((a) <= (b))) c();',
      'call: if (a < b) ;',
    ]);
    expect(planted('x = a ?? (b && c);')).to.deep.equal(['condition: x = (a);', 'condition: x = a ?? (((b) || (c)));']);
  });

  it('leaves out calls, clean-ups, waits and what is written to objects', () => {
    expect(planted('async () => { await f(); }')).to.deep.equal([
      'call: async () => { ; }',
      'await: async () => { (f()); }',
    ]);
    expect(planted('clearTimeout(t);')).to.deep.equal(['clean-up: ;']);
    expect(planted('this.left = undefined;')).to.deep.equal(['assignment: ;']);
  });

  it('leaves texts alone, and what the compiler wrote', () => {
    expect(planted("throw new Error('one ' + name);")).to.deep.equal([]);
    expect(planted('var __await = function (v) { if (v) return 1; };')).to.deep.equal([]);
  });
});

describe('drawn', () => {
  it('draws the same from the same seed, one of each kind in turn', () => {
    const candidates = KINDS.flatMap((kind) => [0, 1, 2].map((start) => ({ kind, start, file: 'f', text: ';' })));
    const sample = drawn(candidates, KINDS.length, 'seed');
    expect(sample.map(({ kind }) => kind)).to.deep.equal(KINDS);
    expect(drawn(candidates, KINDS.length, 'seed')).to.deep.equal(sample);
    expect(drawn(candidates, 100, 'other')).to.have.lengthOf(candidates.length);
  });
});
