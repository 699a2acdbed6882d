import { type AddressInfo, createServer } from 'node:net';
import type { ConnectionEvent } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { TcpProxy } from '../../../../tools/scripts/tcp-proxy.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { BrokerAdmin } from '../test-support/test-broker.js';

onEachNode('when a host is down', (broker) => {
  let first: TcpProxy;
  let second: TcpProxy;
  let transport: AmqplibTransport;
  let events: ConnectionEvent[];

  beforeEach(async () => {
    first = await TcpProxy.start(broker.url);
    second = await TcpProxy.start(broker.url);
    events = [];
  });
  afterEach(async () => {
    await transport.close({ timeoutMs: 1000 });
    await first.down();
    await second.down();
  });

  function transportOn(proxies: readonly TcpProxy[], options: object = {}): AmqplibTransport {
    const urls = proxies.map((proxy) => proxy.through(broker.url));
    transport = new AmqplibTransport({ connection: { urls, shuffle: false, ...options } });
    transport.on((event) => events.push(event));
    return transport;
  }

  it('uses the next one at once', async () => {
    await first.down();
    const startedAt = performance.now();
    await transportOn([first, second]).connect('consume');
    expect(performance.now() - startedAt).to.be.below(1000);
    expect(events.map(({ type }) => type)).to.deep.equal(['connect-failed', 'connected']);
    expect(events[0]).to.include({ host: `127.0.0.1:${first.port}`, retryInMs: 0 });
    expect(transport.health()[0]).to.include({ host: `127.0.0.1:${second.port}`, state: 'connected' });
  });

  it('moves its consumers to the next one at once when it goes down', async () => {
    const admin = await BrokerAdmin.connect(broker.url);
    try {
      const queue = await admin.makeQueue(admin.queueName('move'));
      const sink = new RecordingSink();
      const reconnect = { initialInterval: '1m', maxInterval: '1m' };
      await transportOn([first, second], { reconnect }).subscribe(consumeRequest(queue), sink).ready;
      await first.down();
      await eventually('consuming again', () => sink.tags.length === 2);
      expect(transport.health()[0]).to.include({ host: `127.0.0.1:${second.port}` });
    } finally {
      await admin.close();
    }
  });

  it('fails the start by name when none can be reached in time', async () => {
    await first.down();
    await second.down();
    const error = await rejectionOf(transportOn([first, second], { startTimeout: 300 }).connect('consume'));
    expect(error).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect((error as Error).message)
      .to.include(`127.0.0.1:${first.port}, 127.0.0.1:${second.port}`)
      .and.include('ECONNREFUSED');
    expect(transport.health()[0]).to.include({ state: 'failed' });
  });

  it('fails a start that comes during an outage, and goes on for those who were connected', async () => {
    const admin = await BrokerAdmin.connect(broker.url);
    try {
      const queue = await admin.makeQueue(admin.queueName('outage'));
      const sink = new RecordingSink();
      await transportOn([first], { startTimeout: 200 }).subscribe(consumeRequest(queue), sink).ready;
      await first.down();
      await eventually('the outage', () => sink.causes.length === 1);
      expect(await rejectionOf(transport.connect('consume'))).to.include({ code: 'LEV_CONNECTION_FAILED' });
      expect(sink.failures).to.deep.equal([]);
      await first.up();
      await eventually('consuming again', () => sink.tags.length === 2);
    } finally {
      await admin.close();
    }
  });

  it('tries once, now, for each channel to publish on', async () => {
    await first.down();
    transportOn([first]);
    for (const attempt of [1, 2, 3]) {
      const error = await rejectionOf(transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 }));
      expect(error).to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
      expect((error as Error).message).to.include('ECONNREFUSED');
      expect(events.filter(({ type }) => type === 'connect-failed')).to.have.lengthOf(attempt);
    }
    await first.up();
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    expect(channel.isOpen).to.equal(true);
  });

  it('tries now for a channel although a later attempt is planned', async () => {
    transportOn([first], { reconnect: { initialInterval: '1m', maxInterval: '1m', knockInterval: 0 } });
    await transport.connect('publish');
    await first.down();
    await eventually('the long pause', () => transport.health()[1]?.state === 'waiting');
    await first.up();
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    expect(channel.isOpen).to.equal(true);
  });

  for (const [how, goDown] of [
    ['refuses connections', () => first.down()],
    ['accepts them and hangs up', () => first.hangUp()],
  ] as const) {
    it(`knocks at a port that ${how}, and connects as soon as somebody is there again`, async () => {
      transportOn([first], { reconnect: { initialInterval: '1m', maxInterval: '1m' } });
      await transport.connect('consume');
      await goDown();
      await eventually('the long pause', () => transport.health()[0]?.state === 'waiting');
      await first.up();
      await eventually('the connection', () => transport.health()[0]?.state === 'connected');
      expect(events.filter(({ type }) => type === 'disconnected')).to.have.lengthOf(1);
    });
  }

  it('connects to the one that answers a knock, not to the one whose turn it is', async () => {
    transportOn([first, second], { reconnect: { initialInterval: '1m', maxInterval: '1m' } });
    await first.down();
    await second.down();
    const connecting = transport.connect('consume');
    await eventually('the long pause', () => transport.health()[0]?.state === 'waiting');
    events.length = 0;
    await second.up();
    await connecting;
    expect(events).to.have.lengthOf(1);
    expect(events[0]).to.include({ type: 'connected', host: `127.0.0.1:${second.port}` });
  });

  it('leaves a port that accepts and then breaks off more and more in peace', async () => {
    const at: number[] = [];
    await using server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    transport = new AmqplibTransport({
      connection: { urls: `amqp://127.0.0.1:${port}`, reconnect: { initialInterval: '1m', maxInterval: '1m' } },
    });
    transport.on(() => at.push(performance.now()));
    const connecting = rejectionOf(transport.connect('consume'));
    await eventually('five attempts', () => at.length === 5);
    await transport.close({ timeoutMs: 100 });
    await connecting;
    // 680 ms, less what Node's timers count from before a turn was held up; knocks as often as at first take 330.
    expect(at[4]! - at[0]!).to.be.at.least(400);
  });
});
