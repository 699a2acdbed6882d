import { expect } from 'chai';
import { describe, it } from 'mocha';
import { linesOf } from './excerpt.js';
import { code } from './excerpts.js';

describe('the code behind the scenes', () => {
  for (const [name, excerpt] of Object.entries(code)) {
    it(`is there for ${name}`, () => {
      const lines = linesOf(excerpt);
      expect(lines[0]).to.include(excerpt.from);
      expect(lines.at(-1)).to.match('oneLine' in excerpt ? /\S/ : /^}$/);
    });
  }

  it('is missed when the source has changed', () => {
    expect(() => linesOf({ ...code.payListener, from: 'no such line' })).to.throw('expected "no such line"');
  });
});
