import type { Message } from '@leveret/core';
import type { Message as AmqplibMessage } from 'amqplib';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { readMessage } from '../delivery/read-delivery.js';
import { deliveryFrames, frame, HEARTBEAT } from '../test-support/delivery-frames.js';
import { FedConnection } from '../test-support/fed-connection.js';
import { hex } from '../test-support/property-bytes.js';
import { generator, type Random, randomSection } from '../test-support/random-section.js';
import { DeliveryReader } from './delivery-reader.js';
import { guardConsumers } from './guard-consumers.js';
import { guardDecoding } from './guard-decoding.js';

interface Came {
  readonly channel: number;
  readonly consumerTag: string;
  readonly deliveryTag: number;
  readonly message: Message;
}

const TAGS = ['one', 'two'];

/** A connection with two channels and their consumers; `taken` counts what came past amqplib. */
function consuming(takes: boolean) {
  const fed = new FedConnection();
  const came: Came[] = [];
  const counts = { taken: 0 };
  guardDecoding(fed.connection, () => {});
  if (takes) DeliveryReader.readOn(fed.connection);
  const channels = [1, 2].map((number) => {
    const channel = fed.openChannel();
    guardConsumers(channel);
    DeliveryReader.receive(channel, (consumerTag, deliveryTag, message) => {
      counts.taken++;
      came.push({ channel: number, consumerTag, deliveryTag, message });
    });
    for (const consumerTag of TAGS) {
      channel.registerConsumer(consumerTag, (received) => {
        const message = readMessage(received as AmqplibMessage);
        const { deliveryTag } = (received as { fields: { deliveryTag: number } }).fields;
        came.push({ channel: number, consumerTag, deliveryTag, message });
      });
    }
    channel.on('return', (returned: AmqplibMessage) => {
      came.push({ channel: number, consumerTag: 'returned', deliveryTag: 0, message: readMessage(returned) });
    });
    return channel;
  });
  return { fed, came, counts, channels };
}

