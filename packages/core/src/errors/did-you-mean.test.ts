import { expect } from 'chai';
import { describe, it } from 'mocha';
import { didYouMean, nearest } from './did-you-mean.js';

const KNOWN = ['prefetch', 'concurrency', 'queue', 'retry', 'recoverer'];

describe('nearest', () => {
  for (const [typed, meant] of [
    ['prefech', 'prefetch'],
    ['prefetchCount', undefined],
    ['quue', 'queue'],
    ['queeu', 'queue'],
    ['Retry', 'retry'],
    ['retires', undefined],
    ['recover', 'recoverer'],
    ['color', undefined],
    ['x', undefined],
  ] as const) {
    it(`finds ${meant ?? 'nothing'} for ${typed}`, () => {
      expect(nearest(typed, KNOWN)).to.equal(meant);
    });
  }
});

describe('nearest of several', () => {
  it('is the closest', () => {
    expect(nearest('ttl', ['tty', 'ttl2', 'ttl'])).to.equal('ttl');
  });
});

describe('a word that is near', () => {
  it('is so by a letter more, less, wrong or swapped, at either end', () => {
    for (const typed of ['ueue', 'queu', 'xqueue', 'queuex', 'xueue', 'queux', 'uqeue', 'queeu']) {
      expect(nearest(typed, ['queue']), typed).to.equal('queue');
    }
    expect(nearest('y', ['xy'])).to.equal('xy');
    expect(nearest('ttl', ['ttl2'])).to.equal('ttl2');
  });

  it('is so by a third of its letters, and no more', () => {
    expect(['abx', 'xbx', 'abcxex', 'abxxex'].map((typed) => nearest(typed, ['abc', 'abcdef']))).to.deep.equal([
      ...['abc', undefined, 'abcdef', undefined],
    ]);
  });

  it('is no word with one letter in another place', () => {
    expect(nearest('ab', ['bc', 'ca'])).to.equal(undefined);
  });
});

describe('didYouMean', () => {
  it('is a question, or nothing', () => {
    expect(didYouMean('quue', KNOWN)).to.equal(' Did you mean "queue"?');
    expect(didYouMean('nothing', KNOWN)).to.equal('');
  });
});
