import { expect } from 'chai';
import { describe, it } from 'mocha';
import { AmqpError } from '../errors/amqp-error.js';
import { table } from '../testing/raw-client.support.test.js';
import type { FieldTable } from '../wire/field-table.js';
import { checkMatchMode, headersMatch } from './headers-match.js';

const BINDINGS: Readonly<Record<string, FieldTable>> = {
  all: table({ 'x-match': 'all', a: 1, b: 'x' }),
  any: table({ 'x-match': 'any', a: 1, b: 'x' }),
  none: table({ a: 1 }),
  empty: table({ 'x-match': 'all' }),
  emptyAny: table({ 'x-match': 'any' }),
  exists: table({ 'x-match': 'all', a: null }),
  xhdrAll: table({ 'x-match': 'all', 'x-foo': 1 }),
  xhdrAllWithX: table({ 'x-match': 'all-with-x', 'x-foo': 1 }),
  anyWithX: table({ 'x-match': 'any-with-x', 'x-foo': 1 }),
};

function matching(headers: Record<string, unknown>, floatsEqualIntegers = true): string[] {
  const given = table(headers);
  return Object.keys(BINDINGS).filter((name) => headersMatch(BINDINGS[name] ?? [], given, floatsEqualIntegers));
}

describe('headersMatch', () => {
  it('answers as RabbitMQ was observed to', () => {
    expect(matching({ a: 1, b: 'x' })).to.deep.equal(['all', 'any', 'none', 'empty', 'exists', 'xhdrAll']);
    expect(matching({ a: 1 })).to.deep.equal(['any', 'none', 'empty', 'exists', 'xhdrAll']);
    expect(matching({ a: '1' })).to.deep.equal(['empty', 'exists', 'xhdrAll']);
    expect(matching({})).to.deep.equal(['empty', 'xhdrAll']);
    expect(matching({ 'x-foo': 1 })).to.deep.equal(['empty', 'xhdrAll', 'xhdrAllWithX', 'anyWithX']);
    expect(matching({ 'x-foo': 2 })).to.deep.equal(['empty', 'xhdrAll']);
  });

  it('compares integers whatever their width', () => {
    expect(matching({ a: { tag: 'l', value: 1n } })).to.include('none');
    expect(matching({ a: { tag: 'b', value: 1 } })).to.include('none');
  });

  it('takes 1.0 for 1 in 3.10 only', () => {
    const headers = { a: { tag: 'd', value: 1 } };
    expect(matching(headers, true)).to.include('none');
    expect(matching(headers, false)).to.deep.equal(['empty', 'exists', 'xhdrAll']);
  });

  it('compares tables and arrays by what is in them', () => {
    const binding = table({ a: [1, { k: 'v' }] });
    expect(headersMatch(binding, table({ a: [1, { k: 'v' }] }), true)).to.equal(true);
    expect(headersMatch(binding, table({ a: [1, { k: 'w' }] }), true)).to.equal(false);
  });
});

describe('checkMatchMode', () => {
  it('refuses an unknown mode in the words of RabbitMQ', () => {
    expect(() => checkMatchMode(table({ 'x-match': 'foo' }))).to.throw(
      AmqpError,
      'PRECONDITION_FAILED - Invalid x-match field value <<"foo">>; expected all, any, all-with-x, or any-with-x',
    );
  });
});
