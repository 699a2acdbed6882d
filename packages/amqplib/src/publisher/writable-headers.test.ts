import { expect } from 'chai';
import { describe, it } from 'mocha';
import { writableHeaders } from './writable-headers.js';

const HUGE = -(2 ** 64);
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
    for (const value of [-(2 ** 64), 2 ** 50 + 0.5]) {
      expect(writableHeaders({ value }), String(value)).to.deep.equal({ value: double(value) });
    }
  });

  it('marks them in tables and lists too, and leaves the given headers alone', () => {
    const headers = { list: [1.5, HUGE], table: { deep: { n: HUGE } }, other: 'x' };
    expect(writableHeaders(headers)).to.deep.equal({
      list: [1.5, double(HUGE)],
      table: { deep: { n: double(HUGE) } },
      other: 'x',
    });
    expect(headers.list).to.deep.equal([1.5, HUGE]);
  });

  it('writes dates, bytes and bigints as what they are', () => {
    const headers = { at: new Date(1500), list: [new Uint8Array([1, 2])], id: 1688888483063664642n, small: 5n };
    expect(writableHeaders(headers)).to.deep.equal({
      at: { '!': 'timestamp', value: 1 },
      list: [Buffer.from([1, 2])],
      id: { '!': 'long', value: '1688888483063664642' },
      small: { '!': 'int', value: 5 },
    });
  });

  it('refuses what AMQP has no value for, with its path', () => {
    expect(() => writableHeaders({ a: [{ b: new Map() }] })).to.throw(
      TypeError,
      'headers.a[0].b is an instance of Map',
    );
    expect(() => writableHeaders({ rate: Number.NaN })).to.throw(TypeError, 'headers.rate is NaN');
  });
});
