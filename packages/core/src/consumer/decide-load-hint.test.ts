import { expect } from 'chai';
import { describe, it } from 'mocha';
import { growsWhileWaiting, onlyWaits } from './decide-load-hint.js';

describe('whether more handlers at a time would help', () => {
  const only = (busy: number, waiting: number | undefined) => onlyWaits({ busy, waiting } as never);

  it('is asked where all are at work, and wait', () => {
    expect([only(0.9, 0.7), only(1, 1)]).to.deep.equal([true, true]);
    expect([only(0.89, 0.7), only(0.9, 0.69), only(1, undefined)]).to.deep.equal([false, false, false]);
  });

  it('is said where the queue was longer after each of the last three windows', () => {
    expect(
      [
        [1, 2, 3],
        [9, 1, 2, 3],
      ].map(growsWhileWaiting),
    ).to.deep.equal([true, true]);
    for (const lengths of [[], [1], [1, 2], [1, 1, 2], [1, 2, 2], [2, 1, 3], [1, 3, 2], [1, 2, 3, 3]]) {
      expect(growsWhileWaiting(lengths), `${lengths}`).to.equal(false);
    }
  });
});
