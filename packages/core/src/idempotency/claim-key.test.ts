import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { boundedKey, claimKey, MAX_KEY_BYTES } from './claim-key.js';

const anyText = fc.string({ unit: 'binary', maxLength: 400 });

describe('claimKey', () => {
  it('can be read by a person who looks into the store', () => {
    expect(claimKey('Orders.onPaid', '4711')).to.equal('13:Orders.onPaid:4711');
  });

  it('differs whenever the listener or the key differs', () => {
    expect(claimKey('a', 'b:c')).to.not.equal(claimKey('a:b', 'c'));
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 4, maxLength: 4 }), ([a, b, c, d]) => {
        const equal = claimKey(a as string, b as string) === claimKey(c as string, d as string);
        return equal === (a === c && b === d);
      }),
    );
  });
});

describe('boundedKey', () => {
  it('leaves a plain key as it is', () => {
    for (const key of ['a', 'é 日本 😀', 'x'.repeat(255)]) expect(boundedKey(key)).to.equal(key);
  });

  it('replaces what some stores would refuse, cut or confuse', () => {
    const keys = ['', 'a\0b', 'a\nb', 'x'.repeat(256), 'é'.repeat(128), '\ud800', '\ud801', 'sha256:abc'];
    const replaced = keys.map(boundedKey);
    for (const key of replaced) expect(key).to.match(/^sha256:[0-9a-f]{64}$/);
    expect(new Set(replaced).size).to.equal(keys.length);
  });

  it('fits every store, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
        const key = boundedKey(text);
        return Buffer.byteLength(key) <= MAX_KEY_BYTES && key !== '' && !/\p{Cc}/u.test(key);
      }),
    );
  });
});
