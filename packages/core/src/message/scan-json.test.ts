import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { endOfString, MAX_JSON_DEPTH, scanJson } from './scan-json.js';

describe('endOfString', () => {
  it('finds the other quote, behind quotes that are escaped, or the end of the text', () => {
    expect(endOfString('"ab",', 0)).to.equal(3);
    expect(endOfString('["a\\"b\\\\",', 1)).to.equal(8);
    expect(endOfString('"abc', 0)).to.equal(4);
    expect(endOfString('"abc\\', 0)).to.equal(5);
  });

  it('finds the same in strings of any length, wherever the escapes stand', () => {
    const unitByUnit = (text: string) => {
      for (let i = 1; i < text.length; i++) {
        if (text[i] === '\\') i++;
        else if (text[i] === '"') return i;
      }
      return text.length;
    };
    const part = fc.oneof(
      fc.constantFrom('"', '\\', '\\"', '\\\\', '\\\\"'),
      fc.integer({ min: 0, max: 140 }).map((length) => 'x'.repeat(length)),
      fc.integer({ min: 0, max: 140 }).map((length) => '\\'.repeat(length)),
    );
    const inner = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''));
    const check = (text: string) => {
      expect(endOfString(`"${text}`, 0)).to.equal(unitByUnit(`"${text}`));
    };
    fc.assert(fc.property(inner, check), { numRuns: 3000 });
  });
});

describe('scanJson', () => {
  const nested = (levels: number, within = '') => `${'['.repeat(levels)}${within}${']'.repeat(levels)}`;

  it('goes exactly so deep, and counts exactly so many elements', () => {
    expect(scanJson(nested(MAX_JSON_DEPTH), 10_000, false)).to.deep.equal([]);
    expect(() => scanJson(nested(MAX_JSON_DEPTH + 1), 10_000, false)).to.throw(/nests deeper than 512 levels/);
    expect(scanJson('[1,2,3]', 3, false)).to.deep.equal([]);
    expect(() => scanJson('[1,2,3]', 2, false)).to.throw(/more than 2 elements/);
    expect(() => scanJson(nested(MAX_JSON_DEPTH, '1,2'), MAX_JSON_DEPTH, false)).to.throw(/more than 512 elements/);
  });
});
