import { contentTypeConverter, type MessageHeaders, type MessageProperties, type Publication } from '@leveret/core';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { writableHeaders } from '../publisher/writable-headers.js';
import { amqplibDefinitions as amqplib } from '../test-support/amqplib-definitions.js';
import { PublishEncoder } from './encode-publish.js';

const FRAME_MAX = 4096;
const CHANNEL = 7;

function target(frameMax = FRAME_MAX) {
  const written: Buffer[] = [];
  const write = (frames: Buffer) => {
    written.push(frames);
    return true;
  };
  return { number: CHANNEL, frameMax, write, bytes: () => Buffer.concat(written.splice(0)) };
}

function byAmqplib({ exchange, routingKey, mandatory, properties, body }: Publication, headers: MessageHeaders) {
  const method = { exchange, routingKey, mandatory, immediate: false, ticket: 0 };
  const frames = [
    amqplib.encodeMethod(amqplib.BasicPublish, CHANNEL, method),
    amqplib.encodeProperties(amqplib.BasicProperties, CHANNEL, body.length, { ...properties, headers }),
  ];
  for (let at = 0; at < body.length; at += FRAME_MAX - 8) {
    const part = body.subarray(at, at + FRAME_MAX - 8);
    const head = Buffer.alloc(7);
    head.writeUInt8(3);
    head.writeUInt16BE(CHANNEL, 1);
    head.writeUInt32BE(part.length, 3);
    frames.push(head, part, Buffer.of(0xce));
  }
  return Buffer.concat(frames);
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ maxLength: 60 }),
  fc.string({ minLength: 250, maxLength: 255 }),
);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const properties: fc.Arbitrary<MessageProperties> = fc.record({
  contentType: optional(text),
  contentEncoding: optional(text),
  deliveryMode: optional(fc.constantFrom(1, 2)),
  priority: optional(fc.nat(255)),
  correlationId: optional(text),
  replyTo: optional(text),
  expiration: optional(fc.nat().map(String)),
  messageId: optional(fc.uuid()),
  timestamp: optional(fc.nat()),
  type: optional(text),
  userId: optional(text),
  appId: optional(text),
});
/** `!` says a type. */
const name = fc.string({ minLength: 1, maxLength: 30 }).filter((each) => each !== '!');
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ maxLength: 60 }),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constant(null),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
}));
const publication: fc.Arbitrary<Publication> = fc.record({
  exchange: fc.constantFrom('', 'orders', 'x'.repeat(255)),
  routingKey: fc.constantFrom('a', 'b', 'ö'.repeat(100)),
  mandatory: fc.boolean(),
  body: fc.nat(3 * FRAME_MAX).map((size) => Buffer.alloc(size, 'x')),
  properties,
  headers: fc.dictionary(name, value, { maxKeys: 5 }),
});

describe('PublishEncoder', () => {
  it('writes what amqplib writes, byte for byte, however messages follow each other', () => {
    const to = target();
    const encoder = new PublishEncoder(to);
    const check = (each: Publication) => {
      const headers = writableHeaders(each.headers);
      const expected = byAmqplib(each, headers);
      try {
        encoder.write(each, headers);
      } catch (error) {
        // amqplib leaves it to the broker to close the connection over a header of more than a frame.
        expect(error).to.be.instanceOf(RangeError);
        return;
      }
      expect(to.bytes().equals(expected)).to.equal(true);
    };
    fc.assert(fc.property(publication, check), { numRuns: 300 });
  });

  it('sends nothing of what cannot be encoded, and is well afterwards', () => {
    const to = target();
    const encoder = new PublishEncoder(to);
    const fine = {
      exchange: 'x',
      routingKey: 'k',
      mandatory: true,
      body: Buffer.from('b'),
      properties: {},
      headers: {},
    };
    encoder.write(fine, {});
    const once = to.bytes();
    for (const [wrong, type, words] of [
      [{ exchange: 'x'.repeat(256) }, TypeError, 'at most 255 bytes of text as exchange; got 256 bytes'],
      [{ routingKey: 'ö'.repeat(128) }, TypeError, 'as routing key; got 256 bytes'],
      [{ routingKey: 5 }, TypeError, 'Expected text as routing key; got number'],
      [{ properties: { messageId: 'x'.repeat(256) } }, TypeError, 'as messageId; got 256 bytes'],
      [{ properties: { type: {} } }, TypeError, 'Expected text as type; got object'],
      [{ properties: { priority: 'high' } }, TypeError, 'Expected a number as priority; got string'],
      [{ properties: { timestamp: -1 } }, RangeError, ''],
      [{ headers: { a: 'x'.repeat(FRAME_MAX) } }, RangeError, `one frame of ${FRAME_MAX} bytes`],
      [{ headers: { ['x'.repeat(256)]: 1 } }, TypeError, 'the name of a header'],
    ] as const) {
      const each = { ...fine, ...wrong } as Publication;
      expect(() => encoder.write(each, each.headers)).to.throw(type, words);
      expect(to.bytes().length).to.equal(0);
      encoder.write(fine, {});
      expect(to.bytes().equals(once)).to.equal(true);
    }
  });

  it('lets a header publish while it is read', () => {
    const to = target();
    const encoder = new PublishEncoder(to);
    const fine = {
      exchange: 'x',
      routingKey: 'k',
      mandatory: false,
      body: Buffer.alloc(0),
      properties: {},
      headers: {},
    };
    const other = new PublishEncoder(to);
    encoder.write(fine, {
      get nested() {
        other.write(fine, {});
        return 'yes';
      },
    });
    const both = to.bytes();
    encoder.write(fine, {});
    encoder.write(fine, { nested: 'yes' });
    expect(both.equals(to.bytes())).to.equal(true);
  });

  it('writes 61 bytes of properties for JSON with an id: above 64 the broker has a quarter less throughput', () => {
    const to = target();
    const { body, ...encoded } = contentTypeConverter().toMessage({ id: 1 }, {});
    const properties = { ...encoded, deliveryMode: 2, messageId: 'a6da6811-0d72-4e5f-a3f5-a6d23cfd5ead' };
    const publication = { exchange: '', routingKey: 'q', mandatory: true, body, properties, headers: {} };
    new PublishEncoder(to).write(publication, {});
    const bytes = to.bytes();
    const header = bytes.readUInt32BE(3) + 8;
    expect(bytes[header]).to.equal(2);
    const classWeightAndSize = 12;
    expect(bytes.readUInt32BE(header + 3) - classWeightAndSize).to.equal(61);
  });

  it('puts a body that is larger than a frame into several', () => {
    const to = target(131_072);
    const body = Buffer.alloc(300_000, 'y');
    const fine = { exchange: '', routingKey: 'q', mandatory: false, body, properties: {}, headers: {} };
    new PublishEncoder(to).write(fine, {});
    const sizes: number[] = [];
    const bytes = to.bytes();
    for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at + 3) + 8) {
      if (bytes[at] === 3) sizes.push(bytes.readUInt32BE(at + 3));
    }
    expect(sizes).to.deep.equal([131_064, 131_064, 37_872]);
  });

  it('says whether there is room for more, of small bodies and of large ones', () => {
    for (const hasRoom of [true, false]) {
      const to = { number: CHANNEL, frameMax: 131_072, write: () => hasRoom };
      for (const bytes of [0, 5, 300_000]) {
        const body = Buffer.alloc(bytes, 'y');
        const fine = { exchange: '', routingKey: 'q', mandatory: false, body, properties: {}, headers: {} };
        expect(new PublishEncoder(to).write(fine, {})).to.equal(hasRoom);
      }
    }
  });
});
