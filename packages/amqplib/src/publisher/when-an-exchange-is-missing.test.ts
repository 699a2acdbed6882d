import type { ChannelEnd } from '@leveret/core';
import { expect } from 'chai';
import { after, before, it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { publicationOf, publish } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { BrokerAdmin } from '../test-support/test-broker.js';

onEachNode('when an exchange is missing', (broker) => {
  let admin: BrokerAdmin;
  let transport: AmqplibTransport;

  before(async () => {
    admin = await BrokerAdmin.connect(broker.url);
    transport = new AmqplibTransport({ connection: { urls: broker.url } });
  });
  after(async () => {
    await transport?.close({ timeoutMs: 1000 });
    await admin?.close();
  });

  it("ends the channel with the broker's code and text, and everything in flight on it is lost", async () => {
    const queue = await admin.makeQueue(admin.queueName('innocent'));
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    const ends: ChannelEnd[] = [];
    channel.onEnd((end) => ends.push(end));
    const guilty = publish(channel, publicationOf('no.such.exchange', 'key'));
    const innocent = publish(channel, publicationOf('', queue));
    expect(await guilty).to.nested.include({ kind: 'lost', 'closed.kind': 'channel-error', 'closed.replyCode': 404 });
    expect((await innocent).kind).to.equal('lost');
    await eventually('the end', () => ends.length === 1);
    expect(ends[0]).to.include({ kind: 'channel-error', replyCode: 404 });
    expect(ends[0]).to.have.property('replyText').that.includes("no exchange 'no.such.exchange'");
    expect(channel.isOpen).to.equal(false);
  });

  it('leaves the other channels of the connection alone', async () => {
    const queue = await admin.makeQueue(admin.queueName('neighbour'));
    const neighbour = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    const guilty = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    await publish(guilty, publicationOf('no.such.exchange', 'key'));
    expect(await publish(neighbour, publicationOf('', queue))).to.deep.equal({ kind: 'ack', returned: undefined });
  });

  it('loses publishes on a channel without confirms only once it is known', async () => {
    const channel = await transport.openPublishChannel({ confirm: false, timeoutMs: 10_000 });
    const ends: ChannelEnd[] = [];
    channel.onEnd((end) => ends.push(end));
    expect((await publish(channel, publicationOf('no.such.exchange', 'key'))).kind).to.equal('ack');
    await eventually('the end', () => ends.length === 1);
    expect((await publish(channel, publicationOf('no.such.exchange', 'key'))).kind).to.equal('lost');
  });

  it('settles what is in flight, as acknowledged or lost, when the transport is closed', async () => {
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    const queue = await admin.makeQueue(admin.queueName('closed'));
    const outcome = publish(channel, publicationOf('', queue));
    await transport.close({ timeoutMs: 1000 });
    expect((await outcome).kind).to.be.oneOf(['ack', 'lost']);
    expect(await publish(channel, publicationOf('', queue))).to.nested.include({ kind: 'lost' });
  });
});
