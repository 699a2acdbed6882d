import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ASKED, instrument } from './instrument.mjs';
import { mutationsOf } from './mutations.mjs';

const numbered = (code) => mutationsOf(code).map((each, number) => ({ ...each, number }));

/** What a function body comes to, with each of its mutants at work in turn. */
function outcomes(body) {
  const code = `export default (seen) => { ${body} }`;
  const mutations = numbered(code);
  const text = instrument(code, mutations).replace('export default', 'return');
  let atWork;
  globalThis[Symbol.for(ASKED)] = (number) => number === atWork;
  const outcomeOf = (number) => {
    atWork = number;
    const seen = [];
    return [new Function(text)()(seen), ...seen];
  };
  try {
    return { plain: outcomeOf(-1), mutants: mutations.map(({ kind, number }) => [kind, ...outcomeOf(number)]) };
  } finally {
    delete globalThis[Symbol.for(ASKED)];
  }
}

describe('instrument', () => {
  it('changes nothing while no mutant is at work', () => {
    expect(
      outcomes('let n = 1; if (n > 0 && n < 5) seen.push(n); else seen.push(0); return { 1: n++ };').plain,
    ).to.deep.equal([{ 1: 1 }, 1]);
  });

  it('puts one at work at a time, one inside another as well', () => {
    expect(outcomes('if (2 < 3) seen.push(7); return 4;').mutants).to.deep.equal([
      ['condition', 4],
      ['bound', 4, 7],
      ['constant', 4],
      ['constant', 4, 7],
      ['call', 4],
      ['constant', 4, 8],
      ['return', undefined, 7],
      ['constant', 5, 7],
    ]);
  });

  it('leaves an else with its if, and changes the number that names something', () => {
    const { mutants } = outcomes('if (false) seen.push(1); else seen.push(2); return { 5: true };');
    expect(mutants).to.deep.include(['call', { 5: true }]);
    expect(mutants).to.deep.include(['constant', { 6: true }, 2]);
  });
});
