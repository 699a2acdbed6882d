import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { wireTable } from './wire-table.js';

const refused = (value: unknown) => expect(() => wireTable({ x: value }, 'headers')).to.throw(TypeError);

describe('wireTable', () => {
  it('answers the same table when there is nothing to say', () => {
    const table = {
      a: 'x',
      b: true,
      c: null,
      d: -1.5,
      e: [1, ['y', { f: 2 ** 60 }]],
      g: Buffer.from('x'),
      h: { '!': 'timestamp', value: 1 },
      i: undefined,
      j: Object.create(null) as object,
    };
    expect(wireTable(table, 'headers')).to.equal(table);
  });

  const written: Readonly<Record<string, readonly [given: unknown, written: unknown]>> = {
    'a date as a timestamp in whole seconds': [new Date(1999), { '!': 'timestamp', value: 1 }],
    'the first date': [new Date(0), { '!': 'timestamp', value: 0 }],
    'a date of another realm': [runInNewContext('new Date(5000)'), { '!': 'timestamp', value: 5 }],
    'a Uint8Array as bytes': [new Uint8Array([1, 2]), Buffer.from([1, 2])],
    'a part of one': [new Uint8Array([1, 2, 3]).subarray(1), Buffer.from([2, 3])],
    'clamped bytes': [new Uint8ClampedArray([7]), Buffer.from([7])],
    'a DataView': [new DataView(new Uint8Array([1, 2, 3]).buffer, 1), Buffer.from([2, 3])],
    'an ArrayBuffer': [new Uint8Array([9]).buffer, Buffer.from([9])],
    'a small bigint as a number': [-7n, -7],
    'the largest 64-bit integer': [2n ** 63n - 1n, { '!': 'long', value: '9223372036854775807' }],
    'the least one': [-(2n ** 63n), { '!': 'long', value: '-9223372036854775808' }],
    'an object of another realm': [runInNewContext('({ a: 1n })'), { a: 1 }],
  };
  for (const [what, [given, expected]] of Object.entries(written)) {
    it(`writes ${what}, at the top and within tables and lists`, () => {
      expect(wireTable({ x: given, y: { z: [given] } }, 'headers')).to.deep.equal({
        x: expected,
        y: { z: [expected] },
      });
    });
  }

  it('leaves the given table alone', () => {
    const table = { list: [5n], inner: { at: new Date(0) } };
    wireTable(table, 'headers');
    expect(table).to.deep.equal({ list: [5n], inner: { at: new Date(0) } });
  });

  it('keeps every name, whatever it is', () => {
    const table = JSON.parse('{"__proto__":{"a":1},"constructor":1,"":2}') as Record<string, unknown>;
    table['n'] = 1n;
    expect(JSON.stringify(wireTable(table, 'headers'))).to.equal('{"__proto__":{"a":1},"constructor":1,"":2,"n":1}');
  });

  class Order {
    id = 1;
  }
  const circle: unknown[] = [];
  circle.push({ circle });
  const wrong: Readonly<Record<string, unknown>> = {
    'a Map': new Map([['a', 1]]),
    'a Set': new Set([1]),
    'an Error': new Error('x'),
    'an instance': new Order(),
    'a function': () => 1,
    'a symbol': Symbol('x'),
    'a boxed number': Object(1),
    'a boxed text': Object('x'),
    'a boxed bigint': Object(1n),
    'a RegExp': /x/,
    'a URL': new URL('http://x'),
    'a promise': Promise.resolve(1),
    'a WeakMap': new WeakMap(),
    'numbers wider than bytes': new Float64Array([1]),
    'signed bytes': new Int8Array([1]),
    NaN: Number.NaN,
    Infinity: Number.POSITIVE_INFINITY,
    'a bigint above 64 bits': 2n ** 63n,
    'an invalid date': new Date(Number.NaN),
    'a date before 1970': new Date(-1),
    'a hole in a list': new Array(1),
    'undefined in a list': [undefined],
    'a circle': circle,
    'a name above 255 bytes': { ['n'.repeat(256)]: 1 },
    'an unknown type': { '!': 'uuid', value: 'x' },
    'a type of another value': { '!': 'int', value: '5x' },
    'a value out of the range of its type': { '!': 'byte', value: 128 },
    'a double that is none': { '!': 'double', value: Number.NaN },
    'a timestamp with a fraction': { '!': 'timestamp', value: 1.5 },
    'a decimal without digits': { '!': 'decimal', value: { places: 2 } },
    'a decimal that is a number': { '!': 'decimal', value: 19.99 },
    'a decimal of nothing': { '!': 'decimal', value: null },
    'an inherited type': { '!': 'constructor', value: 1 },
  };
  for (const [what, value] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      refused(value)
        .with.property('message')
        .that.matches(/^headers\.x/);
      refused([{ deep: value }])
        .with.property('message')
        .that.matches(/^headers\.x(\[0\]\.deep|.* circle)/);
    });
  }

  it('takes what nests 64 deep, and nothing deeper', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(() => wireTable({ x: nested(64) }, 'headers')).not.to.throw();
    expect(() => wireTable({ x: nested(65) }, 'headers')).to.throw(/nested over 64 deep/);
  });

  it('names the path, whatever the names are', () => {
    expect(() => wireTable({ 'x-a b': [0, { ok: 1, é: new Set() }] }, 'headers')).to.throw(
      'headers["x-a b"][1].é is an',
    );
    expect(() => wireTable(new Map(), 'headers')).to.throw(TypeError, 'headers is an instance of Map');
    expect(() => wireTable({ a: { b: Number.NaN } }, 'arguments')).to.throw('arguments.a.b is NaN');
  });

  it('takes the types that can be said', () => {
    const table = {
      a: { '!': 'long', value: '-9223372036854775808' },
      b: { '!': 'uint8', value: 255 },
      c: { '!': 'timestamp', value: 2 ** 63 },
      d: { '!': 'decimal', value: { places: 2, digits: 1999 } },
      e: { '!': 'float', value: 0.5 },
      f: { '!': 'string', value: 's' },
      g: { '!': 'boolean', value: false },
      h: { '!': 'long', value: 5n },
    };
    expect(wireTable(table, 'headers')).to.equal(table);
  });
});

