import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { MessageConversionError } from '../errors/message-error.js';
import { parseJson } from './json-body.js';
import { type LongNumbers, losesDigits, mayLoseDigits } from './long-number.js';

const parse = (text: string, longNumbers: LongNumbers = 'refuse') =>
  parseJson(text, { maxElements: 10_000, longNumbers });

/** What the scan and the judgement say together. */
const isLost = (token: string) => mayLoseDigits(token) && losesDigits(token);

describe('losesDigits', () => {
  const lost = [
    '1688888483063664642',
    '9007199254740993',
    '-9007199254740993',
    '18446744073709551615',
    '9'.repeat(400),
    `0.${'1'.repeat(30)}`,
    '3.14159265358979323846',
    '1732600000123.456789',
    '12345678901234567.5',
    '9999999999999999.99',
    '1e400',
    '-1E+400',
    '1e-400',
    '1e0000400',
    '123456789012345678e3',
    '9007199254740993.0',
    '9007199254740993e0',
  ];
  for (const token of lost) it(`says so of ${token.slice(0, 40)}`, () => expect(isLost(token)).to.equal(true));

  const held = [
    '0',
    '-0',
    '0.1',
    '19.99',
    '1.50',
    '1e5',
    '1E308',
    '4.9E-324',
    '1.7976931348623157e+308',
    '2.2250738585072014E-308',
    '9007199254740991',
    '9007199254740992',
    '1152921504606846976',
    '1000000000000000000000',
    String(2n ** 1000n),
    '0.30000000000000004',
    '0.10000000000000001',
    '0.1000000000000000055511151231257827',
    '100.00000000000000000000',
    '0.00000000000000000000',
    '0e999',
    '123456789012345.67',
    '1732600000123.456',
    '1688888483063664600',
    '550159986297517800',
    '999143596790396.2',
    '9007199254740992.0',
    '1000000000000000000000e-21',
  ];
  for (const token of held) it(`does not say so of ${token.slice(0, 40)}`, () => expect(isLost(token)).to.equal(false));

  it('takes whatever a program writes for its own numbers', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => !isLost(n.toExponential())));
    fc.assert(fc.property(fc.double({ min: 1e-5, max: 1e15, noNaN: true }), (n) => !isLost(JSON.stringify(n))));
    fc.assert(fc.property(fc.double({ min: 1e-5, max: 1e15, noNaN: true }), (n) => !isLost(n.toPrecision(17))));
  });

  it('finds a long number wherever it stands', () => {
    for (const token of ['9007199254740993', '123456789.1234567', '1e400']) {
      for (let before = 0; before < 40; before++) {
        for (const after of ['', ' ', ' '.repeat(20)]) {
          expect(mayLoseDigits(`${' '.repeat(before)}${token}${after}`), `${before} ${token}`).to.equal(true);
        }
      }
    }
    expect(mayLoseDigits('123456789012345 '.repeat(20))).to.equal(false);
  });

  it('is right about every whole number', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }), (id) => {
        const number = Number(id);
        expect(isLost(String(id))).to.equal(BigInt(number) !== id && String(number) !== String(id));
      }),
    );
  });

  it('is right about decimals of up to 15 digits', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 14 }), (n, places) => {
        expect(isLost((Math.trunc(n / 100) / 10 ** places).toFixed(places).slice(0, 16))).to.equal(false);
      }),
    );
  });
});

