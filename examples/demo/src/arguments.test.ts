import { expect } from 'chai';
import { describe, it } from 'mocha';
import { readArguments } from './arguments.js';

const titles = ['one', 'two', 'three'];

describe('the arguments of the demo', () => {
  it('choose scenes', () => {
    const scenes = { kind: 'scenes', embedded: false, step: false, only: undefined };
    expect(readArguments([], titles)).to.deep.equal(scenes);
    const args = ['--step', '--embedded', '--only', '1,3', '--only=2'];
    expect(readArguments(args, titles)).to.deep.equal({
      ...scenes,
      step: true,
      embedded: true,
      only: new Set([1, 3, 2]),
    });
  });

  it('choose the page', () => {
    expect(readArguments(['--web'], titles)).to.deep.equal({ kind: 'web', open: true });
    expect(readArguments(['--web', '--no-open'], titles)).to.deep.equal({ kind: 'web', open: false });
    expect(readArguments(['-h'], titles)).to.deep.equal({ kind: 'help' });
  });

  it('are refused with the scenes that there are, or with what is wrong', () => {
    for (const only of ['0', '4', '1,x', '', '-1', '1.5']) {
      const read = readArguments([`--only=${only}`], titles);
      expect(read.kind === 'refused' && read.fault, only).to.match(/there is no scene .*\n {2}1 {2}one\n {2}2 {2}two/);
    }
    for (const args of [['--onyl', '3'], ['3'], ['--web', '--step'], ['--only']]) {
      expect(readArguments(args, titles).kind, args.join(' ')).to.equal('refused');
    }
  });
});
