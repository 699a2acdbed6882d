import { expect } from 'chai';
import { describe, it } from 'mocha';
import { visibleText } from './visible-text.js';

describe('visibleText', () => {
  it('names what turns the direction of a text or shows nothing', () => {
    expect(visibleText('pay \u202eECILA\u200b.')).to.deep.equal([
      { text: 'pay ', hidden: false },
      { text: 'U+202E', hidden: true },
      { text: 'ECILA', hidden: false },
      { text: 'U+200B', hidden: true },
      { text: '.', hidden: false },
    ]);
  });

  it('names control characters, but for line feeds and tabs', () => {
    const shown = (text: string) =>
      visibleText(text)
        .map((piece) => (piece.hidden ? `[${piece.text}]` : piece.text))
        .join('');
    expect(shown('a\nb\tc')).to.equal('a\nb\tc');
    expect(shown('a\r\nb')).to.equal('a\r\nb');
    expect(shown('a\rb\0\u001b[31m')).to.equal('a[U+000D]b[U+0000][U+001B][31m');
    expect(shown('\u2028\ufeff\u{e0041}')).to.equal('[U+2028][U+FEFF][U+E0041]');
  });

  it('leaves letters of every script alone', () => {
    const text = 'Grüße, שלום, مرحبا, 你好, 👋';
    expect(visibleText(text)).to.deep.equal([{ text, hidden: false }]);
    expect(visibleText('')).to.deep.equal([]);
  });
});
