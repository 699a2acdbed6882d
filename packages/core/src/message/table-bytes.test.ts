import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { tableBytes } from './table-bytes.js';

// What the transport's client really writes is the measure; core itself does not depend on it.
const require = createRequire(import.meta.url);
const { encodeTable } = require(join(dirname(require.resolve('amqplib')), 'lib/codec.js')) as {
  encodeTable(buffer: Buffer, table: object, offset: number): number;
};
const scratch = Buffer.alloc(1024 * 1024);
const encodedBytes = (table: object) => encodeTable(scratch, table, 0);

const names = fc.string({ unit: 'binary', maxLength: 60 }).filter((name) => name !== '!' && name !== '__proto__');
const scalars = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer(),
  // What amqplib cannot write at all is left out: NaN, fractions from 2^50, and all below -2^63.
  fc.double({ min: -(2 ** 49), max: 2 ** 49, noNaN: true }),
  fc.double({ min: 2 ** 63, noNaN: true }),
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 20 }),
  fc.date({ noInvalidDate: true }),
  fc.nat().map((value) => ({ '!': 'timestamp', value })),
  fc.double().map((value) => ({ '!': 'float', value })),
  fc.record({ places: fc.nat(255), digits: fc.nat() }).map((value) => ({ '!': 'decimal', value })),
);
const { table } = fc.letrec<{ value: unknown; table: Record<string, unknown> }>((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, scalars, fc.array(tie('value'), { maxLength: 5 }), tie('table')),
  table: fc.dictionary(names, fc.oneof({ weight: 9, arbitrary: tie('value') }, fc.constant(undefined)), { maxKeys: 8 }),
}));

describe('tableBytes', () => {
  it('is exact for text, names and nesting', () => {
    const headers = {
      'x-a': 'é',
      list: ['one', 'two'],
      inner: { b: 'c' },
      bytes: Buffer.from('abc'),
      no: null,
      yes: true,
    };
    expect(tableBytes(headers)).to.equal(encodedBytes(headers));
    expect(tableBytes({})).to.equal(4);
  });

  it('leaves out what is undefined', () => {
    expect(tableBytes({ a: undefined })).to.equal(4);
  });

  it('is never less than what amqplib writes', () => {
    fc.assert(
      fc.property(table, (headers) => {
        expect(tableBytes(headers)).to.be.at.least(encodedBytes(headers));
      }),
      { numRuns: 500 },
    );
  });

  it('counts bytes that are no Buffer as amqplib writes them: one number after the other', () => {
    const headers = { bytes: new Uint8Array(1000) };
    expect(tableBytes(headers)).to.be.at.least(encodedBytes(headers));
  });

  it('counts what nests deep', () => {
    let headers: Record<string, unknown> = { text: 'x'.repeat(1000) };
    for (let depth = 0; depth < 2000; depth++) headers = { a: headers };
    expect(tableBytes(headers)).to.be.at.least(encodedBytes(headers));
  });

  it('ends on a table that holds itself twice', () => {
    const headers: Record<string, unknown> = {};
    headers['one'] = headers;
    headers['two'] = [headers, headers];
    expect(tableBytes(headers)).to.be.at.least(1024 * 1024);
  });
});
