import { Problems } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { checkValidation } from './check-validation.js';

function faultsOf(validation: unknown): readonly string[] {
  const problems = new Problems();
  checkValidation(validation, problems);
  return problems.list;
}

describe('checkValidation', () => {
  it('takes options, false, and nothing', () => {
    for (const validation of [undefined, false, {}, { whitelist: true, forbidNonWhitelisted: true, groups: ['a'] }]) {
      expect(faultsOf(validation)).to.deep.equal([]);
    }
  });

  for (const [validation, fault] of [
    [true, /leave it out for the default/],
    ['strict', /validation must be an object of options; got "strict"/],
    [{ whitelst: true }, /unknown option "whitelst" of validation\. Did you mean "whitelist"\?/],
    [{ whitelist: 'yes' }, /validation\.whitelist must be true or false; got "yes"/],
    [{ groups: 'a' }, /validation\.groups must be an array of names; got "a"/],
    [{ forbidNonWhitelisted: true }, /does nothing without whitelist: true/],
  ] as const) {
    it(`refuses ${JSON.stringify(validation)}`, () => {
      const faults = faultsOf(validation);
      expect(faults).to.have.length(1);
      expect(faults[0]).to.match(fault);
    });
  }
});
