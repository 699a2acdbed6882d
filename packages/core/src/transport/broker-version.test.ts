import { expect } from 'chai';
import { describe, it } from 'mocha';
import { isAtLeast } from './broker-version.js';

describe('isAtLeast', () => {
  it('compares major and minor as numbers', () => {
    expect(isAtLeast('3.9.1', 3, 12, true)).to.equal(false);
    expect(isAtLeast('3.12.0', 3, 12, false)).to.equal(true);
    expect(isAtLeast('3.100.0', 3, 12, false)).to.equal(true);
    expect(isAtLeast('4.0.0-beta.1', 3, 12, false)).to.equal(true);
    expect(isAtLeast('2.99.0', 3, 12, true)).to.equal(false);
  });

  it('answers what its caller holds for safe when it cannot read the version', () => {
    for (const version of ['', 'unknown', '4', 'v4.3', '4.x']) {
      for (const safe of [true, false]) expect(isAtLeast(version, 3, 12, safe)).to.equal(safe);
    }
  });
});
