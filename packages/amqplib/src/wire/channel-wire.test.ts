import type { Channel } from 'amqplib';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ChannelWire } from './channel-wire.js';

/** A channel of amqplib's, as far as the wire looks at it. */
function fakeChannel() {
  const toSocket: string[] = [];
  const toBuffer: string[] = [];
  const stream = {
    writableLength: 0,
    write: (frames: Buffer) => toSocket.push(frames.toString()) > 0,
  };
  const buffer = {
    ...{ readableLength: 0, writableLength: 0, hasRoom: true },
    write(frames: Buffer) {
      toBuffer.push(frames.toString());
      return this.hasRoom;
    },
  };
  const connection = {
    ...{ frameMax: 4096, sentSinceLastCheck: false, stream, sendMethod: () => {} },
    channels: [null, { buffer }] as unknown[],
  };
  const channel = { ch: 1, connection, sendImmediately: () => {} };
  return { channel, connection, stream, buffer, toSocket, toBuffer };
}

const wireOf = (channel: object) => ChannelWire.of(channel as Channel);

describe('ChannelWire', () => {
  it('writes straight to the socket, and tells the heartbeat that something was sent', () => {
    const { channel, connection, toSocket, toBuffer } = fakeChannel();
    const wire = wireOf(channel)!;
    expect(wire).to.include({ number: 1, frameMax: 4096, isOpen: true });
    expect(wire.write(Buffer.from('one'))).to.equal(true);
    expect([toSocket, toBuffer, connection.sentSinceLastCheck]).to.deep.equal([['one'], [], true]);
  });

  it('keeps the order of a channel: what follows waits behind what waits, and says when there is no room', () => {
    for (const fill of [
      ({ stream }: ReturnType<typeof fakeChannel>) => {
        stream.writableLength = 1_000_000;
      },
      ({ buffer }: ReturnType<typeof fakeChannel>) => {
        buffer.readableLength = 1;
      },
      ({ buffer }: ReturnType<typeof fakeChannel>) => {
        buffer.writableLength = 1;
      },
    ]) {
      const fake = fakeChannel();
      const wire = wireOf(fake.channel)!;
      fill(fake);
      expect(wire.write(Buffer.from('one'))).to.equal(true);
      fake.buffer.hasRoom = false;
      expect(wire.write(Buffer.from('two'))).to.equal(false);
      expect([fake.toSocket, fake.toBuffer]).to.deep.equal([[], ['one', 'two']]);
      expect(fake.connection.sentSinceLastCheck).to.equal(true);
    }
  });

  it('is open until the channel or its connection closes', () => {
    const one = fakeChannel();
    const wire = wireOf(one.channel)!;
    one.channel.sendImmediately = () => {};
    expect(wire.isOpen).to.equal(false);
    const other = fakeChannel();
    const otherWire = wireOf(other.channel)!;
    other.connection.sendMethod = () => {};
    expect(otherWire.isOpen).to.equal(false);
  });

  it('has a largest frame where the connection names none', () => {
    for (const frameMax of [0, undefined]) {
      const { channel, connection } = fakeChannel();
      Object.assign(connection, { frameMax });
      expect(wireOf(channel)?.frameMax).to.equal(131_072);
    }
  });

  it('is none with an amqplib that is built differently', () => {
    const changes: readonly ((fake: ReturnType<typeof fakeChannel>) => void)[] = [
      ({ channel }) => Object.assign(channel, { connection: undefined }),
      ({ channel }) => Object.assign(channel, { ch: 'one' }),
      ({ channel }) => Object.assign(channel, { sendImmediately: undefined }),
      ({ connection }) => Object.assign(connection, { sendMethod: undefined }),
      ({ connection }) => Object.assign(connection, { stream: undefined }),
      ({ connection }) => Object.assign(connection, { channels: [] }),
      ({ connection }) => Object.assign(connection, { channels: undefined }),
      ({ stream }) => Object.assign(stream, { write: undefined }),
      ({ stream }) => Object.assign(stream, { writableLength: undefined }),
      ({ buffer }) => Object.assign(buffer, { readableLength: undefined }),
      ({ buffer }) => Object.assign(buffer, { writableLength: undefined }),
    ];
    for (const change of changes) {
      const fake = fakeChannel();
      change(fake);
      expect(wireOf(fake.channel), String(change)).to.equal(undefined);
    }
  });
});
