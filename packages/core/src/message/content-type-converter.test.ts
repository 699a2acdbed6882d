import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { ConfigurationError } from '../errors/configuration-error.js';
import { MessageConversionError } from '../errors/message-error.js';
import { type ContentTypeConverterOptions, contentTypeConverter } from './content-type-converter.js';
import { aMessage, harmlessJson } from './message.support.test.js';
import type { PayloadClass } from './message-converter.js';
import type { ReadHints } from './read-hints.js';

class Order {}
const converter = contentTypeConverter();
const read = (contentType: string | undefined, text: string, target?: typeof Order | ObjectConstructor) =>
  converter.fromMessage(aMessage({ text, contentType }), target);

describe('how much is read', () => {
  const json = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;
  const MIB = 1024 * 1024;

  it('is 1 MiB for what is made into a class or checked, and 4 MiB of JSON or 16 MiB of anything else where it is not', () => {
    const refuses = (
      text: string,
      contentType: string,
      target: typeof Order | ObjectConstructor,
      isChecked?: boolean,
    ) =>
      expect(() =>
        converter.fromMessage(
          aMessage({ text, contentType }),
          target,
          isChecked === undefined ? undefined : { isChecked },
        ),
      ).to.throw(MessageConversionError, /bytes; at most/);
    const takes = (text: string, contentType: string, target: typeof Order | ObjectConstructor, isChecked?: boolean) =>
      converter.fromMessage(
        aMessage({ text, contentType }),
        target,
        isChecked === undefined ? undefined : { isChecked },
      );
    takes(json(MIB), 'application/json', Order);
    refuses(json(MIB + 1), 'application/json', Order);
    for (const isChecked of [undefined, false]) {
      takes(json(4 * MIB), 'application/json', Object, isChecked);
      refuses(json(4 * MIB + 1), 'application/json', Object, isChecked);
    }
    takes(json(MIB), 'application/json', Object, true);
    refuses(json(MIB + 1), 'application/json', Object, true);
    takes('x'.repeat(16 * MIB), 'text/plain', Object);
    refuses('x'.repeat(16 * MIB + 1), 'text/plain', Object);
  });
});

describe('the bounds of a body', () => {
  it('are numbers from 1', () => {
    const one = contentTypeConverter({ maxBodyBytes: 1, maxElements: 1 });
    expect(one.fromMessage(aMessage({ text: '7', contentType: 'application/json' }), undefined)).to.equal(7);
    for (const option of ['maxBodyBytes', 'maxElements']) {
      expect(() => contentTypeConverter({ [option]: 0 })).to.throw(
        ConfigurationError,
        `${option} must be a whole number from 1`,
      );
    }
  });
});

