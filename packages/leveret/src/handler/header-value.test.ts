import { FatalMessageError, type Message, MessageConversionError } from '@leveret/core';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { convertHeader, headerValue } from './header-value.js';

function messageWith(headers: Record<string, unknown>): Message {
  return { body: Buffer.alloc(0), headers, exchange: '', routingKey: 'q', redelivered: false };
}

const TENANT = { kind: 'header', name: 'x-tenant', required: true, default: undefined, as: undefined } as const;

describe('headerValue', () => {
  it('takes a header as it came', () => {
    const list = [1, { a: 2 }];
    expect(headerValue(TENANT, messageWith({ 'x-tenant': list }))).to.equal(list);
  });

  for (const [what, headers] of [
    ['missing', {}],
    ['null', { 'x-tenant': null }],
    ['spelt otherwise', { 'X-Tenant': 'a' }],
  ] as const) {
    it(`refuses a message whose required header is ${what}`, () => {
      expect(() => headerValue(TENANT, messageWith(headers)))
        .to.throw(FatalMessageError, '"x-tenant" is required')
        .with.property('code', 'LEV_HEADER_MISSING');
    });

    it(`takes the default when a header is ${what}`, () => {
      const plan = { ...TENANT, required: false, default: 'none' };
      expect(headerValue(plan, messageWith(headers))).to.equal('none');
    });
  }

  it('does not take what every object has for a header', () => {
    expect(() => headerValue({ ...TENANT, name: 'constructor' }, messageWith({}))).to.throw(
      '"constructor" is required',
    );
  });

  it('converts to the declared scalar, and refuses what that would change', () => {
    const plan = { ...TENANT, as: 'number' } as const;
    expect(headerValue(plan, messageWith({ 'x-tenant': '12' }))).to.equal(12);
    expect(() => headerValue(plan, messageWith({ 'x-tenant': '012' })))
      .to.throw(MessageConversionError, 'declared as a number; "012" cannot become one without loss')
      .with.property('code', 'LEV_MESSAGE_UNREADABLE');
  });
});

describe('convertHeader', () => {
  for (const [value, as, converted] of [
    [5, 'string', '5'],
    [true, 'string', 'true'],
    [9007199254740993n, 'string', '9007199254740993'],
    [{ a: 1 }, 'string', undefined],
    [Buffer.from('a'), 'string', undefined],
    ['-1.5', 'number', -1.5],
    ['', 'number', undefined],
    [' 1', 'number', undefined],
    ['1e400', 'number', undefined],
    ['9007199254740993', 'number', undefined],
    ['NaN', 'number', undefined],
    ['0x10', 'number', undefined],
    [5n, 'number', 5],
    [9007199254740993n, 'number', undefined],
    [true, 'number', undefined],
    ['true', 'boolean', true],
    ['false', 'boolean', false],
    ['yes', 'boolean', undefined],
    [1, 'boolean', undefined],
  ] as const) {
    const shown = typeof value === 'bigint' ? `${value}n` : JSON.stringify(value);
    it(`makes ${String(converted)} of ${shown} as a ${as}`, () => {
      expect(convertHeader(value, as)).to.equal(converted);
    });
  }

  it('loses nothing: what it converts reads the same when it is written again', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.bigInt().map(String)), (text) => {
        const number = convertHeader(text, 'number');
        if (number !== undefined) expect(String(number)).to.equal(text);
      }),
    );
  });
});
