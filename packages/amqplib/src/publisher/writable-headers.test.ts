import { expect } from 'chai';
import { describe, it } from 'mocha';
import { writableHeaders } from './writable-headers.js';

const double = (value: number) => ({ '!': 'double', value });

describe('writableHeaders', () => {
  it('leaves what amqplib writes as it is, the object itself included', () => {
    const headers = {
      a: { '!': 'timestamp', value: 1 },
      b: -1.5,
      c: 'x',
      d: ['y', { e: 2 ** 40 }],
      f: null,
      g: Buffer.from('x'),
      h: 2 ** 63,
      i: true,
    };
    expect(writableHeaders(headers)).to.equal(headers);
  });

  it('writes whole numbers as 32 bits, as Java does, and larger ones as amqplib does', () => {
    const int = (value: number) => ({ '!': 'int', value });
    const headers = { attempts: 3, least: -(2 ** 31), most: 2 ** 31 - 1, more: 2 ** 31, less: -(2 ** 31) - 1 };
    expect(writableHeaders(headers)).to.deep.equal({
      ...headers,
      attempts: int(3),
      least: int(-(2 ** 31)),
      most: int(2 ** 31 - 1),
    });
  });

  it('marks numbers that amqplib would take for integers', () => {
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY, -(2 ** 64), 2 ** 50 + 0.5]) {
      expect(writableHeaders({ value }), String(value)).to.deep.equal({ value: double(value) });
    }
  });

  it('marks them in tables and lists too, and leaves the given headers alone', () => {
    const headers = { list: [1.5, Number.NaN], table: { deep: { n: Number.NaN } }, other: 'x' };
    expect(writableHeaders(headers)).to.deep.equal({
      list: [1.5, double(Number.NaN)],
      table: { deep: { n: double(Number.NaN) } },
      other: 'x',
    });
    expect(headers.list).to.deep.equal([1.5, Number.NaN]);
  });
});
