import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ERROR_CODES } from './error-codes.js';

describe('ERROR_CODES', () => {
  for (const [code, text] of Object.entries(ERROR_CODES)) {
    it(`explains ${code} in one sentence`, () => {
      expect(code).to.match(/^LEV_[A-Z]+(_[A-Z]+)*$/);
      expect(text).to.match(/^[A-Z].*[^.]\.$/);
    });
  }
});
