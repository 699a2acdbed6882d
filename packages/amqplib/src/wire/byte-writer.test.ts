import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ByteWriter } from './byte-writer.js';

const FIRST_BYTES = 16_384;
const MOST_KEPT_BYTES = 262_144;

function written(writer: ByteWriter): Buffer {
  const target = Buffer.alloc(writer.length);
  writer.copyTo(target);
  return target;
}

const WRITES: Readonly<Record<string, (to: ByteWriter) => void>> = {
  'an octet': (to) => to.octet(0xab),
  'a short': (to) => to.short(0xabcd),
  'a long': (to) => to.long(0xabcdef01),
  'a long long': (to) => to.longLong(Number.MAX_SAFE_INTEGER),
  'raw bytes': (to) => to.raw(Buffer.from('raw bytes')),
  room: (to) => {
    const { bytes, at } = to.room(5);
    bytes.write('rooms', at);
  },
  'a short text': (to) => to.shortText('a short text', 'name'),
  'a short text beyond ASCII': (to) => to.shortText('čšž €', 'name'),
  'a long text': (to) => to.longText('x'.repeat(60)),
  'a long text beyond ASCII': (to) => to.longText('ž'.repeat(60)),
  'what has its length before it': (to) => to.withLength(() => to.longText('inner')),
};
const BYTES: Readonly<Record<string, string>> = {
  'an octet': 'ab',
  'a short': 'abcd',
  'a long': 'abcdef01',
  'a long long': '001fffffffffffff',
  'raw bytes': Buffer.from('raw bytes').toString('hex'),
  room: Buffer.from('rooms').toString('hex'),
  'a short text': `0c${Buffer.from('a short text').toString('hex')}`,
  'a short text beyond ASCII': `0a${Buffer.from('čšž €').toString('hex')}`,
  'a long text': `0000003c${Buffer.from('x'.repeat(60)).toString('hex')}`,
  'a long text beyond ASCII': `00000078${Buffer.from('ž'.repeat(60)).toString('hex')}`,
  'what has its length before it': `0000000900000005${Buffer.from('inner').toString('hex')}`,
};

describe('ByteWriter', () => {
  for (const [what, write] of Object.entries(WRITES)) {
    it(`writes ${what}, wherever its memory ends`, () => {
      const expected = BYTES[what] as string;
      for (let left = 0; left <= expected.length / 2 + 1; left++) {
        const writer = new ByteWriter();
        const before = Buffer.alloc(FIRST_BYTES - left, 0x2e);
        writer.raw(before);
        write(writer);
        const all = written(writer);
        expect(all.subarray(0, before.length).equals(before), `${left} bytes left`).to.equal(true);
        expect(all.toString('hex', before.length), `${left} bytes left`).to.equal(expected);
      }
    });
  }

  it('writes numbers afterwards where they belong', () => {
    const writer = new ByteWriter();
    writer.long(0);
    writer.short(0);
    writer.longAt(0, 7);
    writer.shortAt(4, 8);
    expect(written(writer).toString('hex')).to.equal('000000070008');
  });

  it('writes short texts of each length up to 255 bytes, and says why it writes no other', () => {
    for (const text of [
      '',
      'x',
      'x'.repeat(48),
      'x'.repeat(49),
      'ž'.repeat(24),
      `${'x'.repeat(47)}ž`,
      'x'.repeat(255),
    ]) {
      const writer = new ByteWriter();
      writer.octet(1);
      writer.shortText(text, 'name');
      writer.octet(2);
      const bytes = Buffer.from(text);
      expect(written(writer)).to.deep.equal(Buffer.concat([Buffer.of(1, bytes.length), bytes, Buffer.of(2)]));
    }
    const writer = new ByteWriter();
    expect(() => writer.shortText('ž'.repeat(128), 'a key')).to.throw(
      TypeError,
      'Expected at most 255 bytes of text as a key; got 256 bytes',
    );
    expect(() => writer.shortText(5, 'a key')).to.throw(TypeError, 'Expected text as a key; got number');
    expect(writer.length).to.equal(0);
  });

  it('begins anew in the memory that it has, and keeps none that it grew for one large message', () => {
    const writer = new ByteWriter();
    const sizeAfter = (bytes: number) => {
      writer.raw(Buffer.alloc(bytes));
      writer.clear();
      expect(writer.length).to.equal(0);
      return writer.room(0).bytes.length;
    };
    expect(sizeAfter(FIRST_BYTES)).to.equal(FIRST_BYTES);
    expect(sizeAfter(MOST_KEPT_BYTES)).to.equal(MOST_KEPT_BYTES);
    expect(sizeAfter(MOST_KEPT_BYTES + 1)).to.equal(FIRST_BYTES);
    // Twice as much each time, so that what grows bit by bit is not copied each time.
    writer.raw(Buffer.alloc(FIRST_BYTES));
    writer.octet(1);
    expect(writer.room(0).bytes.length).to.equal(2 * FIRST_BYTES);
  });
});
