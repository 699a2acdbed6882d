import type { Delivery } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { AmqplibTransport } from '../amqplib-transport.js';
import { eventually } from '../test-support/eventually.js';
import { hex } from '../test-support/property-bytes.js';
import { RawPeer } from '../test-support/raw-peer.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';

const NO_PROPERTIES = hex('0000');

// As RabbitMQ 4.3 does at its delivery acknowledgement timeout: basic.cancel, and the queue is still there.
describe('when a consumer is taken away and its queue stays', () => {
  let peer: RawPeer;
  let transport: AmqplibTransport;
  const held: Delivery[] = [];

  beforeEach('start a peer', async () => {
    held.length = 0;
    peer = await RawPeer.start();
    transport = new AmqplibTransport({ connection: { urls: peer.url } });
  });
  afterEach('stop the peer', async () => {
    await transport.close({ timeoutMs: 1000 });
    await peer.stop();
  });

  async function consuming() {
    const sink = new RecordingSink((delivery) => held.push(delivery));
    const subscription = transport.subscribe(consumeRequest('q'), sink);
    await subscription.ready;
    return { sink, subscription };
  }

  it('says that the deliveries were taken back, and consumes on another channel', async () => {
    const { sink } = await consuming();
    await peer.deliver(NO_PROPERTIES);
    await eventually('the delivery', () => held.length === 1);
    peer.cancel();
    await eventually('consuming again', () => sink.tags.length === 2);
    expect(sink.causes).to.deep.equal(['delivery-timeout']);
    expect(held[0]!.channel.isOpen).to.equal(false);
    expect(held[0]!.channel.ack(1)).to.equal(false);
    await peer.deliver(NO_PROPERTIES);
    await eventually('the next delivery', () => held.length === 2);
    expect(held[1]!.channel).not.to.equal(held[0]!.channel);
    expect(peer.settled).to.equal(0);
  });

  it('bears a second cancel for the same consumer: the connection stays', async () => {
    const { sink } = await consuming();
    await peer.deliver(NO_PROPERTIES);
    await eventually('the delivery', () => held.length === 1);
    peer.cancel();
    peer.cancel();
    await eventually('consuming again', () => sink.tags.length === 2);
    await peer.deliver(NO_PROPERTIES);
    await eventually('the next delivery', () => held.length === 2);
    expect([peer.connections, sink.causes]).to.deep.equal([1, ['delivery-timeout']]);
  });

  it('keeps the channel when nothing was held', async () => {
    const { sink } = await consuming();
    peer.cancel();
    await eventually('consuming again', () => sink.tags.length === 2);
    expect(sink.causes).to.deep.equal(['cancelled']);
  });
});
