import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { checkFlag, checkKnown, checkOneOf, checkOptions, checkWholeNumber } from './check-option.js';
import { Problems } from './configuration-error.js';

describe('checking an option', () => {
  let problems: Problems;
  beforeEach(() => {
    problems = new Problems();
  });

  describe('one of several words', () => {
    const check = (value: unknown) => checkOneOf(value, 'invalid', ['reject', 'recover'], 'reject', problems);

    it('takes a word that is allowed, and the fallback when there is none', () => {
      expect([check('recover'), check(undefined)]).to.deep.equal(['recover', 'reject']);
      expect(problems.list).to.deep.equal([]);
    });

    it('names what is allowed and what came', () => {
      expect(check('drop')).to.equal('reject');
      expect(problems.list).to.deep.equal([`invalid must be one of 'reject', 'recover'; got "drop"`]);
    });
  });

  describe('a whole number', () => {
    const check = (value: unknown) => checkWholeNumber(value, 'prefetch', { from: 0, to: 65_535, or: 50 }, problems);

    it('takes both ends of the range, and the default when there is none', () => {
      expect([check(0), check(65_535), check(undefined)]).to.deep.equal([0, 65_535, 50]);
      expect(problems.list).to.deep.equal([]);
    });

    for (const value of [-1, 65_536, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '7', null, true]) {
      it(`refuses ${value} (${typeof value})`, () => {
        expect(check(value)).to.equal(50);
        expect(problems.list).to.have.lengthOf(1);
        expect(problems.list[0]).to.match(/^prefetch must be a whole number from 0 to 65535; got /);
      });
    }

    it('names no end where there is none', () => {
      checkWholeNumber(0, 'n', { from: 1, to: Number.MAX_SAFE_INTEGER, or: 3 }, problems);
      expect(problems.list).to.deep.equal(['n must be a whole number from 1; got 0']);
    });
  });

  describe('a flag', () => {
    it('takes true and false, and the fallback when there is none', () => {
      const check = (value: unknown) => checkFlag(value, 'lazy', true, problems);
      expect([check(true), check(false), check(undefined)]).to.deep.equal([true, false, true]);
      expect(problems.list).to.deep.equal([]);
    });

    it('refuses what is merely true-like', () => {
      expect(checkFlag('yes', 'lazy', false, problems)).to.equal(false);
      expect(problems.list).to.deep.equal(['lazy must be true or false; got "yes"']);
    });
  });

  describe('the names of options', () => {
    it('suggests the known name that was meant', () => {
      checkKnown({ maxAttempt: 1 }, ['maxAttempts', 'multiplier'], 'retry', problems);
      expect(problems.list).to.deep.equal([
        'unknown option "maxAttempt" of retry. Did you mean "maxAttempts"? Known are: maxAttempts, multiplier',
      ]);
    });

    it('lists the known names when none is near', () => {
      checkKnown({ zzz: 1 }, ['maxAttempts', 'multiplier'], 'retry', problems);
      expect(problems.list).to.deep.equal(['unknown option "zzz" of retry. Known are: maxAttempts, multiplier']);
    });

    it('says nothing of known ones', () => {
      checkKnown({ multiplier: 1 }, ['maxAttempts', 'multiplier'], 'retry', problems);
      expect(problems.list).to.deep.equal([]);
    });
  });
});

describe('checkOptions', () => {
  it('takes an object, and tells of options that nobody knows', () => {
    const asked = (value: unknown, what = '') => {
      const problems = new Problems();
      return [checkOptions(value, ['size'], what, problems), ...problems.list];
    };
    expect(asked({ size: 1 })).to.deep.equal([true]);
    expect(asked({ sise: 1 }, 'a box')).to.deep.equal([
      ...[true, 'unknown option "sise" of a box. Did you mean "size"? Known are: size'],
    ]);
    expect(asked(7)).to.deep.equal([false, 'must be an object of options; got 7']);
    expect(asked(null, 'a box')).to.deep.equal([false, 'a box must be an object of options; got null']);
  });
});
