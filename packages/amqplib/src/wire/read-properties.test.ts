import { expect } from 'chai';
import { describe, it } from 'mocha';
import { array, bytes, entry, hex, table } from '../test-support/property-bytes.js';
import { readProperties } from './read-properties.js';

function section(flags: number, ...values: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(flags);
  return Buffer.concat([head, ...values]);
}

const headers = (...entries: readonly Buffer[]) => readProperties(section(0x2000, bytes(...entries)));

describe('readProperties', () => {
  it('reads every property in its place', () => {
    const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
    const read = readProperties(
      section(
        0xfffc,
        ...[text('a/b'), text('utf-8'), bytes(entry('h', 't', '01')), hex('02'), hex('09')],
        ...[text('corr'), text('reply'), text('100'), text('id'), hex('0000000000000005')],
        ...[text('type'), text('user'), text('app'), text('cluster')],
      ),
    );
    expect(read).to.deep.include({
      contentType: 'a/b',
      contentEncoding: 'utf-8',
      headers: { h: true },
      deliveryMode: 2,
      priority: 9,
      correlationId: 'corr',
      replyTo: 'reply',
      expiration: '100',
      messageId: 'id',
      timestamp: 5,
      type: 'type',
      userId: 'user',
      appId: 'app',
      verbatim: undefined,
    });
  });

  it('reads every type of the table of types', () => {
    const read = headers(
      ...[entry('b', 'b', 'ff'), entry('B', 'B', 'ff'), entry('s', 's', 'fffe'), entry('u', 'u', 'fffe')],
      ...[entry('I', 'I', 'fffffffd'), entry('i', 'i', 'fffffffd'), entry('f', 'f', '3fc00000')],
      ...[
        entry('l', 'l', 'fffffffffffffffc'),
        entry('L', 'L', '001fffffffffffff'),
        entry('d', 'd', '3ff8000000000000'),
      ],
      ...[
        entry('t', 't', '00'),
        entry('V', 'V', ''),
        entry('S', 'S', bytes(Buffer.from('é'))),
        entry('x', 'x', bytes(hex('ff'))),
      ],
      ...[entry('T', 'T', '0000000000000007'), entry('D', 'D', '0200000005')],
      ...[entry('F', 'F', bytes(entry('in', 't', '01'))), entry('A', 'A', bytes(hex('56'), hex('7401')))],
    );
    expect(read.headers).to.deep.equal({
      ...{ b: -1, B: 255, s: -2, u: 65_534, I: -3, i: 4_294_967_293, f: 1.5 },
      ...{ l: -4, L: Number.MAX_SAFE_INTEGER, d: 1.5, t: false, V: null, S: 'é', x: hex('ff') },
      T: { '!': 'timestamp', value: 7 },
      D: { '!': 'decimal', value: { places: 2, digits: 5 } },
      F: { in: true },
      A: [null, true],
    });
    expect(read.verbatim).to.equal(undefined);
  });

  it('reads 64-bit integers of more than 53 bits as bigint, and keeps their bytes', () => {
    const entries = [entry('L', 'L', 'ffffffffffffffff'), entry('l', 'l', '8000000000000000'), entry('n', 't', '01')];
    const read = headers(...entries);
    expect(read.headers).to.deep.equal({ L: 2n ** 64n - 1n, l: -(2n ** 63n), n: true });
    expect(read.verbatim?.fault).to.equal(undefined);
    expect(read.verbatim?.headers).to.deep.equal([
      { name: 'L', entry: entries[0], exact: false },
      { name: 'l', entry: entries[1], exact: false },
      { name: 'n', entry: entries[2], exact: true },
    ]);
  });

  for (const [what, entries] of [
    ['text that is not UTF-8', [entry('h', 'S', bytes(hex('ff')))]],
    ['a name that is not UTF-8', [Buffer.concat([hex('02fffe'), Buffer.from('V')])]],
    ['a name that comes twice', [entry('h', 'I', '00000001'), entry('h', 'I', '00000002')]],
    ['a table that looks like a written type', [entry('h', 'F', bytes(entry('!', 'S', bytes(Buffer.from('int')))))]],
    ['a timestamp of more than 53 bits', [entry('h', 'T', 'ffffffffffffffff')]],
  ] as const) {
    it(`keeps the bytes of ${what}`, () => {
      const read = headers(...entries);
      expect(read.verbatim?.fault).to.equal(undefined);
      expect(Buffer.concat(read.verbatim!.headers.map((header) => header.entry))).to.deep.equal(Buffer.concat(entries));
    });
  }

  it('keeps the bytes of a message id that is not UTF-8, and says which property it is', () => {
    const { messageId, verbatim } = readProperties(section(0x0080, hex('02fffe')));
    expect(messageId).to.equal('\uFFFD\uFFFD');
    expect(verbatim).to.deep.equal({
      fault: undefined,
      properties: { messageId: hex('fffe') },
      headers: [],
      section: undefined,
    });
  });

  it('takes U+FFFD for what it is when it was sent as such', () => {
    const sent = Buffer.from('\uFFFD');
    expect(readProperties(section(0x0080, Buffer.concat([hex('03'), sent]))).verbatim).to.equal(undefined);
  });

  it('makes an own header of __proto__', () => {
    const read = headers(entry('__proto__', 'F', bytes(entry('x', 't', '01'))));
    expect(Object.getPrototypeOf(read.headers)).to.equal(Object.prototype);
    expect(Object.keys(read.headers!)).to.deep.equal(['__proto__']);
  });

  for (const [what, nested] of [
    ['4,000 tables', table(4000)],
    ['24,000 arrays', array(24_000)],
  ] as const) {
    it(`finds a message at fault for ${what} within each other, and keeps its bytes and its other headers`, () => {
      const odd = entry('deep', 'F', bytes(nested));
      const read = headers(odd, entry('n', 't', '01'));
      expect(read.verbatim?.fault).to.match(/nest more than 64/);
      expect(read.verbatim?.headers[0]).to.deep.equal({ name: 'deep', entry: odd, exact: false });
      expect(read.headers).to.include({ n: true });
      expect(() => JSON.stringify(read.headers)).not.to.throw();
    });
  }

  for (const [what, bad] of [
    ['no flags at all', hex('00')],
    ['flags that announce more flags', section(0x8001, hex('0161'))],
    ['text that ends beyond the frame', section(0x8000, hex('0561'))],
    ['a table that ends beyond the frame', section(0x2000, hex('00000009'))],
    ['an entry that runs past its table', section(0x2000, bytes(entry('h', 'F', hex('000000ff'))))],
    [
      'a value that runs past an inner table',
      section(0x2000, bytes(entry('h', 'F', Buffer.concat([hex('00000003'), hex('016149'), hex('00000000')])))),
    ],
    ['a type that nobody knows', section(0x2000, bytes(entry('h', 'U', '00')))],
    ['bytes behind the last property', section(0x1000, hex('0200'))],
  ] as const) {
    it(`finds a message at fault for ${what}, and keeps all its bytes`, () => {
      const { verbatim } = readProperties(bad);
      expect(verbatim?.fault).to.match(/do not follow the encoding/);
      expect(verbatim?.section).to.deep.equal(bad);
    });
  }
});
