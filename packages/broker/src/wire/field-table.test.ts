import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { encodeField, encodeTable } from './encode-table.js';
import {
  decodeTable,
  type FieldTable,
  type FieldValue,
  lookup,
  MalformedTableError,
  readField,
  scanEntries,
} from './field-table.js';
import { lookAtTable, makeCanonical } from './table-walk.js';

const EVERY_TYPE: FieldTable = [
  ['t', { tag: 't', value: true }],
  ['b', { tag: 'b', value: -5 }],
  ['B', { tag: 'B', value: 250 }],
  ['s', { tag: 's', value: -300 }],
  ['u', { tag: 'u', value: 65_000 }],
  ['I', { tag: 'I', value: -70_000 }],
  ['i', { tag: 'i', value: 4_000_000_000 }],
  ['l', { tag: 'l', value: -9_007_199_254_740_993n }],
  ['L', { tag: 'L', value: 2n ** 64n - 1n }],
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

function list(item: FieldValue): FieldValue {
  return { tag: 'A', value: [item] };
}

/** Whether bytes are taken for a table; anything but a {@link MalformedTableError} goes through. */
function verdict(read: () => unknown): 'sound' | 'malformed' {
  try {
    read();
    return 'sound';
  } catch (error) {
    expect(error).to.be.instanceOf(MalformedTableError);
    return 'malformed';
  }
}

describe('field tables', () => {
  it('keep every type and value through encoding and decoding', () => {
    expect(roundTrip(EVERY_TYPE)).to.deep.equal(EVERY_TYPE);
  });

  it('keep random tables of any depth', () => {
    const scalar: fc.Arbitrary<FieldValue> = fc.oneof(
      fc.string({ unit: 'binary-ascii' }).map((value): FieldValue => ({ tag: 'S', value })),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): FieldValue => ({ tag: 'l', value })),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value): FieldValue => ({ tag: 'd', value })),
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
    expect(entries.map(({ key }) => key).join('')).to.equal('tbBsuIilLfdDSxATFV');
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
        expect(verdict(() => lookAtTable(Buffer.from(bytes), 0, bytes.length))).to.equal(
          verdict(() => decodeTable(Buffer.from(bytes), 0, bytes.length)),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('agree about mutated tables: what is looked at and what is decoded', () => {
    const sound = encodeTable(EVERY_TYPE);
    fc.assert(
      fc.property(fc.nat(sound.length - 5), fc.nat(255), fc.nat(sound.length - 5), (at, byte, end) => {
        const bytes = Buffer.from(sound);
        bytes[4 + at] = byte;
        for (const limit of [bytes.length, 4 + end]) {
          expect(verdict(() => lookAtTable(bytes, 4, limit))).to.equal(verdict(() => decodeTable(bytes, 4, limit)));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  for (const tag of ['F', 'A'] as const) {
    it(`may be nested as deep as a frame has room for (${tag})`, () => {
      const depth = tag === 'F' ? 21_000 : 26_000;
      let value: FieldValue = { tag: 'L', value: 1n };
      for (let i = 0; i < depth; i++) value = { tag, value: tag === 'F' ? [['', value]] : [value] };
      const bytes = encodeTable([['deep', value]]);
      expect(lookAtTable(bytes, 4, bytes.length)).to.deep.equal({ sorted: true, canonical: false });
      const decoded = decodeTable(bytes, 4, bytes.length);
      expect(encodeTable(decoded).equals(bytes)).to.equal(true);
      makeCanonical(bytes, 4, bytes.length);
      expect(lookAtTable(bytes, 4, bytes.length).canonical).to.equal(true);
      expect(bytes.subarray(bytes.length - 9).toString('hex')).to.equal('6c0000000000000001');
    });
  }

  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    it(`refuse ${value}, at any depth`, () => {
      for (const tag of ['d', 'f'] as const) {
        const field: FieldValue = { tag, value };
        for (const each of [field, list(field), list(list({ tag: 'F', value: [['n', field]] }))]) {
          const bytes = encodeTable([['a', each]]);
          expect(() => decodeTable(bytes, 4, bytes.length)).to.throw(MalformedTableError);
          expect(() => lookAtTable(bytes, 4, bytes.length)).to.throw(MalformedTableError);
        }
      }
    });
  }

  it('know whether the keys are sorted, without repetition', () => {
    const of = (...keys: string[]): boolean => {
      const bytes = encodeTable(keys.map((key) => [key, { tag: 'V', value: null }]));
      return lookAtTable(bytes, 4, bytes.length).sorted;
    };
    expect([of(), of('a'), of('a', 'ab', 'b'), of('', 'a')]).to.deep.equal([true, true, true, true]);
    expect([of('b', 'a'), of('ab', 'a'), of('a', 'a'), of('\xff', 'a')]).to.deep.equal([false, false, false, false]);
  });

  it('give one field without decoding the others', () => {
    const bytes = encodeTable([...EVERY_TYPE, ['F', { tag: 'V', value: null }]]);
    for (const [key, field] of EVERY_TYPE) expect(readField(bytes, 4, bytes.length, key)).to.deep.equal(field);
    expect(readField(bytes, 4, bytes.length, 'none')).to.equal(undefined);
    expect(encodeField({ tag: 't', value: true }).toString('hex')).to.equal('7401');
  });
});
