import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import {
  decodeTable,
  encodeTable,
  type FieldTable,
  type FieldValue,
  lookup,
  MalformedTableError,
  scanEntries,
} from './field-table.js';

const EVERY_TYPE: FieldTable = [
  ['t', { tag: 't', value: true }],
  ['b', { tag: 'b', value: -5 }],
  ['B', { tag: 'B', value: 250 }],
  ['s', { tag: 's', value: -300 }],
  ['u', { tag: 'u', value: 65_000 }],
  ['I', { tag: 'I', value: -70_000 }],
  ['i', { tag: 'i', value: 4_000_000_000 }],
  ['l', { tag: 'l', value: -9_007_199_254_740_993n }],
  ['f', { tag: 'f', value: 1.5 }],
  ['d', { tag: 'd', value: 0.1 }],
  ['D', { tag: 'D', value: { scale: 2, digits: 12345 } }],
  ['S', { tag: 'S', value: 'text' }],
  ['x', { tag: 'x', value: '\0\xff' }],
  [
    'A',
    {
      tag: 'A',
      value: [
        { tag: 'S', value: 'a' },
        { tag: 'V', value: null },
      ],
    },
  ],
  ['T', { tag: 'T', value: 1_700_000_000n }],
  ['F', { tag: 'F', value: [['nested', { tag: 'F', value: [] }]] }],
  ['V', { tag: 'V', value: null }],
];

function roundTrip(table: FieldTable): FieldTable {
  const bytes = encodeTable(table);
  return decodeTable(bytes, 4, bytes.length);
}

describe('field tables', () => {
  it('keep every type and value through encoding and decoding', () => {
    expect(roundTrip(EVERY_TYPE)).to.deep.equal(EVERY_TYPE);
  });

  it('keep random tables of any depth', () => {
    const scalar: fc.Arbitrary<FieldValue> = fc.oneof(
      fc.string({ unit: 'binary-ascii' }).map((value): FieldValue => ({ tag: 'S', value })),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): FieldValue => ({ tag: 'l', value })),
      fc.double({ noNaN: true }).map((value): FieldValue => ({ tag: 'd', value })),
      fc.boolean().map((value): FieldValue => ({ tag: 't', value })),
    );
    const { value } = fc.letrec<{ value: FieldValue }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        scalar,
        fc.array(tie('value'), { maxLength: 3 }).map((items): FieldValue => ({ tag: 'A', value: items })),
        fc
          .array(fc.tuple(fc.string({ unit: 'binary-ascii', maxLength: 20 }), tie('value')), { maxLength: 3 })
          .map((entries): FieldValue => ({ tag: 'F', value: entries })),
      ),
    }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary-ascii', maxLength: 20 }), value)), (table) => {
        expect(roundTrip(table)).to.deep.equal(table);
      }),
    );
  });

  it('find entries without decoding them', () => {
    const bytes = encodeTable(EVERY_TYPE);
    const entries = scanEntries(bytes, 4, bytes.length);
    expect(entries.map(({ key }) => key).join('')).to.equal('tbBsuIilfdDSxATFV');
    expect(entries.at(-1)?.end).to.equal(bytes.length);
  });

  it('take the first of two entries with the same key', () => {
    const twice: FieldTable = [
      ['k', { tag: 'S', value: 'first' }],
      ['k', { tag: 'S', value: 'second' }],
    ];
    expect(lookup(roundTrip(twice), 'k')?.value).to.equal('first');
  });

  it('throw a MalformedTableError for random bytes, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeTable(Buffer.from(bytes), 0, bytes.length);
        } catch (error) {
          expect(error).to.be.instanceOf(MalformedTableError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('take any depth that RabbitMQ takes, and keep what is not too deep', () => {
    const level = Buffer.from([0, 0x46, 0, 0, 0, 0]);
    const levels = 20_000;
    const bytes = Buffer.concat(Array.from({ length: levels }, () => level));
    for (let i = 0; i < levels; i++) bytes.writeUInt32BE(bytes.length - 6 * (i + 1), 6 * i + 2);
    let table = decodeTable(bytes, 0, bytes.length);
    let depth = 0;
    for (let field = lookup(table, ''); field !== undefined; field = lookup(table, '')) {
      table = field.value as FieldTable;
      depth++;
    }
    expect(depth).to.equal(101);
    bytes[bytes.length - 5] = 0x55;
    expect(() => decodeTable(bytes, 0, bytes.length)).to.throw(MalformedTableError, 'unknown field type');
  });
});