describe('reading a body by its content type', () => {
  const asJson = [
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON',
    'application/cloudevents+json',
    undefined,
    'application/octet-stream',
  ];
  for (const contentType of asJson) {
    it(`reads ${contentType ?? 'no content type'} as JSON for a declared class, as Spring does`, () => {
      expect(read(contentType, '{"orderId":7}', Order)).to.deep.equal({ orderId: 7 });
    });
  }

  it('refuses text and unknown types for a declared class, naming both', () => {
    for (const contentType of ['text/plain', 'image/png']) {
      expect(() => read(contentType, '{}', Order)).to.throw(
        MessageConversionError,
        `The payload is declared as Order, but the content type is "${contentType}"`,
      );
    }
  });

  it('reads text for String, for Object, and when nothing is declared', () => {
    for (const target of [String, Object, undefined]) {
      expect(converter.fromMessage(aMessage({ text: 'grüße', contentType: 'text/plain' }), target)).to.equal('grüße');
    }
  });

  it('takes a body without a content type for text when a string is declared, else for bytes', () => {
    const message = aMessage({ text: 'plain' });
    expect(converter.fromMessage(message, String)).to.equal('plain');
    expect(converter.fromMessage(message, undefined)).to.equal(message.body);
    expect(converter.fromMessage(aMessage({ text: 'x', contentType: 'image/png' }), undefined)).to.deep.equal(
      Buffer.from('x'),
    );
  });

  it('hands out the bytes of any content type where bytes are declared', () => {
    for (const contentType of ['application/json', 'text/plain', 'image/png', undefined]) {
      const message = aMessage({ text: 'not json', contentType, contentEncoding: 'gzip' });
      expect(converter.fromMessage(message, Buffer)).to.equal(message.body);
      expect(converter.fromMessage(message, Uint8Array)).to.equal(message.body);
    }
  });

  it('takes a JSON string for a declared string, and no other JSON', () => {
    expect(converter.fromMessage(aMessage({ text: '"a"', contentType: 'application/json' }), String)).to.equal('a');
    expect(() => converter.fromMessage(aMessage({ text: '7', contentType: 'application/json' }), String)).to.throw(
      MessageConversionError,
      'declared as a string, but the JSON body holds a number',
    );
  });

  it('takes the charset from the content type before the content encoding [spring 7]', () => {
    const body = Buffer.from('"grüße"', 'latin1');
    const message = (contentType: string, contentEncoding?: string) => aMessage({ body, contentType, contentEncoding });
    expect(converter.fromMessage(message('application/json', 'ISO-8859-1'), undefined)).to.equal('grüße');
    expect(converter.fromMessage(message('application/json;charset=latin1', 'UTF-8'), undefined)).to.equal('grüße');
    expect(() => converter.fromMessage(message('application/json', ''), undefined)).to.throw(MessageConversionError);
    expect(() => converter.fromMessage(message('application/json', 'bogus'), undefined)).to.throw(
      MessageConversionError,
      '"bogus" as its encoding',
    );
  });

  it('refuses a body over the limit before reading it', () => {
    const small = contentTypeConverter({ maxBodyBytes: 10 });
    expect(small.fromMessage(aMessage({ text: '"12345678"', contentType: 'application/json' }), String)).to.equal(
      '12345678',
    );
    for (const target of [Buffer, String, Order, undefined]) {
      expect(() => small.fromMessage(aMessage({ text: 'x'.repeat(11) }), target)).to.throw(
        MessageConversionError,
        'The body has 11 bytes; at most 10 are accepted',
      );
    }
  });

  it('throws nothing but conversion errors, whatever arrives', () => {
    const contentTypes = fc.option(
      fc.oneof(fc.constantFrom('application/json', 'text/plain', 'application/octet-stream', 'a/b'), fc.string()),
      { nil: undefined },
    );
    const encodings = fc.option(fc.oneof(fc.constantFrom('UTF-8', 'latin1', 'gzip'), fc.string()), { nil: undefined });
    const targets = fc.constantFrom(undefined, String, Number, Boolean, Object, Buffer, Order);
    fc.assert(
      fc.property(fc.uint8Array(), contentTypes, encodings, targets, (bytes, contentType, contentEncoding, target) => {
        const message = aMessage({ body: Buffer.from(bytes), contentType, contentEncoding });
        try {
          converter.fromMessage(message, target);
        } catch (error) {
          expect(error).to.be.instanceOf(MessageConversionError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('writing a payload', () => {
  const write = (payload: unknown, hints = {}) => converter.toMessage(payload, hints);

  it('writes objects as JSON, text as text, bytes as they are', () => {
    const encoded = (payload: unknown) => {
      const { body, contentType, contentEncoding } = write(payload);
      return [body.toString(), contentType, contentEncoding];
    };
    // JSON is UTF-8 without a word.
    expect(encoded({ a: 1 })).to.deep.equal(['{"a":1}', 'application/json', undefined]);
    expect(encoded(null)).to.deep.equal(['null', 'application/json', undefined]);
    expect(encoded('grüße')).to.deep.equal(['grüße', 'text/plain', 'UTF-8']);
    expect(encoded(Buffer.from('raw'))).to.deep.equal(['raw', 'application/octet-stream', undefined]);
  });

  it('writes only the part of the memory that a view shows', () => {
    const view = new Uint8Array(Buffer.from('abcdef')).subarray(2, 4);
    expect(write(view).body.toString()).to.equal('cd');
  });

  it('follows the content type and charset that the caller asks for', () => {
    expect(write('x', { contentType: 'application/json' }).body.toString()).to.equal('"x"');
    expect(write('é', { contentType: 'text/csv;charset=latin1' }).body).to.deep.equal(Buffer.from([0xe9]));
    expect(write('é', { contentEncoding: 'ISO-8859-1' })).to.deep.equal({
      body: Buffer.from([0xe9]),
      contentType: 'text/plain',
      contentEncoding: 'ISO-8859-1',
    });
    expect(write({ a: 'é' }, { contentEncoding: 'latin1' })).to.deep.equal({
      body: Buffer.from('{"a":"é"}', 'latin1'),
      contentType: 'application/json',
      contentEncoding: 'latin1',
    });
    expect(write({ a: 1 }, { contentEncoding: 'UTF-8' }).contentEncoding).to.equal('UTF-8');
    expect(write({ a: 1 }, { contentType: 'application/cloudevents+json' }).contentType).to.equal(
      'application/cloudevents+json',
    );
    expect(write(Buffer.from('z'), { contentType: 'image/png', contentEncoding: 'gzip' })).to.deep.include({
      contentType: 'image/png',
      contentEncoding: 'gzip',
    });
  });

  it('refuses what it cannot write', () => {
    const round: Record<string, unknown> = {};
    round['self'] = round;
    expect(() => write(round))
      .to.throw(MessageConversionError, 'cannot be written as JSON')
      .with.property('cause');
    expect(() => write({ n: 1n })).to.throw(MessageConversionError, 'cannot be written as JSON');
    expect(() => write(undefined)).to.throw(MessageConversionError, 'undefined has no form in JSON');
    expect(() => write({ a: 1 }, { contentType: 'image/png' })).to.throw(
      MessageConversionError,
      'Cannot write an object',
    );
  });

  it('writes what reading gives back', () => {
    fc.assert(
      fc.property(harmlessJson, (value) => {
        const expected: unknown = JSON.parse(JSON.stringify(value));
        const { body, contentType, contentEncoding } = write(value, { contentType: 'application/json' });
        const message = aMessage({ body, contentType, contentEncoding });
        expect(converter.fromMessage(message, undefined)).to.deep.equal(expected);
      }),
    );
  });
});

describe('what a body may cost', () => {
  const list = (count: number) => `[${Array(count).fill('1').join(',')}]`;
  const readList =
    (count: number, options: ContentTypeConverterOptions, target: PayloadClass, hints?: ReadHints) => () =>
      contentTypeConverter(options).fromMessage(
        aMessage({ text: list(count), contentType: 'application/json' }),
        target,
        hints,
      );

  it('is 5,000 elements for a class, 50,000 for all else', () => {
    expect(readList(4999, {}, Order)).not.to.throw();
    expect(readList(5001, {}, Order)).to.throw(MessageConversionError, 'more than 5000 elements');
    expect(readList(5001, {}, Array)).to.throw(MessageConversionError);
    expect(readList(49_999, {}, Object)).not.to.throw();
    expect(readList(50_001, {}, Object)).to.throw(MessageConversionError, 'more than 50000 elements');
  });

  it('grows with the bytes that are allowed, unless it is given too', () => {
    const large = { maxBodyBytes: 4 * 1024 * 1024 };
    expect(readList(19_999, large, Order)).not.to.throw();
    expect(readList(20_001, large, Order)).to.throw('more than 20000 elements');
    expect(readList(19_999, {}, Order, large)).not.to.throw();
    expect(readList(5, { ...large, maxElements: 2 }, Order)).to.throw('more than 2 elements');
    expect(readList(4999, { maxBodyBytes: 20_000 }, Order)).not.to.throw();
  });

  it('is 4 MiB of JSON, and 16 MiB of text or bytes, where no class is declared', () => {
    const body = Buffer.alloc(4 * 1024 * 1024 + 1, '1');
    const of = (contentType: string) => aMessage({ body, contentType });
    expect(() => converter.fromMessage(of('application/json'), undefined)).to.throw('at most 4194304 are accepted');
    expect(converter.fromMessage(of('text/plain'), undefined)).to.have.lengthOf(body.length);
    expect(converter.fromMessage(of('image/png'), undefined)).to.equal(body);
  });

  it('is refused at start when it is no number', () => {
    for (const options of [{ maxBodyBytes: 0 }, { maxElements: '5' }, { longNumbers: 'big' }, { maxBytes: 5 }]) {
      expect(() => contentTypeConverter(options as ContentTypeConverterOptions)).to.throw(ConfigurationError);
    }
  });
});
