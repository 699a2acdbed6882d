import { expect } from 'chai';
import { describe, it } from 'mocha';
import { escapeText } from './escape-text.js';

describe('escapeText', () => {
  const escapes: readonly (readonly [string, string, string])[] = [
    ['newlines', 'paid\r\n2026-01-01 INFO  forged', 'paid\\r\\n2026-01-01 INFO  forged'],
    ['tabs', 'a\tb', 'a\\tb'],
    ['ESC', '\u001b[31mred', '\\u001b[31mred'],
    ['NUL', 'a\0b', 'a\\u0000b'],
    ['DEL', 'a\u007fb', 'a\\u007fb'],
    ['C1 controls', '\u009b31m\u0085', '\\u009b31m\\u0085'],
    ['bidirectional controls', 'a\u202eb\u2066c\u200f', 'a\\u202eb\\u2066c\\u200f'],
    ['line and paragraph separators', 'a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
    ['what has no width', 'a\u200bb\ufeffc\u00add', 'a\\u200bb\\ufeffc\\u00add'],
    ['tags beyond the first plane', 'a\u{e0041}b', 'a\\u{e0041}b'],
    ['the last of the first plane', '\uffff', '\\uffff'],
    ['private characters', '\ue000', '\\ue000'],
    ['halves of a surrogate pair', 'a\ud800b', 'a\\ud800b'],
  ];
  for (const [what, text, expected] of escapes) {
    it(`escapes ${what}`, () => {
      expect(escapeText(text)).to.equal(expected);
      expect(escapeText(escapeText(text))).to.equal(expected);
    });
  }

  it('leaves the texts of people as they are', () => {
    for (const text of ['', 'plain', 'größer als 漢字 😀 "quoted" C:\\temp', 'مرحبا שלום', '\u00a0']) {
      expect(escapeText(text)).to.equal(text);
    }
  });
});
