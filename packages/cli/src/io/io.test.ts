import { Readable } from 'node:stream';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type Io, processIo } from './io.js';

describe('processIo', () => {
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin') as PropertyDescriptor;
  const { exit } = process;
  let others: { sigint: NodeJS.SignalsListener[]; error: ((error: Error) => void)[] };
  let io: Io;

  beforeEach(() => {
    others = {
      sigint: process.listeners('SIGINT'),
      error: process.stdout.listeners('error') as ((error: Error) => void)[],
    };
    io = processIo();
  });
  afterEach(() => {
    for (const each of process.listeners('SIGINT')) if (!others.sigint.includes(each)) process.off('SIGINT', each);
    for (const each of process.stdout.listeners('error') as typeof others.error) {
      if (!others.error.includes(each)) process.stdout.off('error', each);
    }
    Object.assign(process, { exit });
    Object.defineProperty(process, 'stdin', stdin);
  });

  it('writes the result, and what is beside it, where each belongs', () => {
    const { write: out } = process.stdout;
    const { write: err } = process.stderr;
    const written: string[] = [];
    Object.assign(process.stdout, { write: (text: string) => written.push(`out ${text}`) });
    Object.assign(process.stderr, { write: (text: string) => written.push(`err ${text}`) });
    io.out('a');
    io.err('b');
    Object.assign(process.stdout, { write: out });
    Object.assign(process.stderr, { write: err });
    expect(written).to.deep.equal(['out a', 'err b']);
  });

  it('reads all of standard input, characters that are cut in two among it', async () => {
    const text = Buffer.from('für');
    Object.defineProperty(process, 'stdin', { value: Readable.from([text.subarray(0, 2), text.subarray(2)]) });
    expect(await io.input()).to.equal('für');
  });

  it('fires at the first Ctrl-C, and leaves the second to the process', () => {
    const own = process.listeners('SIGINT').filter((each) => !others.sigint.includes(each));
    expect(io.signal.aborted).to.equal(false);
    expect(own).to.have.length(1);
    own[0]?.('SIGINT');
    expect(io.signal.aborted).to.equal(true);
  });

  it('ends when nobody reads on, and throws what else happens to its output', () => {
    const codes: unknown[] = [];
    Object.assign(process, { exit: (code: number) => codes.push(code) });
    process.stdout.emit('error', Object.assign(new Error('closed'), { code: 'EPIPE' }));
    expect(codes).to.deep.equal([0]);
    expect(() => process.stdout.emit('error', new Error('disk full'))).to.throw('disk full');
  });
});
