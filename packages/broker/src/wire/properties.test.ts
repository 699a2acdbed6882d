import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { type FieldTable, longstr, lookup } from './field-table.js';
import {
  type DecodedProperties,
  decodeProperties,
  editProperties,
  encodeProperties,
  readExpiration,
  readHeaders,
} from './properties.js';
import { MalformedPropertiesError, PropertyScan } from './property-scan.js';

const ALL: DecodedProperties = {
  content_type: 'a/b',
  content_encoding: 'gzip',
  headers: [
    ['z', { tag: 'b', value: 1 }],
    ['a', { tag: 'D', value: { scale: 1, digits: 15 } }],
  ],
  delivery_mode: 2,
  priority: 3,
  correlation_id: 'cid',
  reply_to: 'r',
  expiration: '60000',
  message_id: 'mid',
  timestamp: 1_700_000_000n,
  type: 'ty',
  user_id: 'guest',
  app_id: 'app',
  cluster_id: 'cl',
};

function edited(properties: DecodedProperties, edits: Parameters<typeof editProperties>[3]): DecodedProperties {
  const bytes = encodeProperties(properties);
  const out = editProperties(bytes, 0, bytes.length, edits);
  return decodeProperties(out, 0, out.length);
}

describe('message properties', () => {
  it('round trip', () => {
    const bytes = encodeProperties(ALL);
    expect(decodeProperties(bytes, 0, bytes.length)).to.deep.equal(ALL);
  });

  it('are found by a scan, wherever they stand', () => {
    const bytes = Buffer.concat([Buffer.alloc(7, 0xaa), encodeProperties(ALL), Buffer.alloc(3, 0xbb)]);
    const scan = new PropertyScan().scan(bytes, 7, bytes.length - 3);
    expect(scan.deliveryMode).to.equal(2);
    expect(scan.priority).to.equal(3);
    expect(bytes.toString('latin1', scan.userIdStart, scan.userIdEnd)).to.equal('guest');
    expect(readExpiration(bytes, 7, bytes.length - 3)).to.equal('60000');
    expect(scan.end).to.equal(bytes.length - 3);
  });

  it('say when there is no priority', () => {
    const bytes = encodeProperties({});
    expect(new PropertyScan().scan(bytes, 0, bytes.length).priority).to.equal(-1);
  });

  it('keep every byte that an edit does not name', () => {
    const { expiration: _, ...others } = ALL;
    const headers: FieldTable = [...(ALL.headers as FieldTable), ['x-new', longstr('v')]];
    expect(edited(ALL, { set: [['x-new', longstr('v')]], expiration: null })).to.deep.equal({ ...others, headers });
  });

  it('get headers where there were none, at the right place', () => {
    const set: FieldTable = [['x', longstr('v')]];
    expect(edited({ content_type: 'a/b', message_id: 'm' }, { set })).to.deep.equal({
      content_type: 'a/b',
      headers: set,
      message_id: 'm',
    });
  });

  it('keep an empty headers table when its last entry is removed', () => {
    expect(edited({ headers: [['BCC', longstr('x')]], app_id: 'a' }, { remove: ['BCC'] })).to.deep.equal({
      headers: [],
      app_id: 'a',
    });
  });

  it('replace reply-to and drop the expiration behind it', () => {
    const result = edited(ALL, { replyTo: 'elsewhere', expiration: null });
    expect(result.reply_to).to.equal('elsewhere');
    expect(result.expiration).to.equal(undefined);
    expect(result.message_id).to.equal('mid');
  });

  it('sort headers by key and keep the first of each', () => {
    const headers: FieldTable = [
      ['b', longstr('1')],
      ['a', longstr('2')],
      ['b', longstr('3')],
    ];
    const sorted = edited({ headers }, { sort: 'unique' }).headers as FieldTable;
    expect(sorted.map(([key]) => key)).to.deep.equal(['a', 'b']);
    expect(lookup(sorted, 'b')?.value).to.equal('1');
  });

  it('keep headers of the same name, as 3.10 does', () => {
    const headers: FieldTable = [
      ['b', longstr('1')],
      ['a', longstr('2')],
      ['b', longstr('3')],
    ];
    const sorted = edited({ headers }, { sort: 'all' }).headers as FieldTable;
    expect(sorted.map(([key, { value }]) => `${key}${value}`)).to.deep.equal(['a2', 'b1', 'b3']);
  });

  it('replace the expiration', () => {
    expect(edited({ expiration: '+050', app_id: 'a' }, { expiration: '50' })).to.deep.equal({
      expiration: '50',
      app_id: 'a',
    });
    expect(edited({ app_id: 'a' }, { expiration: '50' })).to.deep.equal({ app_id: 'a' });
  });

  it('are written with the types that RabbitMQ writes', () => {
    const inner: FieldTable = [['y', { tag: 'L', value: 2n ** 64n - 1n }]];
    const headers: FieldTable = [
      ['x', { tag: 'L', value: 5n }],
      ['z', { tag: 'F', value: inner }],
    ];
    expect(edited({ headers }, {}).headers).to.deep.equal([
      ['x', { tag: 'l', value: 5n }],
      ['z', { tag: 'F', value: [['y', { tag: 'l', value: -1n }]] }],
    ]);
  });

  it('lose flags that mean nothing when they are written anew', () => {
    const bytes = Buffer.from([0, 3]);
    expect(new PropertyScan().scan(bytes, 0, 2).hasStrayFlags).to.equal(true);
    expect([...editProperties(bytes, 0, 2, {})]).to.deep.equal([0, 0]);
  });

  it('throw a known error for random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          new PropertyScan().scan(Buffer.from(bytes), 0, bytes.length);
        } catch (error) {
          expect(error).to.be.instanceOf(MalformedPropertiesError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('read headers only where there are some', () => {
    const bytes = encodeProperties({ type: 't' });
    expect(readHeaders(bytes, 0, bytes.length)).to.equal(undefined);
  });
});
