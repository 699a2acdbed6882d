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

describe('didYouMean', () => {
  it('is a question, or nothing', () => {
    expect(didYouMean('quue', KNOWN)).to.equal(' Did you mean "queue"?');
    expect(didYouMean('nothing', KNOWN)).to.equal('');
  });
});
