import { expect } from 'chai';
import { it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { publicationOf, publish } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { useProxiedTransport } from '../test-support/use-transport.js';

onEachNode('when the publishing connection is cut', (broker) => {
  const here = useProxiedTransport(broker);

  it('loses each publish in flight once, before it says that the channel ended', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('cut'));
    const channel = await here.transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    here.proxy.freeze();
    const kinds: string[] = [];
    for (let index = 0; index < 50; index++) {
      channel.publish(publicationOf('', queue), (outcome) => kinds.push(outcome.kind));
    }
    const settledAtEnd = new Promise<number>((resolve) => channel.onEnd(() => resolve(kinds.length)));
    here.proxy.cut();
    expect(await settledAtEnd).to.equal(50);
    expect(new Set(kinds)).to.deep.equal(new Set(['lost']));
    here.proxy.thaw();
  });

  it('opens a channel on a new connection at once', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('cut'));
    const channel = await here.transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    const ended = new Promise((resolve) => channel.onEnd(resolve));
    here.proxy.cut();
    await ended;
    const next = await here.transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    expect(await publish(next, publicationOf('', queue))).to.deep.equal({ kind: 'ack', returned: undefined });
  });

  it('comes back by itself, as does the consuming connection', async () => {
    const events: string[] = [];
    await Promise.all([here.transport.connect('consume'), here.transport.connect('publish')]);
    here.transport.on((event) => events.push('role' in event ? `${event.type} ${event.role}` : event.type));
    here.proxy.cut();
    await eventually('both connections', () => events.filter((event) => event.startsWith('connected')).length === 2);
    expect(events.sort()).to.deep.equal([
      'connected consume',
      'connected publish',
      'disconnected consume',
      'disconnected publish',
    ]);
  });
});