/** A stream of frames by chance, mostly in order, now and then at fault; and cut anywhere. */
function randomStream(random: Random): readonly Buffer[] {
  const text = () => 'x'.repeat(random(3) === 0 ? random(256) : random(4));
  const one = (): readonly Buffer[] => {
    const kind = random(12);
    if (kind === 0) return [HEARTBEAT];
    if (kind === 1)
      return [
        frame(1, 1 + random(2), hex('003c0032013803612e62'), hex('0161'), hex('0162')),
        frame(2, 1, hex('003c0000'), Buffer.alloc(8), hex('0000')),
      ];
    const parts = { channel: 1 + random(2), deliveryTag: 1 + random(1e9), redelivered: random(2) === 0 };
    const consumerTag = random(8) === 0 ? 'gone' : (TAGS[random(2)] as string);
    const section = random(3) === 0 ? hex('0000') : randomSection(random(1e6));
    const body = Buffer.alloc(random(4) === 0 ? 0 : random(600), 'b');
    return deliveryFrames({
      ...parts,
      consumerTag,
      exchange: text(),
      routingKey: text(),
      section,
      body,
      perFrame: 400,
    });
  };
  const frames: Buffer[] = [];
  for (let left = 20; left > 0; left--) {
    const next = one();
    const before = frames.length;
    frames.push(...next);
    // Another channel's delivery may come between the frames of one.
    if (random(6) === 0) frames.splice(before + 1, 0, ...one());
  }
  const bytes = Buffer.concat(frames);
  if (random(4) === 0) bytes[random(bytes.length)] = random(256);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random(random(2) === 0 ? 3000 : 60);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

describe('DeliveryReader', () => {
  it('brings what amqplib brings, and ends as it does, whatever is read in whatever pieces', () => {
    let taken = 0;
    let ended = 0;
    for (let seed = 0; seed < 300; seed++) {
      const chunks = randomStream(generator(seed));
      const [ours, theirs] = [consuming(true), consuming(false)];
      const [end, end2] = [ours.fed.feed(...chunks), theirs.fed.feed(...chunks)];
      expect(end?.message, `seed ${seed}`).to.equal(end2?.message);
      expect(ours.came, `seed ${seed}`).to.deep.equal(theirs.came);
      expect(ours.fed.sent, `seed ${seed}`).to.deep.equal(theirs.fed.sent);
      taken += ours.counts.taken;
      if (end !== undefined || ours.fed.sent.length > 0) ended++;
    }
    expect(taken).to.be.greaterThan(1000);
    expect(ended).to.be.within(20, 280);
  });

  const FAULTS: readonly (readonly [what: string, change: (frames: Buffer[]) => void])[] = [
    ...[0, 1, 2].map((which) => [`no end mark behind frame ${which + 1}`, ending(which, 'cd')] as const),
    ['a header of another channel', (frames) => void frames[1]?.writeUInt16BE(2, 1)],
    ['a body of another channel', (frames) => void frames[2]?.writeUInt16BE(2, 1)],
    ['a body that is shorter than was said', (frames) => void frames[1]?.writeUInt32BE(3, 15)],
    ['a body that is longer than was said', (frames) => void frames[1]?.writeUInt32BE(1, 15)],
    ['a body of more than 4 GiB', (frames) => void frames[1]?.writeUInt32BE(1, 11)],
    ['a header of another class', (frames) => void frames[1]?.writeUInt16BE(61, 7)],
    ['a header that is cut', (frames) => void frames.splice(1, 1, frame(2, 1, hex('003c0000')))],
    ['a body in the place of the header', (frames) => void frames.splice(1, 1)],
    ['a body in a frame of another type', (frames) => void frames[2]?.writeUInt8(2)],
    ['a routing key that ends before its frame', (frames) => void frames[0]?.writeUInt8(2, 7 + 19)],
    ['a routing key that ends behind its frame', (frames) => void frames[0]?.writeUInt8(4, 7 + 19)],
    ['an exchange that ends behind its frame', (frames) => void frames[0]?.writeUInt8(200, 7 + 17)],
    ['a method that is cut', (frames) => void frames.splice(0, 1, frame(1, 1, hex('003c003c03')))],
    [
      'a frame that is larger than may be',
      (frames) => void frames.splice(0, 3, ...deliveryFrames({ body: Buffer.alloc(6000), perFrame: 6000 })),
    ],
  ];

  function ending(which: number, mark: string) {
    return (frames: Buffer[]) => void hex(mark).copy(frames[which] as Buffer, (frames[which] as Buffer).length - 1);
  }

  for (const [what, change] of FAULTS) {
    it(`leaves ${what} to amqplib`, () => {
      const frames = [...deliveryFrames({ consumerTag: 'one', exchange: 'x', routingKey: 'key' })];
      change(frames);
      const good = deliveryFrames({ channel: 2, consumerTag: 'two' });
      const all = Buffer.concat([...good, ...frames, ...good]);
      const [ours, theirs] = [consuming(true), consuming(false)];
      expect(ours.fed.feed(all)?.message).to.equal(theirs.fed.feed(all)?.message);
      expect(ours.came).to.deep.equal(theirs.came);
      expect(ours.fed.sent).to.deep.equal(theirs.fed.sent);
      expect(ours.counts.taken).to.be.lessThan(3);
    });
  }

  it('reads on for nobody while it hands over a message', () => {
    const { fed, came } = consuming(true);
    const channel = fed.openChannel();
    channel.registerConsumer('asks', () => {});
    const answers: unknown[] = [];
    DeliveryReader.receive(channel, () => void answers.push(fed.connection.recvFrame()));
    fed.feed(
      Buffer.concat([
        ...deliveryFrames({ channel: 3, consumerTag: 'asks' }),
        ...deliveryFrames({ consumerTag: 'one' }),
      ]),
    );
    expect(answers).to.deep.equal([false]);
    expect(came).to.have.lengthOf(1);
  });

  it('takes what is whole past amqplib, and leaves a body in several frames to it', () => {
    const { fed, came, counts } = consuming(true);
    const body = Buffer.alloc(900, 'b');
    fed.feed(
      Buffer.concat([
        ...deliveryFrames({ consumerTag: 'one', deliveryTag: 1, exchange: 'x', routingKey: 'k', redelivered: true }),
        ...deliveryFrames({ consumerTag: 'one', deliveryTag: 2, body, perFrame: 400 }),
        ...deliveryFrames({ channel: 2, consumerTag: 'two', deliveryTag: 2 ** 40 + 3, body: Buffer.alloc(0) }),
      ]),
    );
    expect(counts.taken).to.equal(2);
    expect(came.map(({ channel, consumerTag, deliveryTag }) => [channel, consumerTag, deliveryTag])).to.deep.equal([
      [1, 'one', 1],
      [1, 'one', 2],
      [2, 'two', 2 ** 40 + 3],
    ]);
    expect(came[0]?.message).to.deep.include({ exchange: 'x', routingKey: 'k', redelivered: true });
    expect(came.map(({ message }) => message.body.length)).to.deep.equal([2, 900, 0]);
  });

  it('notes for the heartbeat that something was read', () => {
    const { fed } = consuming(true);
    fed.feed(Buffer.concat(deliveryFrames({ consumerTag: 'one' })));
    expect(fed.connection).to.include({ recvSinceLastCheck: true });
  });

  it('takes nothing any more for a channel that is closing, or from a connection that is', () => {
    const all = Buffer.concat([1, 2].flatMap((channel) => deliveryFrames({ channel, consumerTag: 'one' })));
    const one = consuming(true);
    one.channels[0]?.closeBecause('over', 200);
    one.fed.feed(all);
    expect(one.came.map(({ channel }) => channel)).to.deep.equal([2]);
    const other = consuming(true);
    other.fed.connection.accept = () => {};
    other.fed.feed(all);
    expect(other.came).to.deep.equal([]);
  });

  it('goes on behind a receiver that ends the connection while it is handed a message', () => {
    const { fed, came } = consuming(true);
    const channel = fed.openChannel();
    channel.registerConsumer('last', () => {});
    DeliveryReader.receive(channel, () => {
      fed.connection.accept = () => {};
    });
    const [first, second] = [
      deliveryFrames({ channel: 3, consumerTag: 'last' }),
      deliveryFrames({ consumerTag: 'one' }),
    ];
    expect(fed.feed(Buffer.concat([...first, ...second]))).to.equal(undefined);
    expect(came).to.deep.equal([]);
  });

  it('closes the channel of a receiver that throws, as amqplib does, and goes on with the others', () => {
    const { fed, came } = consuming(true);
    const channel = fed.openChannel();
    channel.registerConsumer('bad', () => {});
    DeliveryReader.receive(channel, () => {
      throw new Error('broken');
    });
    const frames = [deliveryFrames({ channel: 3, consumerTag: 'bad' }), deliveryFrames({ consumerTag: 'one' })];
    expect(fed.feed(Buffer.concat(frames.flat()))).to.equal(undefined);
    expect(fed.sent.join()).to.contain('Error while processing message').and.to.contain('541');
    expect(came).to.have.lengthOf(1);
  });

  it('does nothing with an amqplib that is built differently', () => {
    const strange = { recvFrame: () => false, rest: 'text' };
    const { recvFrame } = strange;
    DeliveryReader.readOn(strange);
    DeliveryReader.receive({ ch: 1, connection: strange } as never, () => {});
    expect(strange.recvFrame).to.equal(recvFrame);
  });
});
