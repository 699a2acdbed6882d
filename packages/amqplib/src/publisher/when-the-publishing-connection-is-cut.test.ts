import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { onEachNode } from '../../../../scripts/each-broker.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { publicationOf, publish } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { TcpProxy } from '../test-support/tcp-proxy.js';
import { BrokerAdmin } from '../test-support/test-broker.js';

onEachNode('when the publishing connection is cut', (broker) => {
  let admin: BrokerAdmin;
  let proxy: TcpProxy;
  let transport: AmqplibTransport;

  beforeEach(async () => {
    admin = await BrokerAdmin.connect(broker.url);
    proxy = await TcpProxy.start(broker.url);
    transport = new AmqplibTransport({ connection: { urls: proxy.through(broker.url) } });
  });
  afterEach(async () => {
    await transport.close({ timeoutMs: 1000 });
    await proxy.stop();
    await admin.close();
  });

  it('loses each publish in flight once, before it says that the channel ended', async () => {
    const queue = await admin.makeQueue(admin.queueName('cut'));
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    proxy.freeze();
    const kinds: string[] = [];
    for (let index = 0; index < 50; index++) {
      channel.publish(publicationOf('', queue), (outcome) => kinds.push(outcome.kind));
    }
    const settledAtEnd = new Promise<number>((resolve) => channel.onEnd(() => resolve(kinds.length)));
    proxy.cut();
    expect(await settledAtEnd).to.equal(50);
    expect(new Set(kinds)).to.deep.equal(new Set(['lost']));
    proxy.thaw();
  });

  it('opens a channel on a new connection at once', async () => {
    const queue = await admin.makeQueue(admin.queueName('cut'));
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    const ended = new Promise((resolve) => channel.onEnd(resolve));
    proxy.cut();
    await ended;
    const next = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    expect(await publish(next, publicationOf('', queue))).to.deep.equal({ kind: 'ack', returned: undefined });
  });

  it('comes back by itself, as does the consuming connection', async () => {
    const events: string[] = [];
    await Promise.all([transport.connect('consume'), transport.connect('publish')]);
    transport.on((event) => events.push('role' in event ? `${event.type} ${event.role}` : event.type));
    proxy.cut();
    await eventually('both connections', () => events.filter((event) => event.startsWith('connected')).length === 2);
    expect(events.sort()).to.deep.equal([
      'connected consume',
      'connected publish',
      'disconnected consume',
      'disconnected publish',
    ]);
  });
});
