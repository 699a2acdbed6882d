import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type Candidate, chooseRows, type Room } from './choose-rows.js';

const plenty: Room = { rows: 100, bytes: 1_000, empty: true };
const open = () => ({ rows: 100, deferMs: 0 });
const row = (id: number, more: Partial<Candidate> = {}): Candidate => ({
  id,
  behind: undefined,
  rightBehind: true,
  destination: 'd',
  size: 10,
  ...more,
});

describe('chooseRows', () => {
  it('takes what is due, as long as there is room', () => {
    const choice = chooseRows([row(1), row(2), row(3)], new Set([1, 2, 3]), { ...plenty, rows: 2 }, open);
    expect(choice.take).to.deep.equal([1, 2]);
    expect([choice.aside, [...choice.defer], choice.full]).to.deep.equal([[], [], true]);
  });

  it('takes the first of a key and those right behind it, in one go', () => {
    const rows = [row(1), row(2, { behind: 1 }), row(3, { behind: 2 })];
    expect(chooseRows(rows, new Set([1, 2, 3]), plenty, open).take).to.deep.equal([1, 2, 3]);
  });

  it('puts aside what waits behind a row that is not taken', () => {
    const rows = [row(5, { behind: 4 }), row(6, { behind: 5 }), row(7)];
    const choice = chooseRows(rows, new Set([4, 5, 6, 7]), plenty, open);
    expect([choice.take, choice.aside]).to.deep.equal([[7], [5, 6]]);
  });

  it('puts aside what is somewhere behind a row that is taken: others may be in between', () => {
    const choice = chooseRows([row(1), row(4, { behind: 1, rightBehind: false })], new Set([1, 4]), plenty, open);
    expect([choice.take, choice.aside]).to.deep.equal([[1], [4]]);
  });

  it('leaves alone what is behind a row that may be gone in a moment', () => {
    const choice = chooseRows([row(5, { behind: 4 })], new Set([5]), plenty, open);
    expect(choice).to.deep.equal({ take: [], aside: [], defer: new Map(), full: false });
  });

  it('puts the rest of a key aside when there is no more room', () => {
    const rows = [row(1), row(2, { behind: 1 }), row(3, { behind: 2 })];
    const choice = chooseRows(rows, new Set([1, 2, 3]), { ...plenty, rows: 1 }, open);
    expect([choice.take, choice.aside]).to.deep.equal([[1], [2, 3]]);
  });

  it('takes so many bytes, and lets nothing pass a row that is too large for now', () => {
    const rows = [row(1, { size: 600 }), row(2, { size: 600 }), row(3)];
    expect(chooseRows(rows, new Set(), plenty, open).take).to.deep.equal([1]);
  });

  it('takes a row of any size when nothing is in hand', () => {
    const large = [row(1, { size: 5_000 }), row(2)];
    expect(chooseRows(large, new Set(), plenty, open).take).to.deep.equal([1]);
    expect(chooseRows(large, new Set(), { ...plenty, empty: false }, open).take).to.deep.equal([]);
  });

  it('puts off what is beyond the allowance of its destination, and the key behind it aside', () => {
    const rows = [
      row(1, { destination: 'mute' }),
      row(2, { destination: 'mute' }),
      row(3, { destination: 'mute', behind: 2 }),
      row(4),
    ];
    const one = (destination: string) => (destination === 'mute' ? { rows: 1, deferMs: 700 } : open());
    const choice = chooseRows(rows, new Set([1, 2, 3, 4]), plenty, one);
    expect([choice.take, choice.aside, [...choice.defer]]).to.deep.equal([[1, 4], [3], [[700, [2]]]]);
  });
});