describe('the bounds of a table', () => {
  it('are names of 255 bytes, and dates from 1970 on', () => {
    const name = 'n'.repeat(255);
    expect(wireTable({ [name]: 1 }, 'headers')).to.deep.equal({ [name]: 1 });
    expect(wireTable({ at: new Date(0) }, 'headers')).to.deep.equal({ at: { '!': 'timestamp', value: 0 } });
    expect(() => wireTable({ at: new Date(-1) }, 'headers')).to.throw(/a Date before 1970/);
  });

  it('are those of each type of whole numbers', () => {
    const signed = { byte: 8n, int8: 8n, short: 16n, int16: 16n, int: 32n, int32: 32n, long: 64n, int64: 64n };
    const unsigned = {
      ...{
        unsignedbyte: 8n,
        uint8: 8n,
        unsignedshort: 16n,
        uint16: 16n,
        unsignedint: 32n,
        uint32: 32n,
        timestamp: 64n,
      },
    };
    const isTaken = (type: string, value: bigint) => {
      try {
        wireTable({ x: { '!': type, value } }, 'headers');
        return true;
      } catch {
        return false;
      }
    };
    const around = (type: string, least: bigint, most: bigint) =>
      [least - 1n, least, most, most + 1n].map((value) => isTaken(type, value));
    for (const [type, bits] of Object.entries(signed)) {
      expect(around(type, -(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n), type).to.deep.equal([
        false,
        true,
        true,
        false,
      ]);
    }
    for (const [type, bits] of Object.entries(unsigned)) {
      expect(around(type, 0n, 2n ** bits - 1n), type).to.deep.equal([false, true, true, false]);
    }
    for (const type of ['double', 'float64', 'float']) {
      expect(wireTable({ x: { '!': type, value: 0.5 } }, 'headers')).to.be.an('object');
      expect(() => wireTable({ x: { '!': type, value: Number.NaN } }, 'headers')).to.throw(TypeError);
    }
    expect([2n ** 63n - 1n, -(2n ** 63n)].map((value) => wireTable({ x: value }, 'headers'))).to.deep.equal([
      { x: { '!': 'long', value: '9223372036854775807' } },
      { x: { '!': 'long', value: '-9223372036854775808' } },
    ]);
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n])
      expect(() => wireTable({ x: value }, 'headers')).to.throw(/64 bits/);
  });
});
