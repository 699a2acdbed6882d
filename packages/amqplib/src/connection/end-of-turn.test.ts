import { expect } from 'chai';
import { describe, it } from 'mocha';
import { atEndOfTurn, endTurn } from './end-of-turn.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('atEndOfTurn', () => {
  it('runs once, in order, what was asked for in a turn, and in the next what was asked for then', async () => {
    const done: string[] = [];
    atEndOfTurn(() => done.push('first'));
    await Promise.resolve();
    atEndOfTurn(() => done.push('second'));
    expect(done).to.deep.equal([]);
    await nextTurn();
    expect(done).to.deep.equal(['first', 'second']);
    atEndOfTurn(() => done.push('third'));
    await nextTurn();
    await nextTurn();
    expect(done).to.deep.equal(['first', 'second', 'third']);
  });

  it('runs at once what waits when the turn is ended, and not again', async () => {
    const done: string[] = [];
    atEndOfTurn(() => done.push('first'));
    endTurn();
    expect(done).to.deep.equal(['first']);
    atEndOfTurn(() => done.push('second'));
    await nextTurn();
    expect(done).to.deep.equal(['first', 'second']);
  });
});
