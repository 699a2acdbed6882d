import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { jsonTokens } from './json-tokens.js';

describe('jsonTokens', () => {
  it('tells keys, strings, numbers and words from each other', () => {
    const kinds = jsonTokens('{"a\\"": "b", "c" : -1.5e3, "d": [true, null]}').filter(({ kind }) => kind !== 'other');
    expect(kinds).to.deep.equal([
      { text: '"a\\""', kind: 'key' },
      { text: '"b"', kind: 'string' },
      { text: '"c"', kind: 'key' },
      { text: '-1.5e3', kind: 'number' },
      { text: '"d"', kind: 'key' },
      { text: 'true', kind: 'word' },
      { text: 'null', kind: 'word' },
    ]);
  });

  it('is the text, whatever it is', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.string({ unit: fc.constantFrom('"', '\\', ':', '1', 't', 'rue', '{') }),
    );
    fc.assert(
      fc.property(texts, fc.nat(20), (text, limit) => {
        const joined = jsonTokens(text, limit)
          .map((token) => token.text)
          .join('');
        return joined === text;
      }),
    );
  });

  it('ends in one piece behind its limit', () => {
    const tokens = jsonTokens(JSON.stringify(Array.from({ length: 10_000 }, (_, index) => index)), 100);
    expect(tokens.length).to.be.within(100, 103);
  });
});
