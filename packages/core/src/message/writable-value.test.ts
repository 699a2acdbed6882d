import { expect } from 'chai';
import { describe, it } from 'mocha';
import { isWritableHeader, isWritableTimestamp } from './writable-value.js';

/** A table in a table, and so on. */
function nested(times: number): unknown {
  let value: unknown = 'inner';
  for (let i = 0; i < times; i++) value = i % 2 === 0 ? { in: value } : [value];
  return value;
}

describe('isWritableHeader', () => {
  const writable: Readonly<Record<string, unknown>> = {
    'a text': 'a',
    'no text': '',
    nothing: null,
    'a number': 1.5,
    'a flag': false,
    bytes: Buffer.from('a'),
    'a timestamp': { '!': 'timestamp', value: 1_700_000_000 },
    'a decimal': { '!': 'decimal', value: { places: 2, digits: 1999 } },
    'the list of deaths': [{ count: 1, time: { '!': 'timestamp', value: 1 }, 'routing-keys': ['a', 'b'] }],
    'a table 64 deep': nested(64),
  };
  for (const [what, value] of Object.entries(writable)) {
    it(`takes ${what}`, () => expect(isWritableHeader('x', value)).to.equal(true));
  }

  const refused: Readonly<Record<string, unknown>> = {
    'not a number': Number.NaN,
    'infinity within a table': { list: [Number.NEGATIVE_INFINITY] },
    'a table with a type of its own': { '!': 'bogus', value: '1' },
    'a table that says a type but holds another': { '!': 'long', value: 'abc' },
    'such a table within others': { list: [{ inner: { '!': 'short' } }] },
    'a timestamp that rounds to 2^64': { '!': 'timestamp', value: 2 ** 64 },
    'a decimal without digits': { '!': 'decimal', value: { places: 2 } },
    'a decimal of nothing': { '!': 'decimal', value: null },
    'a table 65 deep': nested(65),
    'a table 3000 deep': nested(3000),
    'a table with a name that grew': { ['\uFFFD'.repeat(86)]: 1 },
  };
  for (const [what, value] of Object.entries(refused)) {
    it(`refuses ${what}`, () => expect(isWritableHeader('x', value)).to.equal(false));
  }

  it('refuses a name above 255 bytes', () => {
    expect(isWritableHeader('\uFFFD'.repeat(85), 1)).to.equal(true);
    expect(isWritableHeader('\uFFFD'.repeat(86), 1)).to.equal(false);
  });
});

describe('isWritableTimestamp', () => {
  it('takes what 64 bits hold, and nothing else', () => {
    expect([0, 1_700_000_000, 2 ** 63].map(isWritableTimestamp)).to.deep.equal([true, true, true]);
    expect([-1, 0.5, 2 ** 64, undefined, '1'].map(isWritableTimestamp)).to.deep.equal(Array(5).fill(false));
  });
});
