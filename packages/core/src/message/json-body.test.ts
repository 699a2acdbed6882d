import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { MessageConversionError } from '../errors/message-error.js';
import { parseJson as parseWithin } from './json-body.js';
import { pathAt, pathText } from './json-path.js';
import { harmlessJson } from './message.support.test.js';
import { MAX_JSON_DEPTH } from './scan-json.js';

const LIMITS = { maxElements: 10_000, longNumbers: 'refuse' } as const;
const parseJson = (text: string) => parseWithin(text, LIMITS);
const nested = (depth: number, filler = '') => `${'['.repeat(depth)}${filler}${']'.repeat(depth)}`;
const refused = (text: string) => expect(() => parseJson(text)).to.throw(MessageConversionError);

describe('parseJson', () => {
  it('reads whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(harmlessJson, (value) => {
        expect(parseJson(JSON.stringify(value))).to.deep.equal(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('throws nothing but conversion errors for text of any kind', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.json().map((text) => text.slice(1)),
        ),
        (text) => {
          try {
            parseJson(text);
          } catch (error) {
            expect(error).to.be.instanceOf(MessageConversionError);
          }
        },
      ),
    );
  });

  it('says where the fault is when the parser knows, and nothing of what stands there', () => {
    refused('{"a" "secret"}').with.property('message').that.contains('at position 5');
    for (const text of ['{"card":"4111111111111111", x}', 'secret', '["secret" 1]', '{"a":secret}', '"secret']) {
      refused(text).and.satisfy(
        (error: Error) => !/4111|secret/.test(`${error.message}${error.stack}`) && !error.cause,
      );
    }
    refused('').with.property('message').that.contains('it is empty');
  });

  it('refuses the key __proto__, spelled out, escaped, or deep inside', () => {
    refused('{"__proto__":{"admin":true}}').with.property('message').that.contains('__proto__');
    refused('{"\\u005f_proto__":{}}');
    refused('{"a":[1,{"b":{"__pro\\u0074o__":1}}]}');
  });

  it('refuses a constructor that holds a prototype', () => {
    refused('{"constructor":{"prototype":{"admin":true}}}');
    refused('{"\\u0063onstructor":{"prototype":{}}}');
  });

  it('lets the words through where they do no harm', () => {
    expect(parseJson('{"constructor":"Gustave Eiffel","note":"__proto__","x":"\\u00e9"}')).to.deep.equal({
      constructor: 'Gustave Eiffel',
      note: '__proto__',
      x: 'é',
    });
    expect(parseJson('{"constructor":{"name":"Eiffel"}}')).to.deep.equal({ constructor: { name: 'Eiffel' } });
  });

  it('leaves the prototypes of this process alone', () => {
    refused('{"__proto__":{"polluted":1}}');
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
  });

  it(`refuses nesting over ${MAX_JSON_DEPTH}, of arrays and objects alike`, () => {
    expect(parseJson(nested(MAX_JSON_DEPTH))).to.be.an('array');
    refused(nested(MAX_JSON_DEPTH + 1))
      .with.property('message')
      .that.contains('nests deeper');
    refused(nested(100_000));
    refused(`${'{"a":'.repeat(600)}1${'}'.repeat(600)}`);
    expect(parseJson(nested(MAX_JSON_DEPTH - 1, ' '.repeat(2000)))).to.be.an('array');
  });

  it('takes brackets in text for text', () => {
    const text = `"${'['.repeat(3000)}\\"${'{'.repeat(3000)}\\\\"`;
    expect(parseJson(`{"a":${text},"b":[]}`)).to.deep.equal({ a: JSON.parse(text), b: [] });
  });

  it('takes any length at one level', () => {
    expect(parseJson(`[${'[],{},'.repeat(2000)}0]`)).to.have.lengthOf(4001);
  });
});

describe('pathAt', () => {
  it('names where a value begins, of whatever kind it is', () => {
    const text = '{"a":[1,{"b":2}]}';
    const at = (part: string) => pathAt(text, text.indexOf(part));
    expect(['{"a"', '[1', '1,', '{"b"', '2'].map(at)).to.deep.equal(['', 'a', 'a[0]', 'a[1]', 'a[1].b']);
  });

  it('shows the first 200 characters', () => {
    expect(pathText(['x'.repeat(200)])).to.equal('x'.repeat(200));
    expect(pathText(['x'.repeat(201)])).to.equal(`${'x'.repeat(200)}...`);
  });
});

describe('a constructor in a body', () => {
  it('is read where it holds no prototype', () => {
    for (const held of ['null', '7', '"prototype"', '{"a":1}']) {
      expect(parseJson(`{"constructor":${held}}`)).to.deep.equal({ constructor: JSON.parse(held) });
    }
  });
});
