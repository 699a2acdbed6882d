import type { ConnectionEvent } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { onEachNode } from '../../../../scripts/each-broker.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { queueOf, topologyOf } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { TcpProxy } from '../test-support/tcp-proxy.js';
import { BrokerAdmin } from '../test-support/test-broker.js';

onEachNode('when the connection is cut', (broker) => {
  let admin: BrokerAdmin;
  let proxy: TcpProxy;
  let transport: AmqplibTransport;
  let events: ConnectionEvent[];

  beforeEach(async () => {
    admin = await BrokerAdmin.connect(broker.url);
    proxy = await TcpProxy.start(broker.url);
    // Only an attempt without a pause can be in time for these tests.
    const reconnect = { initialInterval: '1m', maxInterval: '1m' } as const;
    transport = new AmqplibTransport({ connection: { urls: proxy.through(broker.url), reconnect } });
    events = [];
    transport.on((event) => events.push(event));
  });
  afterEach(async () => {
    await transport.close({ timeoutMs: 1000 });
    await proxy.stop();
    await admin.close();
  });

  it('consumes again at once, and says that it was interrupted', async () => {
    const queue = await admin.makeQueue(admin.queueName('cut'));
    const sink = new RecordingSink();
    await transport.subscribe(consumeRequest(queue), sink).ready;
    proxy.cut();
    await eventually('consuming again', () => sink.tags.length === 2);
    expect(sink.causes).to.deep.equal(['connection-lost']);
    await admin.send(queue, 'after');
    await eventually('the message', () => sink.bodies.includes('after'));
    expect(events.map(({ type }) => type)).to.deep.equal(['connected', 'disconnected', 'connected']);
    expect(events.at(-1)).to.include({ type: 'connected', role: 'consume', again: true });
  });

  it('settles nothing on the channel that is gone, and gets the message again', async () => {
    const queue = await admin.makeQueue(admin.queueName('cut'));
    const sink = new RecordingSink(() => {});
    await transport.subscribe(consumeRequest(queue), sink).ready;
    await admin.send(queue, 'held');
    await eventually('the first delivery', () => sink.deliveries.length === 1);
    proxy.cut();
    await eventually('the second delivery', () => sink.deliveries.length === 2);
    const [first, second] = sink.deliveries;
    expect(first!.channel.isOpen).to.equal(false);
    expect(first!.channel.ack(first!.deliveryTag)).to.equal(false);
    expect(first!.channel.reject(first!.deliveryTag, true)).to.equal(false);
    expect(first!.channel.giveBack(first!.deliveryTag)).to.equal(false);
    expect(second!.message.redelivered).to.equal(true);
    expect(second!.channel.ack(second!.deliveryTag)).to.equal(true);
  });

  it('keeps trying while the broker refuses connections, and consumes once it accepts them', async () => {
    await transport.close({ timeoutMs: 1000 });
    transport = new AmqplibTransport({ connection: { urls: proxy.through(broker.url) } });
    transport.on((event) => events.push(event));
    const queue = await admin.makeQueue(admin.queueName('cut'));
    const sink = new RecordingSink();
    await transport.subscribe(consumeRequest(queue), sink).ready;
    await proxy.refuse();
    await eventually('three failed attempts', () => events.filter(({ type }) => type === 'connect-failed').length >= 3);
    expect(transport.health()[0]).to.include({ role: 'consume', host: undefined });
    await proxy.accept();
    await eventually('consuming again', () => sink.tags.length === 2);
    expect(sink.causes).to.deep.equal(['connection-lost']);
  });

  it('declares exclusive queues anew, because they went with the connection', async () => {
    const queue = admin.queueName('exclusive');
    await transport.declare(topologyOf({ queues: [queueOf(queue, { exclusive: true, durable: false })] }));
    const sink = new RecordingSink();
    await transport.subscribe(consumeRequest(queue), sink).ready;
    proxy.cut();
    await eventually('consuming again', () => sink.tags.length === 2);
    await admin.send(queue, 'after');
    await eventually('the message', () => sink.bodies.includes('after'));
  });
});
