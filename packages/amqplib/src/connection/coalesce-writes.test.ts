import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { coalesceWrites } from './coalesce-writes.js';

/** A stream that notes what reaches the system, call by call. */
function recorder(highWaterMark = 1024): { stream: Writable; calls: string[][] } {
  const calls: string[][] = [];
  const stream = new Writable({
    highWaterMark,
    writev: (chunks, done) => {
      calls.push(chunks.map(({ chunk }) => String(chunk)));
      setImmediate(done);
    },
  });
  coalesceWrites(stream as unknown as Socket);
  return { stream, calls };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('coalesceWrites', () => {
  it('sends what is written without a pause as one call, in order', async () => {
    const { stream, calls } = recorder();
    for (const frame of ['a', 'b', 'c']) stream.write(frame);
    expect(calls).to.deep.equal([]);
    await turn();
    expect(calls).to.deep.equal([['a', 'b', 'c']]);
  });

  it('does so again and again', async () => {
    const { stream, calls } = recorder();
    for (const frames of ['ab', 'cd', 'ef']) {
      for (const frame of frames) stream.write(frame);
      await turn();
      await turn();
    }
    expect(calls).to.deep.equal([
      ['a', 'b'],
      ['c', 'd'],
      ['e', 'f'],
    ]);
  });

  it('does not hold a lone write longer than the code that wrote it', async () => {
    const { stream, calls } = recorder();
    stream.write('a');
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(calls).to.deep.equal([['a']]);
  });

  it('goes on after a full buffer has drained', async () => {
    const { stream, calls } = recorder(2);
    expect(stream.write('ab')).to.equal(false);
    await new Promise((resolve) => stream.once('drain', resolve));
    stream.write('c');
    await turn();
    expect(calls.flat().join('')).to.equal('abc');
  });

  it('sends a part of what is much while the rest is still being written, in order', async () => {
    const { stream, calls } = recorder(1e6);
    const frame = 'x'.repeat(1000);
    for (let number = 0; number < 40; number++) stream.write(`${String(number).padStart(2)}${frame}`);
    expect(calls.length).to.be.at.least(1);
    await turn();
    await turn();
    await turn();
    expect(calls.length).to.be.within(2, 4);
    expect(calls.flat().map((text) => Number(text.slice(0, 2)))).to.deep.equal([...Array(40).keys()]);
  });

  it('reports the fate of each write to its own callback', async () => {
    const { stream } = recorder();
    const done: string[] = [];
    stream.write('a', () => done.push('a'));
    stream.write('b', () => done.push('b'));
    await turn();
    await turn();
    expect(done).to.deep.equal(['a', 'b']);
  });

  it('leaves a stream that was destroyed meanwhile alone', async () => {
    const { stream } = recorder();
    stream.on('error', () => {});
    stream.write('a');
    stream.destroy();
    await turn();
    expect(stream.destroyed).to.equal(true);
  });
});
