import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { FRAME_END, FrameParser } from './frame-parser.js';

function frame(type: number, channel: number, payload: string, end = FRAME_END): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, Buffer.from(payload), Buffer.from([end])]);
}

class Recorder {
  readonly frames: string[] = [];
  readonly errors: string[] = [];
  /** How many frames are taken before the handler says stop. */
  takes = Number.POSITIVE_INFINITY;
  readonly parser = new FrameParser(
    {
      onFrame: (type, channel, bytes, start, end) => {
        if (this.frames.length >= this.takes) return false;
        this.frames.push(`${type}/${channel}/${bytes.toString('latin1', start, end)}`);
        return true;
      },
      onFrameError: (text) => this.errors.push(text),
    },
    4096,
  );
}

describe('FrameParser', () => {
  it('cuts frames wherever the stream is split', () => {
    const stream = Buffer.concat([frame(1, 1, 'one'), frame(8, 0, ''), frame(3, 258, 'x'.repeat(300))]);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
        const recorder = new Recorder();
        let from = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), stream.length]) {
          recorder.parser.feed(stream.subarray(from, cut));
          from = cut;
        }
        expect(recorder.frames).to.deep.equal(['1/1/one', '8/0/', `3/258/${'x'.repeat(300)}`]);
        expect(recorder.parser.pendingBytes).to.equal(0);
      }),
    );
  });

  it('refuses a wrong end octet, with the words of RabbitMQ', () => {
    const recorder = new Recorder();
    recorder.parser.feed(frame(1, 1, '\0\n', 0));
    expect(recorder.errors).to.deep.equal(['type 1, all octets = <<0,10>>: {invalid_frame_end_marker,0}']);
  });

  it('refuses a frame that is too large as soon as its size is known', () => {
    const recorder = new Recorder();
    recorder.parser.feed(frame(3, 1, 'x'.repeat(5000)).subarray(0, 7));
    expect(recorder.errors).to.deep.equal(['type 3, all octets = <<>>: {frame_too_large,5000,4088}']);
    recorder.parser.feed(frame(1, 1, 'late'));
    expect(recorder.frames).to.deep.equal([]);
  });

  it('refuses one that is too large when the size comes byte by byte', () => {
    const recorder = new Recorder();
    for (const byte of frame(3, 1, 'x'.repeat(5000)).subarray(0, 12)) recorder.parser.feed(Buffer.from([byte]));
    expect(recorder.errors).to.have.length(1);
  });

  it('hands a frame on again that was not taken', () => {
    const recorder = new Recorder();
    recorder.takes = 1;
    recorder.parser.feed(Buffer.concat([frame(1, 1, 'a'), frame(1, 1, 'b')]));
    recorder.parser.feed(frame(1, 1, 'c'));
    expect(recorder.frames).to.deep.equal(['1/1/a']);
    recorder.takes = 2;
    recorder.parser.resume();
    expect(recorder.frames).to.deep.equal(['1/1/a', '1/1/b']);
    recorder.takes = 9;
    recorder.parser.resume();
    expect(recorder.frames).to.deep.equal(['1/1/a', '1/1/b', '1/1/c']);
  });

  it('survives random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
        const recorder = new Recorder();
        for (const chunk of chunks) recorder.parser.feed(Buffer.from(chunk));
        expect(recorder.errors.length).to.be.at.most(1);
      }),
      { numRuns: 1_000 },
    );
  });
});
