import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { type RowInHand, RowsInHand } from './rows-in-hand.js';

const row = (id: number, size: number): RowInHand => ({
  id,
  attempts: 1,
  failures: 0,
  key: undefined,
  destination: 'e k',
  size,
  row: {},
  leasedUntil: 0,
});

describe('RowsInHand', () => {
  let hand: RowsInHand;
  beforeEach(() => {
    hand = new RowsInHand({ batchSize: 4, batchBytes: 100 });
  });
  const addAll = (...sizes: number[]) => {
    for (const [index, size] of sizes.entries()) hand.add(row(index + 1, size));
  };

  it('leaves the room that nothing on its way takes', () => {
    expect(hand.room([])).to.deep.equal({ rows: 4, bytes: 100, empty: true });
    addAll(10, 20);
    expect(hand.room([])).to.deep.equal({ rows: 2, bytes: 70, empty: false });
    expect([hand.size, hand.ids]).to.deep.equal([2, [1, 2]]);
    addAll(1, 1, 40, 60, 60);
    expect(hand.room([])).to.include({ rows: 0, bytes: 0 });
  });

  it('has room again for what is settled, once, although it is in hand until it is written down', () => {
    addAll(10, 20);
    hand.settle(1);
    hand.settle(1);
    hand.settle(99);
    expect(hand.room([])).to.deep.equal({ rows: 3, bytes: 80, empty: false });
    expect(hand.get(1)).to.include({ row: undefined });
    hand.settle(2);
    expect(hand.room([])).to.deep.equal({ rows: 4, bytes: 100, empty: true });
    hand.remove([1, 2]);
    expect(hand.room([])).to.deep.equal({ rows: 4, bytes: 100, empty: true });
    expect([hand.size, hand.get(1)]).to.deep.equal([0, undefined]);
  });

  it('counts nothing twice that is given up before it is settled', () => {
    addAll(10, 20);
    hand.remove([1]);
    expect(hand.room([])).to.deep.equal({ rows: 3, bytes: 80, empty: false });
    hand.remove([2, 2]);
    expect(hand.room([])).to.deep.equal({ rows: 4, bytes: 100, empty: true });
  });

  it('leaves what is slow out of account, up to four times as much in hand', () => {
    addAll(50, 50, 50);
    expect(hand.room([1, 2])).to.deep.equal({ rows: 3, bytes: 50, empty: false });
    expect(hand.room([1, 2, 3])).to.deep.equal({ rows: 4, bytes: 100, empty: true });
    expect(hand.room([99])).to.deep.equal({ rows: 2, bytes: 0, empty: false });
    hand.remove([1, 2, 3]);
    const slow = Array.from({ length: 14 }, (_, index) => index + 1);
    addAll(...slow.map(() => 28));
    expect(hand.room(slow)).to.deep.equal({ rows: 2, bytes: 8, empty: true });
  });

  it('says when nothing is in hand, to all who wait, and at once where nothing is', async () => {
    await hand.emptied();
    addAll(1, 1);
    const told: string[] = [];
    const waits = ['a', 'b'].map((name) => hand.emptied().then(() => told.push(name)));
    hand.remove([1]);
    await null;
    expect(told).to.deep.equal([]);
    hand.remove([2]);
    await Promise.all(waits);
    expect(told).to.deep.equal(['a', 'b']);
  });
});
