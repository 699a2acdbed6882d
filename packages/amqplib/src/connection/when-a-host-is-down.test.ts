import type { ConnectionEvent } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { AmqplibTransport } from '../amqplib-transport.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { TcpProxy } from '../test-support/tcp-proxy.js';
import { BrokerAdmin, brokerUrl, needsBroker } from '../test-support/test-broker.js';

describe('when a host is down', () => {
  let first: TcpProxy;
  let second: TcpProxy;
  let transport: AmqplibTransport;
  let events: ConnectionEvent[];

  before(needsBroker);
  beforeEach(async () => {
    first = await TcpProxy.start(brokerUrl);
    second = await TcpProxy.start(brokerUrl);
    events = [];
  });
  afterEach(async () => {
    await transport.close({ timeoutMs: 1000 });
    await first.stop();
    await second.stop();
  });

  function transportOn(proxies: readonly TcpProxy[], options: object = {}): AmqplibTransport {
    const urls = proxies.map((proxy) => proxy.through(brokerUrl));
    transport = new AmqplibTransport({ connection: { urls, ...options } });
    transport.on((event) => events.push(event));
    return transport;
  }

  it('uses the next one at once', async () => {
    await first.refuse();
    const startedAt = performance.now();
    await transportOn([first, second]).connect('consume');
    expect(performance.now() - startedAt).to.be.below(1000);
    expect(events.map(({ type }) => type)).to.deep.equal(['connect-failed', 'connected']);
    expect(events[0]).to.include({ host: `127.0.0.1:${first.port}`, retryInMs: 0 });
    expect(transport.health()[0]).to.include({ host: `127.0.0.1:${second.port}`, state: 'connected' });
  });

  it('moves its consumers to the next one at once when it goes down', async () => {
    const admin = await BrokerAdmin.connect();
    try {
      const queue = await admin.makeQueue(admin.queueName('move'));
      const sink = new RecordingSink();
      const reconnect = { initialInterval: '1m', maxInterval: '1m' };
      await transportOn([first, second], { reconnect }).subscribe(consumeRequest(queue), sink).ready;
      await first.refuse();
      await eventually('consuming again', () => sink.tags.length === 2);
      expect(transport.health()[0]).to.include({ host: `127.0.0.1:${second.port}` });
    } finally {
      await admin.close();
    }
  });

  it('fails the start by name when none can be reached in time', async () => {
    await first.refuse();
    await second.refuse();
    const error = await rejectionOf(transportOn([first, second], { startTimeout: 300 }).connect('consume'));
    expect(error).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect((error as Error).message)
      .to.include(`127.0.0.1:${first.port}, 127.0.0.1:${second.port}`)
      .and.include('ECONNREFUSED');
    expect(transport.health()[0]).to.include({ state: 'failed' });
  });

  it('tries once, now, for each channel to publish on', async () => {
    await first.refuse();
    transportOn([first]);
    for (const attempt of [1, 2, 3]) {
      const error = await rejectionOf(transport.openPublishChannel({ confirm: true, timeoutMs: 2000 }));
      expect(error).to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
      expect((error as Error).message).to.include('ECONNREFUSED');
      expect(events.filter(({ type }) => type === 'connect-failed')).to.have.lengthOf(attempt);
    }
    await first.accept();
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 2000 });
    expect(channel.isOpen).to.equal(true);
  });

  it('tries now for a channel although a later attempt is planned', async () => {
    transportOn([first], { reconnect: { initialInterval: '1m', maxInterval: '1m' } });
    await transport.connect('publish');
    await first.refuse();
    await eventually('the long pause', () => transport.health()[1]?.state === 'waiting');
    await first.accept();
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 2000 });
    expect(channel.isOpen).to.equal(true);
  });
});
