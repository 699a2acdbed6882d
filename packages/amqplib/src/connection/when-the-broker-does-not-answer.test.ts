import type { ConnectionEvent } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { TcpProxy } from '../../../../tools/scripts/tcp-proxy.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { publicationOf, publish, queueOf, topologyOf } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { rejectionOf } from '../test-support/rejection-of.js';

onEachNode('when the broker does not answer', (broker) => {
  let proxy: TcpProxy;
  let transport: AmqplibTransport;
  let events: ConnectionEvent[];

  beforeEach(async () => {
    proxy = await TcpProxy.start(broker.url);
    events = [];
  });
  afterEach(async () => {
    await transport.close({ timeoutMs: 100 });
    await proxy.down();
  });

  function transportWith(options: object): AmqplibTransport {
    transport = new AmqplibTransport({ connection: { urls: proxy.through(broker.url), ...options } });
    transport.on((event) => events.push(event));
    return transport;
  }

  it('bounds the whole handshake by connectionTimeout', async () => {
    proxy.freeze();
    const startedAt = performance.now();
    const error = await rejectionOf(
      transportWith({ connectionTimeout: 100, startTimeout: 1000, reconnect: { initialInterval: 10 } }).connect(
        'consume',
      ),
    );
    expect(error).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect(performance.now() - startedAt).to.be.within(990, 10_000);
    expect(proxy.accepted).to.be.at.least(2);
    expect(events[0]).to.include({ type: 'connect-failed' });
    proxy.thaw();
    await eventually('no socket being left behind', () => proxy.open === 0);
  });

  it('bounds the wait for a channel', async () => {
    transportWith({});
    await transport.connect('publish');
    proxy.freeze();
    const startedAt = performance.now();
    const error = await rejectionOf(transport.openPublishChannel({ confirm: true, timeoutMs: 150 }));
    expect(error).to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
    expect(performance.now() - startedAt).to.be.within(140, 5000);
  });

  it('notices by the heartbeat, loses what was unconfirmed, and connects anew', async () => {
    transportWith({ heartbeat: '1s' });
    await transport.connect('publish');
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    proxy.freeze();
    const outcome = publish(channel, publicationOf('', 'nowhere'));
    await eventually('the loss', () => events.some(({ type }) => type === 'disconnected'));
    expect(await outcome).to.nested.include({ kind: 'lost', 'closed.kind': 'connection-lost' });
    proxy.thaw();
    await eventually('the new connection', () => events.filter(({ type }) => type === 'connected').length === 2);
  });

  it('says which declaration has no answer, until it has', async () => {
    transportWith({});
    await transport.connect('publish');
    proxy.freeze();
    const queue = queueOf('unanswered', { durable: false, autoDelete: true });
    const declaring = transport.declare(topologyOf({ queues: [queue] }));
    await eventually('it to be named', () => transport.unanswered().length > 0);
    expect(transport.unanswered()[0]).to.include({ kind: 'declare', name: 'queue "unanswered"' });
    proxy.thaw();
    await declaring;
    await eventually('the answer', () => transport.unanswered().length === 0);
  });

  it('closes within the time given', async () => {
    transportWith({});
    await Promise.all([transport.connect('consume'), transport.connect('publish')]);
    proxy.freeze();
    const startedAt = performance.now();
    await transport.close({ timeoutMs: 100 });
    expect(performance.now() - startedAt).to.be.within(90, 5000);
  });

  it('gives up an attempt that is under way when it is closed', async () => {
    proxy.freeze();
    const connecting = rejectionOf(transportWith({}).connect('consume'));
    await eventually('the attempt', () => proxy.accepted === 1);
    await transport.close({ timeoutMs: 100 });
    expect(await connecting).to.include({ code: 'LEV_INVALID_STATE' });
    await transport.close({ timeoutMs: 100 });
  });
});
