import { EventEmitter } from 'node:events';
import type { ConsumeRequest, Delivery } from '@leveret/core';
import { systemClock } from '@leveret/core';
import type { Channel, ConsumeMessage, Message } from 'amqplib';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { endTurn } from '../connection/end-of-turn.js';
import { consumeRequest } from '../test-support/recording-sink.js';
import { ConsumerChannel } from './consumer-channel.js';

/** amqplib's channel, which writes down what it is asked to send. */
class RecordingChannel extends EventEmitter {
  readonly frames: string[] = [];
  #deliver: (message: ConsumeMessage) => void = () => {};
  #tag = 0;

  prefetch(): Promise<void> {
    return Promise.resolve();
  }

  consume(_queue: string, deliver: (message: ConsumeMessage) => void): Promise<void> {
    this.#deliver = deliver;
    return Promise.resolve();
  }

  deliver(count: number): void {
    for (let n = 0; n < count; n++) {
      const fields = { deliveryTag: ++this.#tag, redelivered: false, exchange: '', routingKey: 'q', consumerTag: 'c' };
      const properties = { headers: {} } as ConsumeMessage['properties'];
      this.#deliver({ fields, properties, content: Buffer.from('x') });
    }
  }

  ack({ fields }: Message, multiple: boolean): void {
    this.frames.push(`ack ${fields.deliveryTag}${multiple ? ' multiple' : ''}`);
  }

  nack({ fields }: Message, multiple: boolean, requeue: boolean): void {
    this.frames.push(`nack ${fields.deliveryTag}${multiple ? ' multiple' : ''}${requeue ? ' requeue' : ''}`);
  }

  reject({ fields }: Message, requeue: boolean): void {
    this.frames.push(`reject ${fields.deliveryTag}${requeue ? ' requeue' : ''}`);
  }

  cancel(): Promise<void> {
    this.frames.push('cancel');
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.frames.push('close');
    this.emit('close');
    return Promise.resolve();
  }
}

async function consuming(changes: Partial<ConsumeRequest> = {}) {
  const wire = new RecordingChannel();
  const deliveries: Delivery[] = [];
  let flushes = 0;
  const events = {
    delivered: (_channel: ConsumerChannel, delivery: Delivery) => deliveries.push(delivery),
    cancelled: () => {},
    ended: () => {},
    flush: () => {
      flushes++;
    },
  };
  const channel = new ConsumerChannel(wire as unknown as Channel, 'q', events, systemClock);
  await channel.consume(consumeRequest('q', changes), 10, 'c');
  return { wire, channel, deliveries, flushes: () => flushes };
}

describe('ConsumerChannel', () => {
  it('sends the acks of a turn as one', async () => {
    const { wire, channel, flushes } = await consuming();
    wire.deliver(4);
    for (const tag of [1, 2, 3]) expect(channel.ack(tag)).to.equal(true);
    expect(wire.frames).to.deep.equal([]);
    endTurn();
    expect(wire.frames).to.deep.equal(['ack 3 multiple']);
    channel.ack(4);
    endTurn();
    expect(wire.frames).to.deep.equal(['ack 3 multiple', 'ack 4']);
    expect(flushes()).to.equal(0);
  });

  it('lets no more acks wait than it was told, and then lets them leave at once', async () => {
    const { wire, channel, flushes } = await consuming({ messagesPerAck: 2 });
    wire.deliver(5);
    for (const tag of [1, 2, 3, 4, 5]) channel.ack(tag);
    expect(wire.frames).to.deep.equal(['ack 2 multiple', 'ack 4 multiple']);
    expect(flushes()).to.equal(2);
    endTurn();
    expect(wire.frames.slice(2)).to.deep.equal(['ack 5']);
  });

  it('sends each ack by itself and at once where one may wait', async () => {
    const { wire, channel, flushes } = await consuming({ messagesPerAck: 1 });
    wire.deliver(2);
    channel.ack(1);
    channel.ack(2);
    expect(wire.frames).to.deep.equal(['ack 1', 'ack 2']);
    expect(flushes()).to.equal(2);
  });

  for (const [what, settle, frame] of [
    ['a reject', (channel: ConsumerChannel) => channel.reject(3, false), 'reject 3'],
    ['a requeue', (channel: ConsumerChannel) => channel.reject(3, true), 'reject 3 requeue'],
    ['a give-back', (channel: ConsumerChannel) => channel.giveBack(3), 'nack 3 requeue'],
    ['a cancel', (channel: ConsumerChannel) => channel.cancel(1000), 'cancel'],
    ['a close', (channel: ConsumerChannel) => channel.close(1000), 'close'],
  ] as const) {
    it(`sends what waits before ${what}`, async () => {
      const { wire, channel } = await consuming();
      wire.deliver(4);
      channel.ack(1);
      channel.ack(2);
      await settle(channel);
      expect(wire.frames).to.deep.equal(['ack 2 multiple', frame]);
      endTurn();
      expect(wire.frames).to.have.length(2);
    });
  }

  it('stands for no delivery that is open', async () => {
    const { wire, channel } = await consuming();
    wire.deliver(5);
    channel.ack(1);
    channel.ack(3);
    channel.ack(4);
    endTurn();
    expect(wire.frames).to.deep.equal(['ack 1', 'ack 3', 'ack 4']);
    channel.reject(2, true);
    channel.ack(5);
    endTurn();
    expect(wire.frames.slice(3)).to.deep.equal(['reject 2 requeue', 'ack 5']);
  });

  it('settles a delivery once, whoever asks twice', async () => {
    const { wire, channel } = await consuming();
    wire.deliver(2);
    channel.ack(1);
    channel.ack(1);
    channel.reject(1, true);
    expect(channel.owes).to.equal(true);
    channel.giveBack(2);
    channel.ack(2);
    endTurn();
    expect(wire.frames).to.deep.equal(['ack 1', 'nack 2 requeue']);
    expect(channel.owes).to.equal(false);
  });

  it('sends nothing on a channel that is gone, and says so', async () => {
    const { wire, channel } = await consuming();
    wire.deliver(2);
    channel.ack(1);
    wire.emit('close');
    endTurn();
    expect(channel.ack(2)).to.equal(false);
    expect(channel.reject(2, true)).to.equal(false);
    endTurn();
    expect(wire.frames).to.deep.equal([]);
  });
});
