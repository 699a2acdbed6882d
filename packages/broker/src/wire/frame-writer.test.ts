import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FrameParser } from './frame-parser.js';
import { FrameWriter, type WireContent } from './frame-writer.js';
import { decodeMethod, encodeMethod, methodId } from './methods.js';

interface Frame {
  readonly type: number;
  readonly channel: number;
  readonly payload: Buffer;
}

function parsed(pieces: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  const parser = new FrameParser(
    {
      onFrame: (type, channel, bytes, start, end) => {
        frames.push({ type, channel, payload: bytes.subarray(start, end) });
        return true;
      },
      onFrameError: (text) => {
        throw new Error(text);
      },
    },
    1_000_000,
  );
  for (const piece of pieces) parser.feed(piece);
  return frames;
}

function content(body: string): WireContent {
  const bytes = Buffer.from(`??\0\0${body}??`);
  return {
    bytes,
    propertiesStart: 2,
    propertiesEnd: 4,
    bodyBytes: bytes,
    bodyStart: 4,
    bodyEnd: bytes.length - 2,
  };
}

describe('FrameWriter', () => {
  it('gathers small frames into one piece', () => {
    const writer = new FrameWriter(131_072);
    writer.method(1, encodeMethod('channel.open-ok'));
    writer.settle(300, 80, 2 ** 33 + 7, true);
    writer.heartbeat();
    const pieces = writer.take();
    expect(pieces).to.have.length(1);
    const [, ack] = parsed(pieces);
    expect(ack?.channel).to.equal(300);
    const method = decodeMethod(methodId('basic.ack'), ack?.payload ?? Buffer.alloc(0), 4, ack?.payload.length ?? 0);
    expect([method.number('deliveryTag'), method.flag('multiple')]).to.deep.equal([2 ** 33 + 7, true]);
    expect(writer.pendingBytes).to.equal(0);
  });

  it('writes a delivery that reads back', () => {
    const writer = new FrameWriter(131_072);
    const key = 'k'.repeat(200);
    writer.deliver(2, 'tag', 5, true, 'exchange', key, content('hello'));
    const [deliver, header, body] = parsed(writer.take());
    const payload = deliver?.payload ?? Buffer.alloc(0);
    const method = decodeMethod(methodId('basic.deliver'), payload, 4, payload.length);
    expect([method.text('consumerTag'), method.number('deliveryTag'), method.flag('redelivered')]).to.deep.equal([
      'tag',
      5,
      true,
    ]);
    expect([method.text('exchange'), method.text('routingKey')]).to.deep.equal(['exchange', key]);
    expect(header?.payload.readUInt32BE(8)).to.equal(5);
    expect(body?.payload.toString()).to.equal('hello');
  });

  it('splits a body to fit the largest frame, and passes large parts on without copying', () => {
    const writer = new FrameWriter(131_072);
    writer.content(1, content('x'.repeat(300_000)));
    const pieces = writer.take();
    const sizes = parsed(pieces)
      .slice(1)
      .map(({ payload }) => payload.length);
    expect(sizes).to.deep.equal([131_064, 131_064, 37_872]);
    expect(pieces.length).to.be.greaterThan(3);
  });

  it('never writes again where bytes were taken from', () => {
    const writer = new FrameWriter(131_072);
    writer.heartbeat();
    const [first] = writer.take();
    const before = Buffer.from(first ?? []);
    for (let i = 0; i < 20_000; i++) writer.settle(1, 80, i, false);
    expect(first?.equals(before)).to.equal(true);
  });

  it('writes sound frames wherever a large body falls', () => {
    for (const before of [...Array(20).keys()].map((i) => 65_536 - 20 - 12 - i)) {
      const writer = new FrameWriter(131_072);
      writer.content(1, { ...content(''), bytes: Buffer.alloc(before), propertiesStart: 0, propertiesEnd: before });
      writer.content(2, content('x'.repeat(5_000)));
      const frames = parsed(writer.take());
      expect(frames.map(({ type, channel }) => `${channel}:${type}`)).to.deep.equal(['1:2', '2:2', '2:3']);
    }
    // A header that fills its part to the last byte.
    const writer = new FrameWriter(131_072);
    const properties = Buffer.alloc(90_000);
    const body = Buffer.alloc(5_000, 'b');
    writer.content(1, {
      bytes: properties,
      propertiesStart: 0,
      propertiesEnd: 90_000,
      bodyBytes: body,
      bodyStart: 0,
      bodyEnd: 5_000,
    });
    expect(parsed(writer.take()).map(({ payload }) => payload.length)).to.deep.equal([90_012, 5_000]);
  });
});
