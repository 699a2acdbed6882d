import { expect } from 'chai';
import { describe, it } from 'mocha';
import { endOfString } from './scan-json.js';

describe('endOfString', () => {
  it('finds the other quote, behind quotes that are escaped, or the end of the text', () => {
    expect(endOfString('"ab",', 0)).to.equal(3);
    expect(endOfString('["a\\"b\\\\",', 1)).to.equal(8);
    expect(endOfString('"abc', 0)).to.equal(4);
    expect(endOfString('"abc\\', 0)).to.equal(5);
  });
});
