import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { readTable, writeTable } from './table-json.js';

const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.constant(null),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('table'),
  ),
  table: fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom('$date', '$bytes', '$bigint', '$number', '$object', '__proto__', 'toString')),
    tie('value'),
    { maxKeys: 4 },
  ),
})).value;

describe('texts of tables', () => {
  it('give back whatever was written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), (table) => {
        expect(readTable(writeTable(table))).to.deep.equal({ ...table });
      }),
      { numRuns: 500 },
    );
  });

  it('leave out what is undefined, as the wire does', () => {
    expect(readTable(writeTable({ a: undefined, b: 1 }))).to.deep.equal({ b: 1 });
    expect(readTable(writeTable({ a: undefined, $date: 1 }))).to.deep.equal({ $date: 1 });
  });

  it('can be read by a person', () => {
    expect(writeTable({ messageId: 'm1', at: new Date(0), raw: Buffer.from('é') })).to.equal(
      '{"messageId":"m1","at":{"$date":0},"raw":{"$bytes":"w6k="}}',
    );
  });
});
