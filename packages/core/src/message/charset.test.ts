import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { MessageConversionError } from '../errors/message-error.js';
import { decodeText, encodeText } from './charset.js';

const latin1 = fc.string({ unit: fc.integer({ min: 0xa0, max: 0xff }).map((code) => String.fromCharCode(code)) });

describe('decodeText', () => {
  it('reads UTF-8 when no charset is named, in any spelling when it is', () => {
    for (const charset of [undefined, 'utf-8', 'UTF-8', 'utf8', 'UTF8']) {
      expect(decodeText(Buffer.from('grüße €'), charset)).to.equal('grüße €');
    }
  });

  it('takes a byte order mark off', () => {
    expect(decodeText(Buffer.from('\ufeff{}'), undefined)).to.equal('{}');
    expect(decodeText(Buffer.from('\ufeff{}', 'utf16le'), 'UTF-16LE')).to.equal('{}');
  });

  it('reads other charsets', () => {
    expect(decodeText(Buffer.from('grüße', 'latin1'), 'ISO-8859-1')).to.equal('grüße');
    expect(decodeText(Buffer.from('grüße', 'utf16le'), 'utf-16le')).to.equal('grüße');
    expect(decodeText(Buffer.from([0x82, 0xa0]), 'Shift_JIS')).to.equal('あ');
  });

  it('refuses bytes that are not valid in the charset', () => {
    expect(() => decodeText(Buffer.from([0xc3, 0x28]), undefined)).to.throw(MessageConversionError, 'not valid UTF-8');
    expect(() => decodeText(Buffer.from([0xc3, 0x28]), 'UTF-8')).to.throw(MessageConversionError, 'not valid UTF-8');
    expect(() => decodeText(Buffer.from([0x81]), 'shift_jis')).to.throw(MessageConversionError, 'not valid shift_jis');
  });

  it('refuses an encoding that is none [spring 7]', () => {
    for (const charset of ['gzip', 'bogus', ' ', 'x'.repeat(200)]) {
      expect(() => decodeText(Buffer.from('{}'), charset))
        .to.throw(MessageConversionError, `names ${JSON.stringify(charset)} as its encoding`)
        .with.property('cause');
    }
  });

  it('throws nothing but conversion errors, whatever bytes and charset come', () => {
    const charsets = fc.oneof(
      fc.string(),
      fc.constantFrom('utf-8', 'utf-16le', 'latin1', 'euc-kr', 'gb18030', 'ascii'),
    );
    fc.assert(
      fc.property(fc.uint8Array(), charsets, (bytes, charset) => {
        try {
          return typeof decodeText(Buffer.from(bytes), charset) === 'string';
        } catch (error) {
          return error instanceof MessageConversionError;
        }
      }),
    );
  });
});

describe('encodeText', () => {
  it('writes what decodeText reads', () => {
    const texts = fc.string({ unit: 'binary' }).filter((text) => text[0] !== '\ufeff');
    fc.assert(
      fc.property(texts, fc.constantFrom(undefined, 'UTF-8', 'utf8', 'UTF-16LE', 'utf16le'), (text, charset) => {
        expect(decodeText(encodeText(text, charset), charset === 'utf16le' ? 'utf-16le' : charset)).to.equal(text);
      }),
    );
    fc.assert(
      fc.property(latin1, (text) => {
        expect(decodeText(encodeText(text, 'ISO-8859-1'), 'ISO-8859-1')).to.equal(text);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        expect(decodeText(encodeText(text, 'US-ASCII'), 'US-ASCII')).to.equal(text);
      }),
    );
  });

  it('refuses text that does not fit into the charset', () => {
    expect(() => encodeText('€', 'latin1')).to.throw(MessageConversionError, 'latin1 cannot write');
    expect(() => encodeText('é', 'us-ascii')).to.throw(MessageConversionError, 'us-ascii cannot write');
  });

  it('refuses a charset that it cannot write', () => {
    expect(() => encodeText('a', 'Shift_JIS')).to.throw(MessageConversionError, 'got "Shift_JIS"');
  });
});

describe('the characters that a charset can write', () => {
  it('end at ÿ for ISO-8859-1, and at the last of seven bits for US-ASCII', () => {
    expect(encodeText('\u00ff', 'latin1')).to.deep.equal(Buffer.of(0xff));
    expect(() => encodeText('\u0100', 'ISO-8859-1')).to.throw(MessageConversionError, /Send UTF-8/);
    expect(encodeText('\u007f', 'ascii')).to.deep.equal(Buffer.of(0x7f));
    expect(() => encodeText('\u0080', 'us-ascii')).to.throw(MessageConversionError, /Send UTF-8/);
  });
});
