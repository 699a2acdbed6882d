import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { EnterKey } from './pause-for-enter.js';

describe('EnterKey', () => {
  it('waits for a line each time, takes those that came before, and waits no more when there can be none', async () => {
    const input = new PassThrough();
    using enter = new EnterKey(input);
    const seen: number[] = [];
    const waited = [1, 2, 3, 4].reduce<Promise<void>>(
      (before, number) => before.then(() => enter.wait()).then(() => void seen.push(number)),
      Promise.resolve(),
    );
    input.write('\n\n');
    while (seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).to.deep.equal([1, 2]);
    input.end();
    await waited;
    expect(seen).to.deep.equal([1, 2, 3, 4]);
  });
});