describe('JSON numbers that lose digits', () => {
  it('make a message unreadable, with the path and without the number', () => {
    for (const [text, path] of [
      ['{"id":1688888483063664642}', ' at id '],
      ['[1,2,{"a,b":[{}, {"x": "}]\\"", "é": -1688888483063664642 }]}]', ' at [2]["a,b"][1].é '],
      ['{"a":{"b":[[],[0,1e400]]}}', ' at a.b[1][1] '],
      ['1688888483063664642', 'The number of the JSON body'],
      [`{"${'n'.repeat(500)}":9007199254740993}`, '...'],
    ] as const) {
      expect(() => parse(text), text)
        .to.throw(MessageConversionError)
        .with.property('message')
        .that.contains(path)
        .and.satisfies((message: string) => !message.includes('1688888483063664642') && message.length < 600);
    }
  });

  it('are no matter inside of strings and names', () => {
    const value = { '1688888483063664642': '1688888483063664643', x: '1e400', y: ['\\"9007199254740993'] };
    expect(parse(JSON.stringify(value))).to.deep.equal(value);
  });

  it('are read as bigint, whole numbers only', () => {
    const read = parse('{"id":1688888483063664642,"n":[-9007199254740993,7,"x"],"s":"1688888483063664642"}', 'bigint');
    expect(read).to.deep.equal({
      id: 1688888483063664642n,
      n: [-9007199254740993n, 7, 'x'],
      s: '1688888483063664642',
    });
    expect(parse('18446744073709551615', 'bigint')).to.equal(18446744073709551615n);
    for (const text of ['[1e400]', '[0.12345678901234567890]', `[${'9'.repeat(5000)}]`]) {
      expect(() => parse(text, 'bigint')).to.throw(MessageConversionError, 'at [0]');
    }
  });

  it('are read as text, as they were written', () => {
    const read = parse('{"id":1688888483063664642,"rate":0.12345678901234567890,"big":[1e400],"n":1.5}', 'text');
    expect(read).to.deep.equal({ id: '1688888483063664642', rate: '0.12345678901234567890', big: ['1e400'], n: 1.5 });
  });

  it('are rounded where that is asked for', () => {
    expect(parse('[1688888483063664642,1e400]', 'round')).to.deep.equal([
      1688888483063664600,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it('do not make JSON of what is none', () => {
    for (const text of [
      '{1688888483063664642:1}',
      '[1.2.3.4.5.6.7.8.9.10]',
      '[00000000000000001]',
      '"a" 9007199254740993',
      '[-9007199254740993-]',
      '[90071992547409931',
      'x9007199254740993',
    ]) {
      for (const how of ['refuse', 'bigint', 'text'] as const) {
        expect(() => parse(text, how), text).to.throw(MessageConversionError, 'not valid JSON');
      }
    }
  });
});

describe('the number of elements in a JSON body', () => {
  const limited = (text: string, maxElements: number) => () => parseJson(text, { maxElements, longNumbers: 'refuse' });

  it('is counted on all levels, of arrays and objects', () => {
    for (const text of ['[1,2,3]', '{"a":1,"b":2,"c":3}', '[{},{}]', '{"a":{"b":{"c":1}}}']) {
      expect(limited(text, 4), text).not.to.throw();
      expect(limited(text, 2), text).to.throw(MessageConversionError, 'more than 2 elements');
    }
    expect(limited(`[${'{},'.repeat(10_000)}0]`, 10_000)).to.throw('maxElements');
  });

  it('does not count what stands in strings', () => {
    expect(limited(JSON.stringify(['{[,,,,,,,'.repeat(2000)]), 2)).not.to.throw();
  });
});

describe('a long number', () => {
  it('is told with its place and its own length', () => {
    expect(() => parse('{"order":{"id":1688888483063664642}}')).to.throw(
      MessageConversionError,
      /^The number at \S*id\S* of the JSON body, 19 characters long, cannot be held/,
    );
  });

  it('is a bigint of up to 1000 digits', () => {
    expect(parse('9'.repeat(1000), 'bigint')).to.equal(BigInt('9'.repeat(1000)));
    expect(() => parse('9'.repeat(1001), 'bigint')).to.throw(MessageConversionError, /1001 characters long/);
  });

  it('is read beside null, text and numbers', () => {
    expect(parse('[null,{"id":1688888483063664642,"of":null},"a",7]', 'text')).to.deep.equal([
      ...[null, { id: '1688888483063664642', of: null }, 'a', 7],
    ]);
  });
});

describe('mayLoseDigits', () => {
  it('looks for sixteen digits and points in a row, wherever they stand, and for exponents of three digits', () => {
    const piece = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'0123456789.'), maxLength: 20 }),
      fc.constantFrom(' ', ',', '"a":', '-', 'e', 'e1'),
    );
    const text = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (json) => {
        expect(mayLoseDigits(json)).to.equal(/[\d.]{16}/.test(json) || /\d[eE][+-]?\d{3}/.test(json));
      }),
      { numRuns: 500 },
    );
    for (let before = 0; before < 40; before++) {
      const around = (digits: number) => mayLoseDigits(`${' '.repeat(before)}${'7'.repeat(digits)},${'7'.repeat(15)}`);
      expect([around(15), around(16)], `behind ${before}`).to.deep.equal([false, true]);
    }
  });
});

describe('a fraction that a double holds to its last digit', () => {
  const power = (n: number) => `0.${String(5n ** BigInt(n)).padStart(n, '0')}`;
  it('loses nothing with up to a hundred digits', () => {
    expect([power(143), power(145)].map((token) => token.replace(/^0\.0*/, '').length)).to.deep.equal([100, 102]);
    expect([power(143), power(145)].map(losesDigits)).to.deep.equal([false, true]);
    expect([`1.5${'0'.repeat(120)}`, `1.5${'0'.repeat(120)}1`].map(losesDigits)).to.deep.equal([false, true]);
  });
});
