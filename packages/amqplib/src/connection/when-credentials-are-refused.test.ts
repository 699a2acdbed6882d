import type { ConnectionEvent } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { rejectionOf } from '../test-support/rejection-of.js';

onEachNode('when credentials are refused', (broker) => {
  let transport: AmqplibTransport;

  afterEach(() => transport.close({ timeoutMs: 1000 }));

  function transportWith(options: object): AmqplibTransport {
    transport = new AmqplibTransport({ connection: { urls: broker.url, ...options } });
    return transport;
  }

  it('gives up at once, by name, without the password', async () => {
    const error = await rejectionOf(transportWith({ username: 'nobody', password: 'secret' }).connect('consume'));
    expect(error).to.include({ code: 'LEV_AUTHENTICATION_REFUSED' });
    expect((error as Error).message)
      .to.include('"nobody"')
      .and.include(new URL(broker.url).hostname)
      .and.not.include('secret');
    expect(transport.health()[0]).to.include({ role: 'consume', state: 'failed', lastError: error });
  });

  it('fails the subscriptions that wait for the connection', async () => {
    const sink = new RecordingSink();
    const subscription = transportWith({ password: 'wrong' }).subscribe(consumeRequest('any'), sink);
    expect(await rejectionOf(subscription.ready)).to.include({ code: 'LEV_AUTHENTICATION_REFUSED' });
    expect(sink.failures).to.have.lengthOf(1);
  });

  it('says so when a channel to publish on is asked for', async () => {
    transportWith({ password: 'wrong' });
    for (const _ of [1, 2]) {
      const error = await rejectionOf(transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 }));
      expect(error).to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
      expect((error as Error).cause).to.include({ code: 'LEV_AUTHENTICATION_REFUSED' });
    }
  });

  it('keeps trying when told that refusals are not fatal', async () => {
    const events: ConnectionEvent[] = [];
    transportWith({
      password: 'wrong',
      authenticationFailureFatal: false,
      startTimeout: 700,
      reconnect: { initialInterval: 10 },
    });
    transport.on((event) => events.push(event));
    const error = await rejectionOf(transport.connect('consume'));
    expect(error).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect((error as Error).cause).to.include({ code: 'LEV_AUTHENTICATION_REFUSED' });
    expect(events.length).to.be.at.least(2);
  });

  it('believes a refused virtual host when it repeats, and names it', async () => {
    const error = await rejectionOf(
      transportWith({ vhost: 'no such/host', reconnect: { initialInterval: 10 } }).connect('consume'),
    );
    expect(error).to.include({ code: 'LEV_AUTHENTICATION_REFUSED' });
    expect((error as Error).message).to.include('"no such/host"');
  });

  it('can be connected after the fault was mended elsewhere', async () => {
    transportWith({ password: 'wrong' });
    await rejectionOf(transport.connect('consume'));
    const again = rejectionOf(transport.connect('consume'));
    await eventually('another attempt', () => transport.health()[0]?.state === 'connecting');
    expect(await again).to.include({ code: 'LEV_AUTHENTICATION_REFUSED' });
  });
});
