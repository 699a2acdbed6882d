import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { FieldTable } from '../wire/field-table.js';
import { viewTable } from './field-view.js';

describe('viewTable', () => {
  it('shows each field as what it is in JavaScript', () => {
    const fields: FieldTable = [
      ['text', { tag: 'S', value: Buffer.from('é').toString('latin1') }],
      ['long', { tag: 'l', value: 2n ** 40n }],
      ['flag', { tag: 't', value: false }],
      ['nothing', { tag: 'V', value: null }],
      ['decimal', { tag: 'D', value: { scale: 2, digits: 1234 } }],
      ['list', { tag: 'A', value: [{ tag: 'I', value: 1 }] }],
      ['table', { tag: 'F', value: [['inner', { tag: 'I', value: 2 }]] }],
      ['text', { tag: 'S', value: 'the second of its name' }],
      ['__proto__', { tag: 'S', value: 'a name like any other' }],
    ];
    const shown = viewTable(fields);
    expect(Object.entries(shown)).to.deep.equal([
      ['text', 'é'],
      ['long', 2 ** 40],
      ['flag', false],
      ['nothing', null],
      ['decimal', 12.34],
      ['list', [1]],
      ['table', { inner: 2 }],
      ['__proto__', 'a name like any other'],
    ]);
  });

  it('shows a hundred levels, and says where there are more', () => {
    const nested = (levels: number, wrap: (inner: FieldTable) => FieldTable): FieldTable =>
      levels === 1 ? [['end', { tag: 'I', value: 1 }]] : wrap(nested(levels - 1, wrap));
    const inTable = (inner: FieldTable): FieldTable => [['t', { tag: 'F', value: inner }]];
    const inList = (inner: FieldTable): FieldTable => [['t', { tag: 'A', value: [{ tag: 'F', value: inner }] }]];
    const text = (levels: number, wrap = inTable) => JSON.stringify(viewTable(nested(levels, wrap)));
    expect(text(100)).to.contain('"end":1').and.not.contain('nested deeper');
    expect(text(101)).to.contain('"nested deeper than 100 levels"').and.not.contain('"end"');
    expect(text(50, inList)).to.contain('"end":1');
    expect(text(60, inList)).to.contain('nested deeper');
  });
});
